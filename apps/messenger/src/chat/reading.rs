//! Looking: the state at connect, messages, history, search, markers, people.

use super::access::{Membership, membership, person, standing, take};
use super::refusal::Refusal;
use super::requests::{
    FindPeople, History, ListRooms, Me, Members, Messages, Page, Read, Search, Sync, Unread,
};
use super::service::{Chat, TEXT_MAX};
use crate::model::{self, Blanks, Found, Kind, PersonView, Place, Public, Room, Shown, Span};
use fanfare::{Event, Topic};
use fanfare_core::{KeyRange, Recorded};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use uuid::Uuid;

const PAGE: usize = 50;
const PAGE_MAX: usize = 100;
const PEOPLE_MAX: usize = 100;
/// People that a `sync` tells of; it is asked for others when they are shown.
const SYNC_PEOPLE_MAX: usize = 1_000;

impl Chat {
    /// Everything that a client needs after it connected.
    pub(super) async fn sync(&self, who: Uuid) -> Result<Sync, Refusal> {
        take(&self.0.limits.reads, who)?;
        let _open = self.0.gates.open(who).await;
        let epoch = self.epoch();
        let mut sync = self
            .read(move |tx| {
                let me = person(tx, who)?;
                let rooms = model::rooms(tx, who, epoch)?;
                Ok(Sync {
                    me: Me { id: me.id, name: me.name, is_admin: me.is_admin },
                    epoch: String::new(),
                    people: model::People::all(tx, around(who, &rooms))?,
                    rooms,
                    invitations: model::invitations(tx, who, epoch)?,
                    notifications_unread: super::notices::unread(tx, who)?,
                    text_max: TEXT_MAX,
                })
            })
            .await?;
        sync.epoch = self.0.model.epoch().to_string();
        self.mark_online(&mut sync.people);
        Ok(sync)
    }

    pub(super) async fn list_rooms(&self, who: Uuid, list: ListRooms) -> Result<Vec<Public>, Refusal> {
        take(&self.0.limits.reads, who)?;
        let limit = list.limit.unwrap_or(PAGE).min(PAGE_MAX);
        self.read(move |tx| Ok(model::public_rooms(tx, who, &list.search, limit)?)).await
    }

    /// Members and, to members with the first page, who is invited. Of a public room everybody may know them.
    pub(super) async fn members(&self, who: Uuid, page: Members) -> Result<Value, Refusal> {
        take(&self.0.limits.reads, who)?;
        let _open = self.0.gates.open(who).await;
        let Members { room, after, limit } = page;
        let limit = limit.unwrap_or(PEOPLE_MAX).clamp(1, PEOPLE_MAX);
        let (mut members, count, invited) = self
            .read(move |tx| {
                let found = standing(tx, room, who)?;
                if found.role.is_none() && found.kind != Kind::Public {
                    return Err(Refusal::forbidden("only members may do this"));
                }
                let shows_invited = found.role.is_some() && after.is_none();
                let invited = if shows_invited { model::invited(tx, room)? } else { Vec::new() };
                // One more says whether there are more.
                let members = model::members(tx, room, after, limit + 1)?;
                Ok((members, model::member_count(tx, room)?, invited))
            })
            .await?;
        let has_more = members.len() > limit;
        members.truncate(limit);
        let members = members.into_iter().map(|member| {
            let is_online = self.0.online.has(member.id);
            let mut member = json!(member);
            if let Some(member) = member.as_object_mut() {
                member.insert("is_online".into(), is_online.into());
            }
            member
        });
        let invited = invited
            .into_iter()
            .map(|(id, name)| json!({ "id": id, "name": name, "is_online": self.0.online.has(id) }));
        let (members, invited) = (members.collect::<Vec<_>>(), invited.collect::<Vec<_>>());
        Ok(json!({ "members": members, "has_more": has_more, "count": count, "invited": invited }))
    }

