//! Password resets: an administrator starts one and is given nothing, only the person completes it, and is told in any case.
//!
//! ```text
//! administrator --starts--> open, a day --the person proves who they are--> link, 15 minutes --new password--> completed
//!                             |           (recovery code, or a device that                 |
//!                             |            is still signed in)                             |
//!                             \----------------- the person refuses, or signs in and changes it ------> cancelled
//! ```

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

/// How long a person may take to prove who they are, in milliseconds: a day.
const LASTS_MS: i64 = 24 * 3600 * 1000;
/// How long the link may be used that they are shown then, in milliseconds: 15 minutes.
const LINK_LASTS_MS: i64 = 15 * 60 * 1000;
/// Notices that are kept of a person.
const NOTICES_MAX: i64 = 20;

/// A link by which a password is chosen, once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// For the link.
    pub token: String,
    /// When it runs out.
    pub expires_at: String,
}

/// Opens one in place of any before; when it runs out. Nobody is given anything to complete it with yet.
pub(super) fn start(tx: &Transaction<'_>, person: Uuid, by: Uuid) -> Result<i64, AccountError> {
    people::by_id(tx, person)?.ok_or(AccountError::Unknown)?;
    let expires_at = time::now() + LASTS_MS;
    tx.execute(
        "INSERT OR REPLACE INTO reset (person, expires_at) VALUES (?, ?)",
        params![person, expires_at],
    )?;
    notice(tx, person, "reset_started", Some(by), Some(expires_at))?;
    Ok(expires_at)
}

/// Who has this name and this recovery code, and an open reset. Which of the three is wrong is not told.
pub(super) fn proven(tx: &Transaction<'_>, name: &str, code: &str) -> Result<Uuid, AccountError> {
    tx.query_row(
        "SELECT r.person FROM reset r JOIN person p ON p.id = r.person
         WHERE p.folded = ? AND p.recovery = ? AND r.expires_at > ? AND p.removed_at IS NULL",
        params![people::fold(name), secret::kept(&secret::typed(code)), time::now()],
        |row| row.get(0),
    )
    .optional()?
    .ok_or(AccountError::Credentials)
}

/// Makes the link of an open reset, in place of any before, for whoever has proven to be its person.
pub(super) fn link(tx: &Transaction<'_>, person: Uuid) -> Result<Link, AccountError> {
    let (token, expires_at) = (secret::token(), time::now() + LINK_LASTS_MS);
    let made = tx.execute(
        "UPDATE reset SET token = ?, token_expires_at = ? WHERE person = ? AND expires_at > ?",
        params![secret::kept(&token), expires_at, person, time::now()],
    )?;
    if made == 1 { Ok(Link { token, expires_at: time::text(expires_at) }) } else { Err(AccountError::Reset) }
}

/// Whose reset this is, if it may still be completed.
pub(super) fn find(tx: &Transaction<'_>, token: &str) -> Result<Uuid, AccountError> {
    tx.query_row(
        "SELECT r.person FROM reset r JOIN person p ON p.id = r.person
         WHERE r.token = ? AND r.token_expires_at > ? AND p.removed_at IS NULL",
        params![secret::kept(token), time::now()],
        |row| row.get(0),
    )
    .optional()?
    .ok_or(AccountError::Reset)
}

/// Uses it up: the new password counts, and nothing that was signed in before does, nor the old recovery code.
pub(super) fn complete(
    tx: &Transaction<'_>,
    token: &str,
    hash: &str,
) -> Result<(Uuid, String), AccountError> {
    let person = find(tx, token)?;
    tx.execute("DELETE FROM reset WHERE person = ?", [person])?;
    people::set_password(tx, person, hash)?;
    let code = people::new_recovery(tx, person)?;
    sessions::end_all(tx, person, None)?;
    notice(tx, person, "reset_completed", None, None)?;
    Ok((person, code))
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
