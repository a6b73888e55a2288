//! Rows of sessions: who is signed in, on which device.

use super::{Notice, Person, people, secret};
use crate::time;
use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

/// A device on which a person is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub person: Person,
}

/// What signing in gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who it is.
    pub person: Person,
    /// For the cookie.
    pub token: String,
    /// What happened to the account meanwhile.
    pub notices: Vec<Notice>,
    /// The recovery code of somebody who just signed up; it is not told again.
    pub recovery: Option<String>,
}

/// How long a session lasts without being used, in milliseconds: 30 days.
pub(super) const LASTS_MS: i64 = 30 * 24 * 3600 * 1000;
/// A session's end is moved on once a day rather than at every request.
const MOVED_EVERY_MS: i64 = 24 * 3600 * 1000;

pub(super) fn insert(tx: &Transaction<'_>, person: Uuid) -> Result<String, rusqlite::Error> {
    let (token, now) = (secret::token(), time::now());
    tx.execute("DELETE FROM session WHERE expires_at < ?", [now])?;
    tx.execute(
        "INSERT INTO session (token, person, created_at, expires_at) VALUES (?, ?, ?, ?)",
        params![secret::kept(&token), person, now, now + LASTS_MS],
    )?;
    Ok(token)
}

/// The session of a cookie, and whether its end should be moved on.
pub(super) fn find(tx: &Transaction<'_>, token: &str) -> Result<Option<(Session, bool)>, rusqlite::Error> {
    let now = time::now();
    let found = tx
        .prepare_cached("SELECT id, person, expires_at FROM session WHERE token = ? AND expires_at > ?")?
        .query_row(params![secret::kept(token), now], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Uuid>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((id, person, expires_at)) = found else { return Ok(None) };
    let person = people::by_id(tx, person)?;
    Ok(person.map(|person| (Session { id, person }, expires_at - now < LASTS_MS - MOVED_EVERY_MS)))
}

pub(super) fn is_open(tx: &Transaction<'_>, id: i64, person: Uuid) -> Result<bool, rusqlite::Error> {
    tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM session s JOIN person p ON p.id = s.person
         WHERE s.id = ? AND s.person = ? AND s.expires_at > ? AND p.removed_at IS NULL AND NOT p.must_change)",
    )?
    .query_row(params![id, person, time::now()], |row| row.get(0))
}

pub(super) fn move_on(tx: &Transaction<'_>, id: i64) -> Result<(), rusqlite::Error> {
    tx.execute("UPDATE session SET expires_at = ? WHERE id = ?", params![time::now() + LASTS_MS, id])?;
    Ok(())
}

pub(super) fn end(tx: &Transaction<'_>, id: i64) -> Result<(), rusqlite::Error> {
    tx.execute("DELETE FROM session WHERE id = ?", [id])?;
    Ok(())
}

/// Ends the sessions of a person, but for one.
pub(super) fn end_all(tx: &Transaction<'_>, person: Uuid, but: Option<i64>) -> Result<(), rusqlite::Error> {
    tx.execute("DELETE FROM session WHERE person = ? AND id IS NOT ?", params![person, but])?;
    Ok(())
}

pub(super) fn find_by_id(tx: &Transaction<'_>, id: i64) -> Result<bool, rusqlite::Error> {
    tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM session WHERE id = ? AND expires_at > ?)",
        [id, time::now()],
        |row| row.get(0),
    )
}
