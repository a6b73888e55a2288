//! Password resets: an administrator starts one, only the person completes it, and the person is told in any case.

use super::{AccountError, people, secret, sessions};
use crate::time;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;
use uuid::Uuid;

/// What happened to an account while its person was away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Notice {
    /// `reset_started`, `reset_completed` or `reset_cancelled`.
    pub kind: String,
    /// The administrator's name.
    pub by: Option<String>,
    /// When.
    pub at: String,
    /// Until when the reset may be completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// How long a reset may be completed, in milliseconds: a day.
const LASTS_MS: i64 = 24 * 3600 * 1000;
/// Notices that are kept of a person.
const NOTICES_MAX: i64 = 20;

/// Starts one in place of any before; the token and when it runs out.
pub(super) fn start(tx: &Transaction<'_>, person: Uuid, by: Uuid) -> Result<(String, i64), AccountError> {
    people::by_id(tx, person)?.ok_or(AccountError::Unknown)?;
    let (token, expires_at) = (secret::token(), time::now() + LASTS_MS);
    tx.execute(
        "INSERT OR REPLACE INTO reset (person, token, expires_at) VALUES (?, ?, ?)",
        params![person, secret::kept(&token), expires_at],
    )?;
    notice(tx, person, "reset_started", Some(by), Some(expires_at))?;
    Ok((token, expires_at))
}

/// Whose reset this is, if it may still be completed.
pub(super) fn find(tx: &Transaction<'_>, token: &str) -> Result<Uuid, AccountError> {
    tx.query_row(
        "SELECT r.person FROM reset r JOIN person p ON p.id = r.person
         WHERE r.token = ? AND r.expires_at > ? AND p.removed_at IS NULL",
        params![secret::kept(token), time::now()],
        |row| row.get(0),
    )
    .optional()?
    .ok_or(AccountError::Reset)
}

/// Uses it up: the new password counts, and nothing that was signed in before does.
pub(super) fn complete(tx: &Transaction<'_>, token: &str, hash: &str) -> Result<Uuid, AccountError> {
    let person = find(tx, token)?;
    tx.execute("DELETE FROM reset WHERE person = ?", [person])?;
    people::set_password(tx, person, hash)?;
    sessions::end_all(tx, person, None)?;
    notice(tx, person, "reset_completed", None, None)?;
    Ok(person)
}

pub(super) fn cancel(tx: &Transaction<'_>, person: Uuid) -> Result<(), AccountError> {
    if tx.execute("DELETE FROM reset WHERE person = ?", [person])? > 0 {
        notice(tx, person, "reset_cancelled", None, None)?;
    }
    Ok(())
}

pub(super) fn notices(tx: &Transaction<'_>, person: Uuid) -> Result<Vec<Notice>, AccountError> {
    let mut rows = tx.prepare_cached(
        "SELECT kind, p.name, at, expires_at FROM notice LEFT JOIN person p ON p.id = by
         WHERE person = ? ORDER BY notice.id",
    )?;
    let notices = rows.query_map([person], |row| {
        Ok(Notice {
            kind: row.get(0)?,
            by: row.get(1)?,
            at: time::text(row.get(2)?),
            expires_at: row.get::<_, Option<i64>>(3)?.map(time::text),
        })
    })?;
    Ok(notices.collect::<Result<_, _>>()?)
}

pub(super) fn seen(tx: &Transaction<'_>, person: Uuid) -> Result<(), AccountError> {
    tx.execute("DELETE FROM notice WHERE person = ?", [person])?;
    Ok(())
}

fn notice(
    tx: &Transaction<'_>,
    person: Uuid,
    kind: &str,
    by: Option<Uuid>,
    expires_at: Option<i64>,
) -> Result<(), rusqlite::Error> {
    tx.execute(
        "INSERT INTO notice (person, kind, by, at, expires_at) VALUES (?, ?, ?, ?, ?)",
        params![person, kind, by, time::now(), expires_at],
    )?;
    tx.execute(
        "DELETE FROM notice WHERE person = ?1 AND id NOT IN (SELECT id FROM notice WHERE person = ?1 ORDER BY id DESC LIMIT ?2)",
        params![person, NOTICES_MAX],
    )?;
    Ok(())
}
