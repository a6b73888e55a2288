//! What each event does to the tables. Each is judged by the state at its own place in the journal, so that the model
//! comes out the same however often it is made.

use super::{Change, Kind, ModelError, space};
use crate::events::{Fact, Talk, room};
use crate::text;
use fanfare_core::Place;
use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;

pub(super) fn apply(
    tx: &Transaction<'_>,
    fact: &Fact,
    place: &Place,
    changes: &mut Vec<Change>,
) -> Result<(), ModelError> {
    let offset = place.revision.cast_signed();
    match fact {
        Fact::Created(event) => {
            let kind = if event.is_public { Kind::Public } else { Kind::Private };
            create(tx, event.room, kind, &event.name)?;
            add(
                tx,
                Came { room: event.room, person: event.by, is_owner: true, is_asked: false, since: offset },
                changes,
            )?;
        }
        Fact::Started(event) => {
            create(tx, event.room, Kind::Direct, "")?;
            for person in event.people {
                let is_asked = person != event.by;
                add(tx, Came { room: event.room, person, is_owner: false, is_asked, since: 0 }, changes)?;
            }
        }
        Fact::Joined(event) => {
            let (room, person) = (event.room, event.person);
            add(tx, Came { room, person, is_owner: false, is_asked: false, since: offset }, changes)?;
        }
        Fact::Left(event) => remove(tx, event.room, event.person, "left", changes)?,
        Fact::Kicked(event) => {
            remove(tx, event.room, event.person, "kicked", changes)?;
            tx.prepare_cached("INSERT OR IGNORE INTO kicked (room, person) VALUES (?, ?)")?
                .execute([event.room, event.person])?;
        }
        Fact::Invited(event) => {
            tx.prepare_cached("INSERT OR IGNORE INTO invited (room, person, by) VALUES (?, ?, ?)")?
                .execute([event.room, event.person, event.by])?;
            tx.prepare_cached("DELETE FROM kicked WHERE room = ? AND person = ?")?
                .execute([event.room, event.person])?;
            changes.push(Change::Added { room: event.room, person: event.person });
        }
        Fact::Declined(event) => {
            uninvite(tx, event.room, event.person)?;
            changes.push(Change::Removed { room: event.room, person: event.person, why: "declined" });
        }
        Fact::Talk(talk) => {
            self::talk(tx, talk, place)?;
            if matches!(talk, Talk::Sent(_)) {
                let (room, epoch) = (talk.room(), place.epoch.0.cast_signed());
                let woken = space::wake(tx, room, epoch, offset)?;
                changes.extend(woken.into_iter().map(|person| Change::Added { room, person }));
            }
        }
    }
    if let Some((kind, person, by)) = coming(fact) {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO coming (room, offset, type, person, by, at) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            fact.room(),
            offset,
            kind,
            person,
            by,
            place.recorded_at.as_millisecond()
        ])?;
    }
    tx.prepare_cached("UPDATE room SET head = ? WHERE id = ?")?.execute(params![offset, fact.room()])?;
    Ok(())
}

/// What is shown among the messages: its type, whom it is about, and who did it.
fn coming(fact: &Fact) -> Option<(&'static str, Uuid, Uuid)> {
    match fact {
        Fact::Created(event) => Some(("created", event.by, event.by)),
        Fact::Joined(event) => Some(("joined", event.person, event.by)),
        Fact::Left(event) => Some(("left", event.person, event.by)),
        Fact::Kicked(event) => Some(("kicked", event.person, event.by)),
        _ => None,
    }
}

fn create(tx: &Transaction<'_>, room: Uuid, kind: Kind, name: &str) -> Result<(), rusqlite::Error> {
    tx.prepare_cached("INSERT OR IGNORE INTO room (id, kind, name, head) VALUES (?, ?, ?, 0)")?
        .execute(params![room, kind as i64, name])?;
    Ok(())
}

/// Somebody who is in a room from now on.
struct Came {
    room: Uuid,
    person: Uuid,
    is_owner: bool,
    is_asked: bool,
    since: i64,
}

fn add(tx: &Transaction<'_>, came: Came, changes: &mut Vec<Change>) -> Result<(), rusqlite::Error> {
    let Came { room, person, is_owner, is_asked, since } = came;
    uninvite(tx, room, person)?;
    let added = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO member (room, person, is_owner, since, is_asked) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![room, person, is_owner, since, is_asked])?;
    if added == 1 {
        changes.push(Change::Added { room, person });
    }
    Ok(())
}

