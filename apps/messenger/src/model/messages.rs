//! Messages as they stand now.

use crate::time;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

use super::Blanks;

/// A message as it stands now.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Message {
    /// The message.
    pub message: Uuid,
    /// Where it is.
    pub room: Uuid,
    /// The channel's offset of its sending.
    pub offset: i64,
    /// Who sent it.
    pub sender: Uuid,
    /// The sender's own name for it; to the sender only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The text; `None` once it was deleted.
    pub text: Option<String>,
    /// When it was sent.
    pub at: String,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Quote>,
    /// When it was last edited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<String>,
    /// Whether it was deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted: bool,
    /// What others think of it.
    pub reactions: Vec<Reaction>,
}

/// A message that is answered.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Quote {
    /// The message.
    pub message: Uuid,
    /// Who sent it.
    pub sender: Option<Uuid>,
    /// Its text, if it was not deleted.
    pub text: Option<String>,
}

/// Who reacted with what.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Reaction {
    /// With what.
    pub emoji: String,
    /// Who.
    pub people: Vec<Uuid>,
}

/// Which messages of a room, by offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Span {
    /// The newest.
    Newest,
    /// Those before.
    Before(i64),
    /// Those after.
    After(i64),
    /// Those around.
    Around(i64),
}

const FIELDS: &str = "m.id, m.room, m.offset, m.sender, m.client_id, m.text, m.at, m.reply_to, m.edited_at, m.is_deleted, r.sender, r.text
     FROM message m LEFT JOIN message r ON r.id = m.reply_to AND r.room = m.room";

/// Messages of a room as this person sees them, ascending, and whether there are more.
///
/// # Errors
/// When the database fails.
pub fn messages(
    tx: &Transaction<'_>,
    room: Uuid,
    person: Uuid,
    span: Span,
    limit: usize,
) -> Result<(Vec<Message>, bool), rusqlite::Error> {
    match span {
        Span::Newest => downwards(tx, room, person, i64::MAX, limit),
        Span::Before(offset) => downwards(tx, room, person, offset, limit),
        Span::After(offset) => upwards(tx, room, person, offset, limit),
        Span::Around(offset) => {
            let (mut found, has_more) = downwards(tx, room, person, offset.saturating_add(1), limit / 2 + 1)?;
            let (after, _) = upwards(tx, room, person, offset, limit / 2)?;
            found.extend(after);
            Ok((found, has_more))
        }
    }
}

fn downwards(
    tx: &Transaction<'_>,
    room: Uuid,
    person: Uuid,
    before: i64,
    limit: usize,
) -> Result<(Vec<Message>, bool), rusqlite::Error> {
    let sql = format!("SELECT {FIELDS} WHERE m.room = ? AND m.offset < ? ORDER BY m.offset DESC LIMIT ?");
    let (mut found, has_more) = page(tx, &sql, room, person, before, limit)?;
    found.reverse();
    Ok((found, has_more))
}

fn upwards(
    tx: &Transaction<'_>,
    room: Uuid,
    person: Uuid,
    after: i64,
    limit: usize,
) -> Result<(Vec<Message>, bool), rusqlite::Error> {
    let sql = format!("SELECT {FIELDS} WHERE m.room = ? AND m.offset > ? ORDER BY m.offset LIMIT ?");
    page(tx, &sql, room, person, after, limit)
}

fn page(
    tx: &Transaction<'_>,
    sql: &str,
    room: Uuid,
    person: Uuid,
    offset: i64,
    limit: usize,
) -> Result<(Vec<Message>, bool), rusqlite::Error> {
    let mut rows = tx.prepare_cached(sql)?;
    let found = rows.query_map(params![room, offset, limit + 1], |row| message(row, person))?;
    let mut found: Vec<Message> = found.collect::<Result<_, _>>()?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    for message in &mut found {
        message.reactions = reactions(tx, message.message)?;
    }
    Ok((found, has_more))
}

