//! Who came to a room and who went, at their places in the stream of its messages.

use super::Span;
use crate::time;
use rusqlite::{Row, Transaction, params};
use serde::Serialize;
use uuid::Uuid;

/// Somebody came or went.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Coming {
    /// The channel's offset of it.
    pub offset: i64,
    /// `created`, `joined`, `left` or `kicked`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who.
    pub person: Uuid,
    /// By whom.
    pub by: Uuid,
    /// When.
    pub at: String,
}

/// How many one page brings, the newest of them.
const PAGE_MAX: usize = 200;

/// Those that stand among the messages of a page, whose first and last offset these are: pages that lie side by side
/// bring each once.
///
/// # Errors
/// When the database fails.
pub fn comings(
    tx: &Transaction<'_>,
    room: Uuid,
    span: Span,
    ends: Option<(i64, i64)>,
    has_more: bool,
) -> Result<Vec<Coming>, rusqlite::Error> {
    let first = ends.map_or(0, |(first, _)| first);
    let last = ends.map_or(i64::MAX, |(_, last)| last);
    let (after, before) = match span {
        Span::Newest => (if has_more { first } else { 0 }, i64::MAX),
        Span::Before(offset) => (if has_more { first } else { 0 }, offset),
        Span::After(offset) => (offset, if has_more { last } else { i64::MAX }),
        Span::Around(_) => (if has_more { first } else { 0 }, last),
    };
    let mut rows = tx.prepare_cached(
        "SELECT offset, type, person, by, at FROM coming WHERE room = ? AND offset > ? AND offset < ?
         ORDER BY offset DESC LIMIT ?",
    )?;
    let found = rows.query_map(params![room, after, before, PAGE_MAX], coming)?;
    let mut found: Vec<Coming> = found.collect::<Result<_, _>>()?;
    found.reverse();
    Ok(found)
}

fn coming(row: &Row<'_>) -> Result<Coming, rusqlite::Error> {
    Ok(Coming {
        offset: row.get(0)?,
        kind: row.get(1)?,
        person: row.get(2)?,
        by: row.get(3)?,
        at: time::text(row.get(4)?),
    })
}
