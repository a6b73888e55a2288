//! Rows of people.

use super::{AccountError, secret};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use uuid::Uuid;

/// A person who may sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Person {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Whether they administer.
    pub is_admin: bool,
    /// Whether they must choose a password before anything else.
    pub must_change: bool,
}

/// A person as administrators see them.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Listed {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Whether they administer.
    pub is_admin: bool,
    /// Since when they are here.
    pub created_at: String,
    /// When they were last connected.
    pub last_seen: Option<String>,
    /// Whether they were removed.
    pub is_removed: bool,
    /// Whether a password reset waits for them.
    pub has_reset: bool,
}

/// The form in which names are compared.
#[must_use]
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}

/// Whether it can be a name: 1 to 32 letters, digits, `-`, `_` or `.`, so that `@name` has a clear end; the last
/// character is a letter or digit, so that a full stop behind a mention is no part of it.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    name.chars().count() <= 32
        && name.chars().all(is_part)
        && name.chars().next_back().is_some_and(char::is_alphanumeric)
}

pub(super) fn check_password(password: &str) -> Result<(), AccountError> {
    if (8..=256).contains(&password.chars().count()) { Ok(()) } else { Err(AccountError::Password) }
}

/// A new row, when the name is free.
pub(super) fn insert(
    tx: &Transaction<'_>,
    name: &str,
    hash: &str,
    is_admin: bool,
    must_change: bool,
) -> Result<Person, AccountError> {
    let id = Uuid::now_v7();
    let done = tx.execute(
        "INSERT INTO person (id, name, folded, password, is_admin, must_change, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (folded) DO NOTHING",
        params![id, name, fold(name), hash, is_admin, must_change, crate::time::now()],
    )?;
    if done == 0 {
        return Err(AccountError::Taken);
    }
    Ok(Person { id, name: name.to_owned(), is_admin, must_change })
}

/// Who has this name and was not removed, with the password's hash.
pub(super) fn by_name(tx: &Transaction<'_>, name: &str) -> Result<Option<(Person, String)>, rusqlite::Error> {
    tx.prepare_cached(
        "SELECT id, name, is_admin, must_change, password FROM person WHERE folded = ? AND removed_at IS NULL",
    )?
    .query_row([fold(name)], |row| Ok((person(row)?, row.get(4)?)))
    .optional()
}

/// Who has this id and was not removed.
pub(crate) fn by_id(tx: &Transaction<'_>, id: Uuid) -> Result<Option<Person>, rusqlite::Error> {
    tx.prepare_cached(
        "SELECT id, name, is_admin, must_change FROM person WHERE id = ? AND removed_at IS NULL",
    )?
    .query_row([id], person)
    .optional()
}

pub(super) fn is_removed(tx: &Transaction<'_>, id: Uuid) -> Result<bool, rusqlite::Error> {
    let removed = "SELECT EXISTS (SELECT 1 FROM person WHERE id = ? AND removed_at IS NOT NULL)";
    tx.query_row(removed, [id], |row| row.get(0))
}

pub(super) fn list(tx: &Transaction<'_>) -> Result<Vec<Listed>, AccountError> {
    let mut rows = tx.prepare_cached(
        "SELECT p.id, name, is_admin, created_at, last_seen, removed_at IS NOT NULL,
                EXISTS (SELECT 1 FROM reset r WHERE r.person = p.id AND r.expires_at > ?)
         FROM person p ORDER BY folded",
    )?;
    let listed = rows.query_map([crate::time::now()], |row| {
        Ok(Listed {
            id: row.get(0)?,
            name: row.get(1)?,
            is_admin: row.get(2)?,
            created_at: crate::time::text(row.get(3)?),
            last_seen: row.get::<_, Option<i64>>(4)?.map(crate::time::text),
            is_removed: row.get(5)?,
            has_reset: row.get(6)?,
        })
    })?;
    Ok(listed.collect::<Result<_, _>>()?)
}

/// How many may administer, this person not counted.
pub(super) fn other_admins(tx: &Transaction<'_>, but: Uuid) -> Result<u64, rusqlite::Error> {
    tx.query_row(
        "SELECT count(*) FROM person WHERE is_admin AND removed_at IS NULL AND id <> ?",
        [but],
        |row| row.get(0),
    )
}

pub(super) fn set_password(tx: &Transaction<'_>, id: Uuid, hash: &str) -> Result<(), rusqlite::Error> {
    tx.execute("UPDATE person SET password = ?, must_change = 0 WHERE id = ?", params![hash, id])?;
    Ok(())
}

/// Makes a recovery code in place of the one before. It is told once and kept as a hash.
pub(super) fn new_recovery(tx: &Transaction<'_>, id: Uuid) -> Result<String, rusqlite::Error> {
    let code = secret::password();
    tx.execute(
        "UPDATE person SET recovery = ? WHERE id = ?",
        params![secret::kept(&secret::typed(&code)), id],
    )?;
    Ok(code)
}

pub(super) fn has_recovery(tx: &Transaction<'_>, id: Uuid) -> Result<bool, rusqlite::Error> {
    tx.query_row("SELECT recovery IS NOT NULL FROM person WHERE id = ?", [id], |row| row.get(0))
}

pub(super) fn person(row: &rusqlite::Row<'_>) -> Result<Person, rusqlite::Error> {
    Ok(Person { id: row.get(0)?, name: row.get(1)?, is_admin: row.get(2)?, must_change: row.get(3)? })
}