/// One message of a room.
///
/// # Errors
/// When the database fails.
pub fn find(
    tx: &Transaction<'_>,
    room: Uuid,
    id: Uuid,
    person: Uuid,
) -> Result<Option<Message>, rusqlite::Error> {
    let sql = format!("SELECT {FIELDS} WHERE m.id = ? AND m.room = ?");
    let found = tx.prepare_cached(&sql)?.query_row([id, room], |row| message(row, person)).optional()?;
    with_reactions(tx, found)
}

pub(super) fn newest(
    tx: &Transaction<'_>,
    room: Uuid,
    person: Uuid,
) -> Result<Option<Message>, rusqlite::Error> {
    let sql = format!("SELECT {FIELDS} WHERE m.room = ? ORDER BY m.offset DESC LIMIT 1");
    let found = tx.prepare_cached(&sql)?.query_row([room], |row| message(row, person)).optional()?;
    with_reactions(tx, found)
}

pub(super) fn by_number(
    tx: &Transaction<'_>,
    n: i64,
    person: Uuid,
) -> Result<Option<Message>, rusqlite::Error> {
    let sql = format!("SELECT {FIELDS} WHERE m.n = ?");
    let found = tx.prepare_cached(&sql)?.query_row([n], |row| message(row, person)).optional()?;
    with_reactions(tx, found)
}

/// What this sender sent under this name before: the message, its offset and time.
///
/// # Errors
/// When the database fails.
pub fn sent_before(
    tx: &Transaction<'_>,
    room: Uuid,
    sender: Uuid,
    client_id: &str,
) -> Result<Option<(Uuid, i64, i64)>, rusqlite::Error> {
    tx.prepare_cached("SELECT id, offset, at FROM message WHERE room = ? AND sender = ? AND client_id = ?")?
        .query_row(params![room, sender, client_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
}

/// What became of these messages, for the view.
///
/// # Errors
/// When the database fails.
pub fn blanks(tx: &Transaction<'_>, ids: &[Uuid]) -> Result<Blanks, rusqlite::Error> {
    let mut found = HashMap::new();
    for id in ids {
        let state = tx
            .prepare_cached("SELECT is_deleted, edited_offset FROM message WHERE id = ?")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((is_deleted, edited_offset)) = state {
            found.insert(*id, super::view::State { is_deleted, edited_offset });
        }
    }
    Ok(Blanks(found))
}

fn with_reactions(
    tx: &Transaction<'_>,
    message: Option<Message>,
) -> Result<Option<Message>, rusqlite::Error> {
    let Some(mut message) = message else { return Ok(None) };
    message.reactions = reactions(tx, message.message)?;
    Ok(Some(message))
}

fn reactions(tx: &Transaction<'_>, message: Uuid) -> Result<Vec<Reaction>, rusqlite::Error> {
    let mut rows =
        tx.prepare_cached("SELECT emoji, person FROM reaction WHERE message = ? ORDER BY emoji, person")?;
    let mut found: Vec<Reaction> = Vec::new();
    let mut rows = rows.query([message])?;
    while let Some(row) = rows.next()? {
        let (emoji, person): (String, Uuid) = (row.get(0)?, row.get(1)?);
        match found.last_mut().filter(|last| last.emoji == emoji) {
            Some(last) => last.people.push(person),
            None => found.push(Reaction { emoji, people: vec![person] }),
        }
    }
    Ok(found)
}

fn message(row: &Row<'_>, person: Uuid) -> Result<Message, rusqlite::Error> {
    let sender: Uuid = row.get(3)?;
    let reply_to: Option<Uuid> = row.get(7)?;
    let (quoted, quote) = (row.get(10)?, row.get(11)?);
    Ok(Message {
        message: row.get(0)?,
        room: row.get(1)?,
        offset: row.get(2)?,
        sender,
        client_id: if sender == person { Some(row.get(4)?) } else { None },
        text: row.get(5)?,
        at: time::text(row.get(6)?),
        reply_to: reply_to.map(|message| Quote { message, sender: quoted, text: quote }),
        edited_at: row.get::<_, Option<i64>>(8)?.map(time::text),
        is_deleted: row.get(9)?,
        reactions: Vec::new(),
    })
}
