//! How many places a person's rooms, conversations and invitations take, and conversations that they do not want to see.

use super::head;
use rusqlite::{Transaction, params};
use uuid::Uuid;

/// What a person is in and sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Space {
    /// Rooms and conversations.
    pub all: usize,
    /// Those of them that are conversations that the other began.
    pub asked: usize,
}

/// How much of their space a person has taken.
///
/// # Errors
/// When the database fails.
pub fn space(tx: &Transaction<'_>, person: Uuid) -> Result<Space, rusqlite::Error> {
    tx.prepare_cached(
        "SELECT count(*), coalesce(sum(is_asked), 0) FROM member m WHERE person = ?
            AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.room = m.room AND h.person = m.person)",
    )?
    .query_row([person], |row| Ok(Space { all: row.get(0)?, asked: row.get(1)? }))
}

/// Invitations that nobody has answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenInvitations {
    /// Of a person.
    pub of_person: usize,
    /// Those of them that one other has made.
    pub by_one: usize,
    /// Into a room.
    pub into_room: usize,
}

/// How many of a person's and a room's invitations are open.
///
/// # Errors
/// When the database fails.
pub fn open_invitations(
    tx: &Transaction<'_>,
    room: Uuid,
    person: Uuid,
    by: Uuid,
) -> Result<OpenInvitations, rusqlite::Error> {
    let (of_person, by_one) = tx
        .prepare_cached("SELECT count(*), coalesce(sum(by = ?2), 0) FROM invited WHERE person = ?1")?
        .query_row([person, by], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let into_room = tx
        .prepare_cached("SELECT count(*) FROM invited WHERE room = ?")?
        .query_row([room], |row| row.get(0))?;
    Ok(OpenInvitations { of_person, by_one, into_room })
}

/// Who does not see this conversation, and whether the other began it.
///
/// # Errors
/// When the database fails.
pub fn hidden_from(tx: &Transaction<'_>, room: Uuid) -> Result<Vec<(Uuid, bool)>, rusqlite::Error> {
    let mut rows = tx.prepare_cached(
        "SELECT h.person, m.is_asked FROM hidden h JOIN member m ON m.room = h.room AND m.person = h.person
         WHERE h.room = ? ORDER BY h.person",
    )?;
    rows.query_map([room], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// A person does not see this conversation until somebody writes there.
///
/// # Errors
/// When the database fails.
pub fn hide(tx: &Transaction<'_>, room: Uuid, person: Uuid, epoch: i64) -> Result<(), rusqlite::Error> {
    let upto = head(tx, room)?.cast_signed();
    tx.prepare_cached("INSERT OR REPLACE INTO hidden (person, room, epoch, upto) VALUES (?, ?, ?, ?)")?
        .execute(params![person, room, epoch, upto])?;
    Ok(())
}

/// A person sees it again; whether they did not before.
///
/// # Errors
/// When the database fails.
pub fn show(tx: &Transaction<'_>, room: Uuid, person: Uuid) -> Result<bool, rusqlite::Error> {
    let shown =
        tx.prepare_cached("DELETE FROM hidden WHERE room = ? AND person = ?")?.execute([room, person])?;
    Ok(shown == 1)
}

/// Somebody wrote there, at this offset: who sees it again.
pub(super) fn wake(
    tx: &Transaction<'_>,
    room: Uuid,
    epoch: i64,
    offset: i64,
) -> Result<Vec<Uuid>, rusqlite::Error> {
    // Offsets of another journal mean nothing.
    let mut rows =
        tx.prepare_cached("DELETE FROM hidden WHERE room = ? AND (epoch <> ? OR upto < ?) RETURNING person")?;
    rows.query_map(params![room, epoch, offset], |row| row.get(0))?.collect()
}