    /// Messages as they stand now.
    pub(super) async fn messages(&self, who: Uuid, page: Page) -> Result<Messages, Refusal> {
        take(&self.0.limits.reads, who)?;
        let _open = self.0.gates.open(who).await;
        let span = match (page.before, page.after, page.around, page.message) {
            (None, None, None, None) => Span::Newest,
            (Some(offset), None, None, None) => Span::Before(offset),
            (None, Some(offset), None, None) => Span::After(offset),
            (None, None, Some(offset), None) => Span::Around(offset),
            // Its offset is looked up below, once it is known that its room may be read.
            (None, None, None, Some(_)) => Span::Around(0),
            _ => return Err(Refusal::invalid("one of `before`, `after`, `around` and `message`")),
        };
        let limit = page.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let room = page.room;
        let (messages, comings, has_more, offset) = self
            .read(move |tx| {
                membership(tx, room, who)?;
                let span = match page.message {
                    Some(message) => Span::Around(
                        model::find(tx, room, message, who)?.ok_or_else(Refusal::missing)?.offset,
                    ),
                    None => span,
                };
                let (messages, has_more) = model::messages(tx, room, who, span, limit)?;
                let head = "SELECT head FROM room WHERE id = ?";
                let offset = tx.prepare_cached(head)?.query_row([room], |row| row.get(0))?;
                let ends =
                    messages.first().zip(messages.last()).map(|(first, last)| (first.offset, last.offset));
                let comings = model::comings(tx, room, span, ends, has_more)?;
                Ok((messages, comings, has_more, offset))
            })
            .await?;
        Ok(Messages { messages, comings, has_more, offset, epoch: self.0.model.epoch().to_string() })
    }

    /// The events themselves, through the view.
    pub(super) async fn history(&self, who: Uuid, page: Page) -> Result<History, Refusal> {
        take(&self.0.limits.reads, who)?;
        let _open = self.0.gates.open(who).await;
        let room = page.room;
        let Membership { kind, .. } = self.read(move |tx| membership(tx, room, who)).await?;
        let (topic, key) = (topic(kind), room.to_string());
        let log = self.0.journal.log()?;
        let head = log.head(&topic, &key);
        let limit = page.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let offset = |offset: i64| u64::try_from(offset).unwrap_or(0);
        let around = page.around.is_some() || page.message.is_some();
        let (from, is_reverse) = match (page.before.map(offset), page.after.map(offset), around) {
            (Some(before), None, false) => (before.saturating_sub(1).min(head), true),
            (None, Some(after), false) => (after.saturating_add(1), false),
            (None, None, false) => (head, true),
            _ => return Err(Refusal::invalid("`before` or `after`")),
        };
        let mut records = Vec::new();
        if from > 0 && from <= head {
            let range =
                if is_reverse { KeyRange::back_from(from, limit) } else { KeyRange::from(from, limit) };
            records = log.read_key(&topic, &key, range).await?;
        }
        if is_reverse {
            records.reverse();
        }
        let has_more = match (is_reverse, records.first(), records.last()) {
            (true, Some(first), _) => first.place.revision > 1,
            (false, _, Some(last)) => last.place.revision < head,
            _ => false,
        };
        let views = self.views(&records).await;
        let events = views.into_iter().zip(&records).map(|(mut view, record)| {
            if let Some(view) = view.as_object_mut() {
                view.insert("offset".into(), record.place.revision.into());
            }
            view
        });
        Ok(History { events: events.collect(), has_more, offset: head, epoch: log.epoch().to_string() })
    }

    /// How records look: live, recovered and in history alike.
    pub(super) async fn views(&self, records: &[Arc<Recorded>]) -> Vec<Value> {
        let shown: Vec<Shown> = records.iter().map(|record| Shown::of(record)).collect();
        let texts: Vec<Uuid> = shown.iter().filter_map(Shown::message).collect();
        // What is newer than the model can have been changed by these records alone.
        let is_known = records.first().is_some_and(|first| self.0.model.has(first.place.position));
        let blanks = if is_known && !texts.is_empty() {
            self.read(move |tx| Ok(model::blanks(tx, &texts)?)).await
        } else {
            Ok(Blanks::default())
        };
        match blanks {
            Ok(mut blanks) => {
                blanks.add(&shown);
                shown.iter().map(|event| model::view(event, &blanks)).collect()
            }
            // Nothing is shown rather than what should be blank.
            Err(_) => shown.iter().map(|_| Value::Null).collect(),
        }
    }

