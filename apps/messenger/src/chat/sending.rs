//! Saying something, and what may be done with what was said.

use super::access::{Membership, is_admin, membership, take};
use super::reading::topic;
use super::refusal::Refusal;
use super::requests::{Delete, Done, Edit, React, Send, Sent};
use super::service::{Chat, TEXT_MAX};
use crate::events::{Fact, Talk, room};
use crate::model::{self, Kind, Message, Role};
use crate::time;
use fanfare_core::KeyRange;
use std::time::Duration;
use uuid::Uuid;

const CLIENT_ID_MAX: usize = 64;
const EMOJI_MAX: usize = 16;
/// Different reactions of one message, as many as the page offers: everybody who opens the room is sent all of them.
const REACTIONS_MAX: usize = 24;
/// Events of one room that the model may lack while people write in it; beyond that they are told to ask again.
const NOT_APPLIED_MAX: usize = 2_000;
/// How long after its tick a message may take to be in the model.
const SENT_WITHIN: Duration = Duration::from_millis(500);

impl Chat {
    /// Answers when the message is durable. A repeat is answered like the first: within the broker's window by the
    /// broker, for as long as the message is kept by the read model, and where that is late by the journal itself.
    pub(super) async fn send(&self, by: Uuid, send: Send) -> Result<Sent, Refusal> {
        let Send { room, client_id, text, reply_to } = send;
        let text = checked(&text)?;
        if client_id.is_empty() || client_id.chars().count() > CLIENT_ID_MAX {
            return Err(Refusal::invalid("a client id has 1 to 64 characters"));
        }
        take(&self.0.limits.messages, by)?;
        // The first thing that is waited for: what one sender sends to a room keeps the order in which it came.
        let _turn = self.0.sending.turn(&(by, room)).await;
        let _open = self.0.gates.open(by).await;
        let wanted = client_id.clone();
        let (found, before, head, hidden) = self
            .read(move |tx| {
                let found = membership(tx, room, by)?;
                let before = model::sent_before(tx, room, by, &wanted)?;
                Ok((found, before, model::head(tx, room)?, model::hidden_from(tx, room)?))
            })
            .await?;
        if let Some((message, offset, at)) = before {
            return Ok(Sent { message, offset, at: time::text(at), is_repeat: true });
        }
        // Made of what a repeat repeats, so that both are the same message.
        let once = format!("{by}/{client_id}");
        let message = Uuid::new_v5(&room, once.as_bytes());
        if let Some(before) = self.not_applied_yet(found.kind, room, message, head).await? {
            return Ok(before);
        }
        if let Some(answered) = reply_to {
            self.message(room, answered, by).await?;
        }
        let talk = Talk::Sent(room::MessageSent { room, message, by, client_id, text, reply_to });
        // Whoever has hidden the conversation sees it again, and needs a place for it until then.
        let mut places = Vec::new();
        for (person, is_asked) in hidden {
            places.push(self.asked_place(person, is_asked).await?);
        }
        let mut published = self.0.journal.say(found.kind, talk, Some(once)).await?;
        if !places.is_empty() {
            published = self.applied(published).await?;
        }
        let place = published.place;
        Ok(Sent {
            message,
            offset: place.revision.cast_signed(),
            at: place.recorded_at.to_string(),
            is_repeat: published.is_repeat,
        })
    }

    /// A message that is in the journal and not in the model yet, which has come as far as this offset of the room. So a
    /// repeat is known also when the broker has forgotten the first and the model is late.
    async fn not_applied_yet(
        &self,
        kind: Kind,
        room: Uuid,
        message: Uuid,
        head: u64,
    ) -> Result<Option<Sent>, Refusal> {
        let (log, topic, key) = (self.0.journal.log()?, topic(kind), room.to_string());
        let missing = usize::try_from(log.head(&topic, &key).saturating_sub(head)).unwrap_or(usize::MAX);
        if missing == 0 {
            return Ok(None);
        }
        if missing > NOT_APPLIED_MAX {
            return Err(Refusal::late());
        }
        let records = log.read_key(&topic, &key, KeyRange::from(head + 1, missing)).await?;
        let text = message.to_string();
        let sent = records.iter().find(|record| {
            let payload = &record.message.payload;
            // Most records are of other messages, and need not be decoded.
            let is_about = std::str::from_utf8(payload).is_ok_and(|payload| payload.contains(&text));
            let fact = is_about.then(|| Fact::decode(&record.message.metadata.event_type, payload));
            matches!(fact, Some(Ok(Some(Fact::Talk(Talk::Sent(sent))))) if sent.message == message)
        });
        Ok(sent.map(|record| Sent {
            message,
            offset: record.place.revision.cast_signed(),
            at: record.place.recorded_at.to_string(),
            is_repeat: true,
        }))
    }

