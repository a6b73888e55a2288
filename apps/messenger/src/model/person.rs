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

    /// Those whose name begins with a text.
    ///
    /// # Errors
    /// When the database fails.
    pub fn search(
        tx: &Transaction<'_>,
        text: &str,
        limit: usize,
    ) -> Result<Vec<PersonView>, rusqlite::Error> {
        let mut rows = tx.prepare_cached(&format!(
            "{FIELDS} WHERE removed_at IS NULL AND instr(folded, ?) > 0 ORDER BY instr(folded, ?1), folded LIMIT ?"
        ))?;
        rows.query_map(params![crate::accounts::fold(text), limit], person)?.collect()
    }

    /// Everybody who shares a room with a person, the person among them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn around(tx: &Transaction<'_>, who: Uuid) -> Result<Vec<PersonView>, rusqlite::Error> {
        let mut rows = tx.prepare_cached(&format!(
            "{FIELDS} WHERE id = ?1
                OR id IN (SELECT o.person FROM member m JOIN member o ON o.room = m.room WHERE m.person = ?1)
             ORDER BY folded"
        ))?;
        rows.query_map([who], person)?.collect()
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
