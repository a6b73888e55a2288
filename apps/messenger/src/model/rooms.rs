//! Rooms as one person sees them.

use super::{Message, messages};
use crate::text;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// What kind of room it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// By invitation.
    Private = 0,
    /// Everybody may join.
    Public = 1,
    /// Two people.
    Direct = 2,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// May kick, and delete others' messages.
    Owner,
    /// May read, write and invite.
    Member,
}

/// Where a person stands with a room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The room's kind.
    pub kind: Kind,
    /// The room's name.
    pub name: String,
    /// What the person is in it; `None`: not a member.
    pub role: Option<Role>,
    /// Whether they are invited.
    pub is_invited: bool,
    /// Whether they were put out.
    pub is_kicked: bool,
}

/// A room as one person sees it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Room {
    /// The room.
    pub id: Uuid,
    /// Its channel.
    pub channel: String,
    /// Its kind.
    pub kind: Kind,
    /// Its name; of a direct conversation the other person's.
    pub name: String,
    /// The other person of a direct conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Uuid>,
    /// What the person is in it; missing: invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Who is in it, the first 100 that came; nobody to who is only invited.
    pub members: Vec<Uuid>,
    /// How many are in it; 0 to who is only invited.
    pub member_count: usize,
    /// The channel's newest offset.
    pub offset: i64,
    /// How far the person has read.
    pub read: i64,
    /// Others' messages behind that, at most 1,000.
    pub unread: i64,
    /// Those of them that name the person.
    pub mentions: i64,
    /// The newest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Message>,
}

/// A public room in a list.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Public {
    /// The room.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// How many are in it.
    pub members: i64,
    /// Whether the person is.
    pub is_member: bool,
}

/// Members that a [`Room`] lists; the others are counted.
const LISTED_MAX: usize = 100;

/// A member of a room.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Member {
    /// Who.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// When they were last connected.
    pub last_seen: Option<String>,
}

impl Kind {
    fn of(number: i64) -> Self {
        match number {
            1 => Self::Public,
            2 => Self::Direct,
            _ => Self::Private,
        }
    }

    /// The channel of a room of this kind.
    #[must_use]
    pub fn channel(self, room: Uuid) -> String {
        match self {
            Self::Direct => format!("dm:{room}"),
            Self::Private | Self::Public => format!("room:{room}"),
        }
    }
}

fn role(is_owner: bool) -> Role {
    if is_owner { Role::Owner } else { Role::Member }
}

/// Where a person stands with a room; `None` when there is no such room.
///
/// # Errors
/// When the database fails.
pub fn standing(tx: &Transaction<'_>, room: Uuid, person: Uuid) -> Result<Option<Standing>, rusqlite::Error> {
    tx.prepare_cached(
        "SELECT kind, name,
                (SELECT is_owner FROM member WHERE room = r.id AND person = ?2),
                EXISTS (SELECT 1 FROM invited WHERE room = r.id AND person = ?2),
                EXISTS (SELECT 1 FROM kicked WHERE room = r.id AND person = ?2)
         FROM room r WHERE id = ?1",
    )?
    .query_row([room, person], |row| {
        Ok(Standing {
            kind: Kind::of(row.get(0)?),
            name: row.get(1)?,
            role: row.get::<_, Option<bool>>(2)?.map(role),
            is_invited: row.get(3)?,
            is_kicked: row.get(4)?,
        })
    })
    .optional()
}