    pub(super) async fn edit(&self, by: Uuid, edit: Edit) -> Result<Done, Refusal> {
        let Edit { room, message, text } = edit;
        let text = checked(&text)?;
        take(&self.0.limits.writes, by)?;
        let _open = self.0.gates.open(by).await;
        let (found, old) = self.message(room, message, by).await?;
        if old.sender != by {
            return Err(Refusal::forbidden("only its sender may edit a message"));
        }
        if old.text.as_ref() == Some(&text) {
            return Ok(Done { offset: 0 });
        }
        let talk = Talk::Edited(room::MessageEdited { room, message, by, text });
        self.done(found, talk).await
    }

    pub(super) async fn delete(&self, by: Uuid, delete: Delete) -> Result<Done, Refusal> {
        let Delete { room, message } = delete;
        take(&self.0.limits.writes, by)?;
        let _open = self.0.gates.open(by).await;
        let (found, old) = self.message(room, message, by).await?;
        let is_theirs = old.sender == by || (found.role == Role::Owner);
        if !is_theirs && (found.kind == Kind::Direct || !self.read(move |tx| is_admin(tx, by)).await?) {
            return Err(Refusal::forbidden("only its sender, an owner or an admin may delete a message"));
        }
        let talk = Talk::Deleted(room::MessageDeleted { room, message, by });
        self.done(found, talk).await
    }

    pub(super) async fn react(&self, by: Uuid, react: React, is_added: bool) -> Result<Done, Refusal> {
        let React { room, message, emoji } = react;
        if emoji.trim().is_empty() || emoji.chars().count() > EMOJI_MAX || emoji.chars().any(char::is_control)
        {
            return Err(Refusal::invalid("a reaction has 1 to 16 characters"));
        }
        take(&self.0.limits.writes, by)?;
        let _open = self.0.gates.open(by).await;
        let (found, mut old) = self.message(room, message, by).await?;
        let is_there = |old: &Message| old.reactions.iter().any(|reaction| reaction.emoji == emoji);
        let mut turn = None;
        if is_added && !is_there(&old) {
            // Held until it is in the model, so that many at once are not too many.
            turn = Some(self.0.reacting.turn(&message).await);
            old = self.message(room, message, by).await?.1;
            if old.reactions.len() >= REACTIONS_MAX && !is_there(&old) {
                return Err(Refusal::conflict("a message has at most 24 different reactions"));
            }
        }
        let has =
            old.reactions.iter().any(|reaction| reaction.emoji == emoji && reaction.people.contains(&by));
        if has == is_added {
            return Ok(Done { offset: 0 });
        }
        let talk = if is_added {
            Talk::ReactionAdded(room::ReactionAdded { room, message, by, emoji })
        } else {
            Talk::ReactionRemoved(room::ReactionRemoved { room, message, by, emoji })
        };
        let done = self.done(found, talk).await;
        drop(turn);
        done
    }

    /// A message that was not deleted, for a member. One that was just sent may not be in the model yet: it is waited
    /// for a little.
    async fn message(&self, room: Uuid, message: Uuid, by: Uuid) -> Result<(Membership, Message), Refusal> {
        let look = || {
            self.read(move |tx| {
                let found = membership(tx, room, by)?;
                Ok((found, model::find(tx, room, message, by)?))
            })
        };
        let until = tokio::time::Instant::now() + SENT_WITHIN;
        loop {
            let change = self.0.model.change();
            match look().await? {
                (_, Some(message)) if message.is_deleted => return Err(Refusal::missing()),
                (found, Some(message)) => return Ok((found, message)),
                (_, None) => {}
            }
            if tokio::time::timeout_at(until, change).await.is_err() {
                return Err(Refusal::missing());
            }
        }
    }

    /// Answered once it is in the model: from then on nobody is shown the old text.
    async fn done(&self, found: Membership, talk: Talk) -> Result<Done, Refusal> {
        let published = self.0.journal.say(found.kind, talk, None).await?;
        self.applied(published).await.map(|published| Done { offset: published.place.revision })
    }
}

fn checked(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Refusal::invalid("a message has a text"));
    }
    if text.chars().count() > TEXT_MAX {
        return Err(Refusal::too_long(format!("a message has at most {TEXT_MAX} characters")));
    }
    Ok(text.to_owned())
}