    /// One search of a person at a time, beside everything else: it may have to look at much.
    pub(super) async fn search(&self, who: Uuid, search: Search) -> Result<Found, Refusal> {
        take(&self.0.limits.reads, who)?;
        let _turn = self.0.searching.turn(&who).await;
        let _open = self.0.gates.open(who).await;
        let Search { text, room, before, limit } = search;
        if text.chars().count() > 256 {
            return Err(Refusal::too_long("a search has at most 256 characters".into()));
        }
        let limit = limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
        let work = move |tx: &rusqlite::Transaction<'_>| {
            if let Some(room) = room {
                membership(tx, room, who)?;
            }
            Ok(model::search(tx, who, &text, room, before, limit)?)
        };
        self.0.model.db().search(work).await
    }

    /// Moves a person's marker on, on all devices. It never goes back.
    pub(super) async fn mark_read(&self, who: Uuid, read: Read) -> Result<Unread, Refusal> {
        take(&self.0.limits.writes, who)?;
        let _open = self.0.gates.open(who).await;
        let (Read { room, offset }, epoch) = (read, self.epoch());
        let work = move |tx: &rusqlite::Transaction<'_>| {
            membership(tx, room, who)?;
            tx.execute(
                "INSERT INTO read_marker (person, room, epoch, upto)
                 SELECT ?1, ?2, ?3, min(?4, head) FROM room WHERE id = ?2
                 ON CONFLICT (person, room) DO UPDATE SET epoch = excluded.epoch,
                     upto = CASE WHEN epoch = excluded.epoch THEN max(upto, excluded.upto) ELSE excluded.upto END",
                rusqlite::params![who, room, epoch, offset.max(0)],
            )?;
            let room = model::room(tx, room, who, epoch)?.ok_or_else(Refusal::missing)?;
            Ok::<_, Refusal>((room.read, Unread { unread: room.unread, mentions: room.mentions }))
        };
        let (read, unread) = self.0.model.db().write(work).await?;
        let push = json!({ "kind": "read", "room": room, "offset": read, "unread": unread.unread, "mentions": unread.mentions });
        self.0.outside.push([who], &push);
        Ok(unread)
    }

    pub(super) async fn people(&self, who: Uuid, find: FindPeople) -> Result<Vec<PersonView>, Refusal> {
        take(&self.0.limits.reads, who)?;
        let _open = self.0.gates.open(who).await;
        let limit = find.limit.unwrap_or(PAGE).clamp(1, PEOPLE_MAX);
        let FindPeople { search, ids, in_room, not_in_room, .. } = find;
        let place = match (in_room, not_in_room) {
            (None, None) => None,
            (Some(room), None) => Some((room, Place::In(room))),
            (None, Some(room)) => Some((room, Place::NotIn(room))),
            (Some(_), Some(_)) => return Err(Refusal::invalid("`in_room` or `not_in_room`")),
        };
        let mut people = self
            .read(move |tx| {
                if let Some((room, _)) = place {
                    membership(tx, room, who)?;
                }
                let place = place.map(|(_, place)| place);
                Ok(match ids {
                    Some(ids) => model::People::all(tx, ids.into_iter().take(PEOPLE_MAX))?,
                    None => model::People::search(tx, &search.unwrap_or_default(), place, limit)?,
                })
            })
            .await?;
        self.mark_online(&mut people);
        Ok(people)
    }

    /// Tells the others of a room that somebody is writing. It is kept nowhere; too often is dropped silently.
    pub(super) async fn typing(&self, who: Uuid, room: Uuid) -> Result<(), Refusal> {
        take(&self.0.limits.reads, who)?;
        let _open = self.0.gates.open(who).await;
        let others = self
            .read(move |tx| {
                membership(tx, room, who)?;
                let mut rows =
                    tx.prepare_cached("SELECT person FROM member WHERE room = ? AND person <> ?")?;
                let others =
                    rows.query_map([room, who], |row| row.get(0))?.collect::<Result<Vec<Uuid>, _>>()?;
                Ok(others)
            })
            .await?;
        if self.0.limits.typing.take(&who).is_err() {
            return Ok(());
        }
        let others = others.into_iter().filter(|other| self.0.online.has(*other));
        self.0.outside.push(others, &json!({ "kind": "typing", "room": room, "person": who }));
        Ok(())
    }

    fn mark_online(&self, people: &mut [PersonView]) {
        for person in people {
            person.is_online = self.0.online.has(person.id);
        }
    }
}

/// Whom a person sees first: themselves, the others of their conversations, and members of rooms as these list them.
fn around(who: Uuid, rooms: &[Room]) -> Vec<Uuid> {
    let others = rooms.iter().filter_map(|room| room.with);
    let members = rooms.iter().flat_map(|room| &room.members).copied();
    let mut seen = HashSet::new();
    let all = std::iter::once(who).chain(others).chain(members).filter(|person| seen.insert(*person));
    all.take(SYNC_PEOPLE_MAX).collect()
}

/// The topic of rooms of a kind.
pub(super) fn topic(kind: Kind) -> Topic {
    match kind {
        Kind::Direct => Topic::from_static(crate::events::direct::Started::TOPIC),
        Kind::Private | Kind::Public => Topic::from_static(crate::events::room::Created::TOPIC),
    }
}