/// A room as this person, a member or invited, sees it; `None` when they may not.
///
/// # Errors
/// When the database fails.
pub fn room(
    tx: &Transaction<'_>,
    id: Uuid,
    person: Uuid,
    epoch: i64,
) -> Result<Option<Room>, rusqlite::Error> {
    let Some(standing) = standing(tx, id, person)? else { return Ok(None) };
    if standing.role.is_none() && !standing.is_invited {
        return Ok(None);
    }
    let mut room = Room {
        id,
        channel: standing.kind.channel(id),
        kind: standing.kind,
        name: standing.name,
        with: None,
        role: standing.role,
        members: Vec::new(),
        member_count: 0,
        offset: 0,
        read: 0,
        unread: 0,
        mentions: 0,
        last: None,
    };
    if room.role.is_none() {
        return Ok(Some(room));
    }
    room.member_count = member_count(tx, id)?;
    let mut rows =
        tx.prepare_cached("SELECT person FROM member WHERE room = ? ORDER BY since, person LIMIT ?")?;
    room.members = rows.query_map(params![id, LISTED_MAX], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if room.kind == Kind::Direct {
        room.with = room.members.iter().copied().find(|member| *member != person);
        let name = tx
            .prepare_cached("SELECT name FROM person WHERE id = ?")?
            .query_row([room.with], |row| row.get(0))
            .optional()?;
        room.name = name.unwrap_or_default();
    }
    (room.offset, room.read) = tx
        .prepare_cached(
            "SELECT head, max(m.since, coalesce(k.upto, 0)) FROM room r JOIN member m ON m.room = r.id AND m.person = ?2
             LEFT JOIN read_marker k ON k.room = r.id AND k.person = ?2 AND k.epoch = ?3 WHERE r.id = ?1",
        )?
        .query_row(params![id, person, epoch], |row| Ok((row.get(0)?, row.get(1)?)))?;
    (room.unread, room.mentions) = unread(tx, id, person, room.read)?;
    room.last = messages::newest(tx, id, person)?;
    Ok(Some(room))
}

pub(super) fn unread(
    tx: &Transaction<'_>,
    room: Uuid,
    person: Uuid,
    read: i64,
) -> Result<(i64, i64), rusqlite::Error> {
    let unread = tx
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM message WHERE room = ? AND offset > ? AND sender <> ? AND NOT is_deleted LIMIT 1000)",
        )?
        .query_row(params![room, read, person], |row| row.get(0))?;
    let mentions = tx
        .prepare_cached("SELECT count(*) FROM mention WHERE person = ? AND room = ? AND offset > ?")?
        .query_row(params![person, room, read], |row| row.get(0))?;
    Ok((unread, mentions))
}

/// The rooms and conversations of a person.
///
/// # Errors
/// When the database fails.
pub fn rooms(tx: &Transaction<'_>, person: Uuid, epoch: i64) -> Result<Vec<Room>, rusqlite::Error> {
    let ids = room_ids(tx, person)?;
    let rooms = ids.into_iter().map(|id| room(tx, id, person, epoch)).filter_map(Result::transpose);
    rooms.collect()
}

/// The newest offset of a room that the model has.
///
/// # Errors
/// When the database fails.
pub fn head(tx: &Transaction<'_>, room: Uuid) -> Result<u64, rusqlite::Error> {
    tx.prepare_cached("SELECT head FROM room WHERE id = ?")?
        .query_row([room], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))
}

/// The ids of a person's rooms and conversations, but for those that they have hidden.
///
/// # Errors
/// When the database fails.
pub fn room_ids(tx: &Transaction<'_>, person: Uuid) -> Result<Vec<Uuid>, rusqlite::Error> {
    let mut rows = tx.prepare_cached(
        "SELECT room FROM member m WHERE person = ?
            AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.room = m.room AND h.person = m.person)",
    )?;
    rows.query_map([person], |row| row.get(0))?.collect()
}

/// The rooms that a person is invited to.
///
/// # Errors
/// When the database fails.
pub fn invitations(tx: &Transaction<'_>, person: Uuid, epoch: i64) -> Result<Vec<Room>, rusqlite::Error> {
    let ids = invitation_ids(tx, person)?;
    ids.into_iter().map(|id| room(tx, id, person, epoch)).filter_map(Result::transpose).collect()
}

/// The ids of the rooms that a person is invited to.
///
/// # Errors
/// When the database fails.
pub fn invitation_ids(tx: &Transaction<'_>, person: Uuid) -> Result<Vec<Uuid>, rusqlite::Error> {
    let mut rows = tx.prepare_cached("SELECT room FROM invited WHERE person = ?")?;
    rows.query_map([person], |row| row.get(0))?.collect()
}

