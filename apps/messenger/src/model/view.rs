//! How an event of a room looks in its channel: one function for live pushes, recovery and history.

use crate::events::{Fact, Talk};
use fanfare_core::Recorded;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// What became of messages: those that are not named were neither edited nor deleted.
#[derive(Clone, Debug, Default)]
pub struct Blanks(pub(super) HashMap<Uuid, State>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    pub(super) is_deleted: bool,
    /// The offset of the newest edit.
    pub(super) edited_offset: Option<i64>,
}

/// An event that was decoded to be shown.
#[derive(Clone, Debug)]
pub struct Shown {
    fact: Option<Fact>,
    offset: i64,
    at: String,
    id: String,
}

impl Shown {
    /// Decodes a record.
    #[must_use]
    pub fn of(record: &Recorded) -> Self {
        let metadata = &record.message.metadata;
        let fact = Fact::decode(&metadata.event_type, &record.message.payload);
        Self {
            fact: fact.unwrap_or_default(),
            offset: record.place.revision.cast_signed(),
            at: record.place.recorded_at.to_string(),
            id: metadata.id.to_string(),
        }
    }

    /// The message that it shows the text of, if it shows one.
    #[must_use]
    pub fn message(&self) -> Option<Uuid> {
        match &self.fact {
            Some(Fact::Talk(talk @ (Talk::Sent(_) | Talk::Edited(_)))) => Some(talk.message()),
            _ => None,
        }
    }
}

impl Blanks {
    /// Adds what these events, which follow what is known already, do to messages. An edit or a deletion counts even
    /// when the read model has not come that far.
    pub fn add(&mut self, events: &[Shown]) {
        for event in events {
            match &event.fact {
                Some(Fact::Talk(Talk::Edited(edited))) => {
                    let state = self.0.entry(edited.message).or_default();
                    state.edited_offset = state.edited_offset.max(Some(event.offset));
                }
                Some(Fact::Talk(Talk::Deleted(deleted))) => {
                    self.0.entry(deleted.message).or_default().is_deleted = true;
                }
                _ => {}
            }
        }
    }

    fn of(&self, message: Uuid) -> State {
        self.0.get(&message).copied().unwrap_or_default()
    }
}

/// The view of an event: a deleted message, or a text that was edited since, comes blank.
#[must_use]
pub fn view(event: &Shown, blanks: &Blanks) -> Value {
    let Some(fact) = &event.fact else {
        return json!({ "type": "unknown", "id": event.id, "at": event.at });
    };
    let (name, by, fields) = match fact {
        Fact::Created(it) => ("created", it.by, json!({ "name": it.name, "is_public": it.is_public })),
        Fact::Started(it) => ("started", it.by, json!({ "people": it.people })),
        Fact::Joined(it) => ("joined", it.by, json!({ "person": it.person })),
        Fact::Left(it) => ("left", it.by, json!({ "person": it.person })),
        Fact::Invited(it) => ("invited", it.by, json!({ "person": it.person })),
        Fact::Declined(it) => ("declined", it.by, json!({ "person": it.person })),
        Fact::Kicked(it) => ("kicked", it.by, json!({ "person": it.person })),
        Fact::Talk(talk) => self::talk(talk, event.offset, blanks),
    };
    let mut view = json!({ "type": name, "id": event.id, "at": event.at, "by": by });
    if let (Some(view), Value::Object(fields)) = (view.as_object_mut(), fields) {
        view.extend(fields);
    }
    view
}

fn talk(talk: &Talk, offset: i64, blanks: &Blanks) -> (&'static str, Uuid, Value) {
    let state = blanks.of(talk.message());
    match talk {
        Talk::Sent(it) => {
            let is_edited = state.edited_offset.is_some();
            let text = (!state.is_deleted && !is_edited).then_some(&it.text);
            let mut fields = json!({ "message": it.message, "client_id": it.client_id, "text": text });
            if let Some(fields) = fields.as_object_mut() {
                let marks = [("is_deleted", state.is_deleted), ("is_edited", is_edited)];
                fields.extend(
                    marks.into_iter().filter(|(_, is)| *is).map(|(name, is)| (name.to_owned(), is.into())),
                );
                fields.extend(it.reply_to.map(|to| ("reply_to".to_owned(), json!(to))));
            }
            ("message_sent", it.by, fields)
        }
        Talk::Edited(it) => {
            let is_newest = state.edited_offset.is_none_or(|newest| newest <= offset);
            let text = (!state.is_deleted && is_newest).then_some(&it.text);
            ("message_edited", it.by, json!({ "message": it.message, "text": text }))
        }
        Talk::Deleted(it) => ("message_deleted", it.by, json!({ "message": it.message })),
        Talk::ReactionAdded(it) => {
            ("reaction_added", it.by, json!({ "message": it.message, "emoji": it.emoji }))
        }
        Talk::ReactionRemoved(it) => {
            ("reaction_removed", it.by, json!({ "message": it.message, "emoji": it.emoji }))
        }
    }
}