/// A room whose last owner went is its oldest member's.
fn remove(
    tx: &Transaction<'_>,
    room: Uuid,
    person: Uuid,
    why: &'static str,
    changes: &mut Vec<Change>,
) -> Result<(), rusqlite::Error> {
    uninvite(tx, room, person)?;
    tx.prepare_cached("DELETE FROM member WHERE room = ? AND person = ?")?.execute([room, person])?;
    tx.prepare_cached(
        "UPDATE member SET is_owner = 1
         WHERE room = ?1 AND NOT EXISTS (SELECT 1 FROM member WHERE room = ?1 AND is_owner)
           AND person = (SELECT person FROM member WHERE room = ?1 ORDER BY since, person LIMIT 1)",
    )?
    .execute([room])?;
    changes.push(Change::Removed { room, person, why });
    Ok(())
}

fn uninvite(tx: &Transaction<'_>, room: Uuid, person: Uuid) -> Result<(), rusqlite::Error> {
    tx.prepare_cached("DELETE FROM invited WHERE room = ? AND person = ?")?.execute([room, person])?;
    Ok(())
}

fn talk(tx: &Transaction<'_>, talk: &Talk, place: &Place) -> Result<(), rusqlite::Error> {
    match talk {
        Talk::Sent(event) => sent(tx, event, place),
        Talk::Edited(event) => {
            let edited = tx
                .prepare_cached(
                    "UPDATE message SET text = ?, edited_offset = ?, edited_at = ?
                     WHERE id = ? AND room = ? AND sender = ? AND NOT is_deleted RETURNING offset",
                )?
                .query_row(
                    params![
                        event.text,
                        place.revision.cast_signed(),
                        place.recorded_at.as_millisecond(),
                        event.message,
                        event.room,
                        event.by
                    ],
                    |row| row.get::<_, i64>(0),
                )
                .optional()?;
            match edited {
                Some(offset) => mention(tx, event.room, offset, event.by, &event.text),
                None => Ok(()),
            }
        }
        Talk::Deleted(event) => {
            let deleted = tx
                .prepare_cached(
                    "UPDATE message SET text = NULL, is_deleted = 1 WHERE id = ? AND room = ? AND NOT is_deleted RETURNING offset",
                )?
                .query_row([event.message, event.room], |row| row.get::<_, i64>(0))
                .optional()?;
            tx.prepare_cached("DELETE FROM reaction WHERE message = ?")?.execute([event.message])?;
            match deleted {
                Some(offset) => unmention(tx, event.room, offset),
                None => Ok(()),
            }
        }
        Talk::ReactionAdded(event) => {
            tx.prepare_cached(
                "INSERT OR IGNORE INTO reaction (message, emoji, person)
                 SELECT id, ?, ? FROM message WHERE id = ? AND room = ? AND NOT is_deleted",
            )?
            .execute(params![event.emoji, event.by, event.message, event.room])?;
            Ok(())
        }
        Talk::ReactionRemoved(event) => {
            tx.prepare_cached("DELETE FROM reaction WHERE message = ? AND emoji = ? AND person = ?")?
                .execute(params![event.message, event.emoji, event.by])?;
            Ok(())
        }
    }
}

fn sent(tx: &Transaction<'_>, event: &room::MessageSent, place: &Place) -> Result<(), rusqlite::Error> {
    let offset = place.revision.cast_signed();
    let inserted = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO message (id, room, offset, sender, client_id, text, at, reply_to)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            event.message,
            event.room,
            offset,
            event.by,
            event.client_id,
            event.text,
            place.recorded_at.as_millisecond(),
            event.reply_to
        ])?;
    if inserted == 1 { mention(tx, event.room, offset, event.by, &event.text) } else { Ok(()) }
}

/// Members that a text names, but for its writer.
fn mention(
    tx: &Transaction<'_>,
    room: Uuid,
    offset: i64,
    by: Uuid,
    text: &str,
) -> Result<(), rusqlite::Error> {
    unmention(tx, room, offset)?;
    for name in text::mentions(text) {
        tx.prepare_cached(
            "INSERT OR IGNORE INTO mention (person, room, offset)
             SELECT m.person, m.room, ? FROM person p JOIN member m ON m.person = p.id
             WHERE p.folded = ? AND m.room = ? AND m.person <> ?",
        )?
        .execute(params![offset, name, room, by])?;
    }
    Ok(())
}

fn unmention(tx: &Transaction<'_>, room: Uuid, offset: i64) -> Result<(), rusqlite::Error> {
    tx.prepare_cached("DELETE FROM mention WHERE room = ? AND offset = ?")?.execute(params![room, offset])?;
    Ok(())
}