/// Public rooms whose name holds a text.
///
/// # Errors
/// When the database fails.
pub fn public_rooms(
    tx: &Transaction<'_>,
    person: Uuid,
    search: &str,
    limit: usize,
) -> Result<Vec<Public>, rusqlite::Error> {
    let mut rows = tx.prepare_cached(
        "SELECT id, name, (SELECT count(*) FROM member WHERE room = r.id) AS members,
                EXISTS (SELECT 1 FROM member WHERE room = r.id AND person = ?1)
         FROM room r WHERE kind = 1 AND instr(lower(name), lower(?2)) > 0
         ORDER BY members DESC, name LIMIT ?3",
    )?;
    let found = rows.query_map(params![person, search, limit], |row| {
        Ok(Public { id: row.get(0)?, name: row.get(1)?, members: row.get(2)?, is_member: row.get(3)? })
    })?;
    found.collect()
}

/// How many are in a room.
///
/// # Errors
/// When the database fails.
pub fn member_count(tx: &Transaction<'_>, room: Uuid) -> Result<usize, rusqlite::Error> {
    tx.prepare_cached("SELECT count(*) FROM member WHERE room = ?")?.query_row([room], |row| row.get(0))
}

/// Who is in a room: owners, then everybody by name; from behind somebody on.
///
/// # Errors
/// When the database fails.
pub fn members(
    tx: &Transaction<'_>,
    room: Uuid,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Member>, rusqlite::Error> {
    let mut rows = tx.prepare_cached(
        "SELECT m.person, name, is_owner, last_seen FROM member m JOIN person ON id = m.person
         WHERE room = ?1 AND (?2 IS NULL OR (NOT is_owner, folded) > (
             SELECT NOT coalesce((SELECT is_owner FROM member WHERE room = ?1 AND person = ?2), 0), folded
             FROM person WHERE id = ?2))
         ORDER BY is_owner DESC, folded LIMIT ?3",
    )?;
    rows.query_map(params![room, after, limit], member)?.collect()
}

/// Who is invited to a room: id and name.
///
/// # Errors
/// When the database fails.
pub fn invited(tx: &Transaction<'_>, room: Uuid) -> Result<Vec<(Uuid, String)>, rusqlite::Error> {
    let mut rows = tx.prepare_cached(
        "SELECT person, name FROM invited JOIN person ON id = person WHERE room = ? ORDER BY folded",
    )?;
    rows.query_map([room], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Everybody who shares a room with one of these people, with the places of those in the list, ascending.
///
/// # Errors
/// When the database fails.
pub fn neighbours(
    tx: &Transaction<'_>,
    people: &[Uuid],
) -> Result<HashMap<Uuid, Vec<usize>>, rusqlite::Error> {
    let mut rooms: HashMap<Uuid, Vec<usize>> = HashMap::new();
    for (place, person) in people.iter().enumerate() {
        let mut rows = tx.prepare_cached("SELECT room FROM member WHERE person = ?")?;
        for room in rows.query_map([person], |row| row.get(0))? {
            rooms.entry(room?).or_default().push(place);
        }
    }
    let mut found: HashMap<Uuid, Vec<usize>> = HashMap::new();
    // Each room once, however many of its members are in the list.
    for (room, places) in &rooms {
        let mut rows = tx.prepare_cached("SELECT person FROM member WHERE room = ?")?;
        for person in rows.query_map([room], |row| row.get(0))? {
            found.entry(person?).or_default().extend(places);
        }
    }
    for places in found.values_mut() {
        places.sort_unstable();
        places.dedup();
    }
    Ok(found)
}

fn member(row: &Row<'_>) -> Result<Member, rusqlite::Error> {
    Ok(Member {
        id: row.get(0)?,
        name: row.get(1)?,
        role: role(row.get(2)?),
        last_seen: row.get::<_, Option<i64>>(3)?.map(crate::time::text),
    })
}

/// Members of a room that a text names.
pub(crate) fn named(tx: &Transaction<'_>, room: Uuid, text: &str) -> Result<Vec<Uuid>, rusqlite::Error> {
    let mut found = Vec::new();
    for name in text::mentions(text) {
        let person: Option<Uuid> = tx
            .prepare_cached("SELECT p.id FROM person p JOIN member m ON m.person = p.id WHERE p.folded = ? AND m.room = ?")?
            .query_row(params![name, room], |row| row.get(0))
            .optional()?;
        found.extend(person);
    }
    Ok(found)
}
