//! Coming and going. Each is an event, and is answered once that very event is in the read model.

use super::access::{is_admin, membership, person, standing, take};
use super::publish::Published;
use super::refusal::Refusal;
use super::requests::{Create, WithPerson};
use super::service::Chat;
use crate::events::{direct, room};
use crate::model::{self, Kind, Role, Room};
use serde_json::json;
use uuid::Uuid;

/// The longest name of a room, in characters.
const NAME_MAX: usize = 64;

impl Chat {
    pub(super) async fn create(&self, by: Uuid, create: Create) -> Result<Room, Refusal> {
        take(&self.0.limits.writes, by)?;
        let name = create.name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
            return Err(Refusal::invalid("a room's name has 1 to 64 characters on one line"));
        }
        let _place = self.own_place(by).await?;
        let room = Uuid::now_v7();
        let event = room::Created { room, name, is_public: create.is_public, by };
        self.applied(self.0.journal.publish(event, None).await?).await?;
        self.room(room, by).await
    }

    /// The conversation of two people: always the same one.
    pub(super) async fn open_direct(&self, by: Uuid, with: Uuid) -> Result<Room, Refusal> {
        take(&self.0.limits.writes, by)?;
        if by == with {
            return Err(Refusal::invalid("a conversation has two people"));
        }
        let people = [by.min(with), by.max(with)];
        let room = Uuid::new_v5(&by.min(with), by.max(with).as_bytes());
        let is_there = self.read(move |tx| Ok(model::standing(tx, room, by)?.is_some())).await?;
        if is_there {
            self.show(room, by).await?;
        } else {
            self.read(move |tx| person(tx, with).map(drop)).await?;
            let _own = self.own_place(by).await?;
            let _other = self.asked_place(with, true).await?;
            let event = direct::Started { room, people, by };
            let once = Some("started".to_owned());
            // Both may begin at once: the model takes the first.
            match self.0.journal.publish(event, once).await {
                Ok(published) => drop(self.applied(published).await?),
                Err(refusal) if refusal.0.code == 409 => self.wait_for(room, by).await?,
                Err(refusal) => return Err(refusal),
            }
        }
        self.room(room, by).await
    }

    pub(super) async fn join(&self, person: Uuid, room: Uuid) -> Result<Room, Refusal> {
        take(&self.0.limits.writes, person)?;
        let place = self.own_place(person).await?;
        let chat = self.clone();
        self.to_the_end(async move {
            let _place = place;
            let _closed = chat.0.gates.close(person).await;
            let found = chat.read(move |tx| standing(tx, room, person)).await?;
            if found.role.is_none() {
                let may = found.is_invited || (found.kind == Kind::Public && !found.is_kicked);
                if !may {
                    return Err(Refusal::forbidden("this room is by invitation"));
                }
                let event = room::Joined { room, person, by: person };
                chat.applied(chat.0.journal.publish(event, None).await?).await?;
            }
            Ok(())
        })
        .await?;
        self.room(room, person).await
    }

    pub(super) async fn leave(&self, person: Uuid, room: Uuid) -> Result<(), Refusal> {
        take(&self.0.limits.writes, person)?;
        let chat = self.clone();
        self.to_the_end(async move {
            let _closed = chat.0.gates.close(person).await;
            let found = chat.read(move |tx| membership(tx, room, person)).await?;
            if found.kind == Kind::Direct {
                return chat.hide(room, person).await;
            }
            chat.take_out(room, person, person).await.map(drop)
        })
        .await
    }

    pub(super) async fn kick(&self, by: Uuid, kick: WithPerson) -> Result<(), Refusal> {
        take(&self.0.limits.writes, by)?;
        let (chat, WithPerson { room, person }) = (self.clone(), kick);
        if by == person {
            return Err(Refusal::invalid("leave instead"));
        }
        self.to_the_end(async move {
            let _gates = chat.0.gates.close_by(person, by).await;
            chat.read(move |tx| {
                let found = membership(tx, room, by)?;
                if found.kind == Kind::Direct {
                    return Err(Refusal::invalid("nobody can be put out of a direct conversation"));
                }
                if found.role != Role::Owner && !is_admin(tx, by)? {
                    return Err(Refusal::forbidden("only owners may put somebody out"));
                }
                let other = model::standing(tx, room, person)?.ok_or_else(Refusal::missing)?;
                if other.role.is_none() && !other.is_invited { Err(Refusal::missing()) } else { Ok(()) }
            })
            .await?;
            let event = room::Kicked { room, person, by };
            chat.applied(chat.0.journal.publish(event, None).await?).await.map(drop)
        })
        .await
    }

    pub(super) async fn invite(&self, by: Uuid, invite: WithPerson) -> Result<(), Refusal> {
        take(&self.0.limits.writes, by)?;
        let WithPerson { room, person: whom } = invite;
        let _open = self.0.gates.open(by).await;
        let is_needed = self
            .read(move |tx| {
                let found = membership(tx, room, by)?;
                if found.kind == Kind::Direct {
                    return Err(Refusal::invalid("nobody can be invited to a direct conversation"));
                }
                person(tx, whom)?;
                let other = model::standing(tx, room, whom)?.ok_or_else(Refusal::missing)?;
                if other.is_kicked && found.role != Role::Owner && !is_admin(tx, by)? {
                    return Err(Refusal::forbidden("only owners may invite somebody who was put out"));
                }
                Ok(other.role.is_none() && !other.is_invited)
            })
            .await?;
        if is_needed {
            let _place = self.invitation_place(room, whom, by).await?;
            let event = room::Invited { room, person: whom, by };
            self.applied(self.0.journal.publish(event, None).await?).await?;
        }
        Ok(())
    }

    pub(super) async fn decline(&self, person: Uuid, room: Uuid) -> Result<(), Refusal> {
        take(&self.0.limits.writes, person)?;
        let _open = self.0.gates.open(person).await;
        if !self.read(move |tx| Ok(standing(tx, room, person)?.is_invited)).await? {
            return Err(Refusal::missing());
        }
        let event = room::Declined { room, person, by: person };
        self.applied(self.0.journal.publish(event, None).await?).await.map(drop)
    }

    /// Takes a person who was removed out of every room, and their invitations back. What was done before is passed by,
    /// so that it can be asked again after a failure.
    ///
    /// # Errors
    /// In words, when a room could not be left in time; what was left stays left.
    pub async fn take_out_of_everything(&self, person: Uuid, by: Uuid) -> Result<(), String> {
        let chat = self.clone();
        let left = self.to_the_end(async move {
            let _closed = chat.0.gates.close(person).await;
            let (rooms, invitations) = chat
                .read(move |tx| Ok((model::room_ids(tx, person)?, model::invitation_ids(tx, person)?)))
                .await?;
            for room in rooms {
                let found = chat.read(move |tx| membership(tx, room, person)).await?;
                if found.kind != Kind::Direct {
                    chat.take_out(room, person, by).await?;
                }
            }
            for room in invitations {
                let event = room::Declined { room, person, by };
                chat.applied(chat.0.journal.publish(event, None).await?).await?;
            }
            Ok(())
        });
        left.await.map_err(|refusal| refusal.0.message.into_owned())
    }

    /// The room as this person sees it.
    pub(super) async fn room(&self, room: Uuid, person: Uuid) -> Result<Room, Refusal> {
        let epoch = self.epoch();
        self.read(move |tx| model::room(tx, room, person, epoch)?.ok_or_else(Refusal::missing)).await
    }

    /// Tells a person on all devices of a room that is theirs now, or that they are invited to.
    pub(super) async fn tell_of_room(&self, room: Uuid, person: Uuid) {
        if let Ok(room) = self.room(room, person).await {
            self.0.outside.push([person], &json!({ "kind": "room", "room": room }));
        }
    }

    async fn take_out(&self, room: Uuid, person: Uuid, by: Uuid) -> Result<Published, Refusal> {
        let event = room::Left { room, person, by };
        self.applied(self.0.journal.publish(event, None).await?).await
    }

    /// Waits until a room that somebody else is making is in the model.
    async fn wait_for(&self, room: Uuid, person: Uuid) -> Result<(), Refusal> {
        let end = tokio::time::Instant::now() + super::service::APPLIED_WITHIN;
        while tokio::time::Instant::now() < end {
            if self.read(move |tx| Ok(model::standing(tx, room, person)?.is_some())).await? {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Err(Refusal::late())
    }
}
