//! People as others see them.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// A person as others see them.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PersonView {
    /// Who.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Whether they are connected now.
    pub is_online: bool,
    /// When they were last connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<String>,
    /// Whether they were removed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_removed: bool,
}

/// Who is online now.
pub type Presence = HashSet<Uuid>;

/// Where somebody is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// Among a room's members.
    In(Uuid),
    /// Among all others.
    NotIn(Uuid),
}

/// Questions about people.
#[derive(Clone, Copy, Debug)]
pub struct People;

const FIELDS: &str = "SELECT id, name, last_seen, removed_at IS NOT NULL FROM person";

impl People {
    /// One person.
    ///
    /// # Errors
    /// When the database fails.
    pub fn find(tx: &Transaction<'_>, id: Uuid) -> Result<Option<PersonView>, rusqlite::Error> {
        tx.prepare_cached(&format!("{FIELDS} WHERE id = ?"))?.query_row([id], person).optional()
    }

    /// These people, but for those that there are not.
    ///
    /// # Errors
    /// When the database fails.
    pub fn all(
        tx: &Transaction<'_>,
        ids: impl IntoIterator<Item = Uuid>,
    ) -> Result<Vec<PersonView>, rusqlite::Error> {
        ids.into_iter().filter_map(|id| Self::find(tx, id).transpose()).collect()
    }

    /// Those whose name holds a text, everywhere or where they stand so with a room.
    ///
    /// # Errors
    /// When the database fails.
    pub fn search(
        tx: &Transaction<'_>,
        text: &str,
        place: Option<Place>,
        limit: usize,
    ) -> Result<Vec<PersonView>, rusqlite::Error> {
        let (room, is_in) = match place {
            None => (None, true),
            Some(Place::In(room)) => (Some(room), true),
            Some(Place::NotIn(room)) => (Some(room), false),
        };
        let mut rows = tx.prepare_cached(&format!(
            "{FIELDS} WHERE removed_at IS NULL AND instr(folded, ?1) > 0
                AND (?2 IS NULL OR EXISTS (SELECT 1 FROM member WHERE room = ?2 AND person = id) = ?3)
             ORDER BY instr(folded, ?1), folded LIMIT ?4"
        ))?;
        rows.query_map(params![crate::accounts::fold(text), room, is_in, limit], person)?.collect()
    }
}

fn person(row: &rusqlite::Row<'_>) -> Result<PersonView, rusqlite::Error> {
    Ok(PersonView {
        id: row.get(0)?,
        name: row.get(1)?,
        is_online: false,
        last_seen: row.get::<_, Option<i64>>(2)?.map(crate::time::text),
        is_removed: row.get(3)?,
    })
}
