//! Publishing: repeats, expected revisions, places, delayed events.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use fanfare_core::{
    Durability, Epoch, Error, ErrorKind, ExpectedRevision, Message, Outgoing, Place, Receipt, Recorded,
    Rejected, Timestamp, Topic,
};

use super::{
    identity::{Identity, identity},
    state::Machine,
    window::{First, Seen},
};
use crate::{
    journal::BatchBuf,
    record::{Record, decode_message, encode_message},
};

/// A message on its way to its place, in the memory in which it will be kept.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Nobody else has it yet; its place means nothing.
    record: Arc<Recorded>,
    expected: Option<ExpectedRevision>,
    /// Where the publisher has worked it out.
    identity: Option<Identity>,
}

impl Draft {
    /// Of a publisher, in whose thread the identity is worked out: the writer has less to do.
    pub(crate) fn of(outgoing: Outgoing, seed: [u64; 2]) -> Self {
        let identity = identity(seed, &outgoing.message);
        Self { identity: Some(identity), ..outgoing.into() }
    }

    fn message(&self) -> &Message {
        &self.record.message
    }

    /// Gives it back.
    pub(crate) fn reject(self, error: Error) -> Rejected {
        let mut outgoing = Outgoing::from(Arc::unwrap_or_clone(self.record).message);
        outgoing.expected = self.expected;
        Rejected::new(error, outgoing)
    }
}

impl From<Message> for Draft {
    fn from(message: Message) -> Self {
        let nowhere = Place::new(Epoch(0), 0, 0, 0, Timestamp::UNIX_EPOCH);
        Self { record: Arc::new(Recorded::new(message, nowhere)), expected: None, identity: None }
    }
}

impl From<Outgoing> for Draft {
    fn from(outgoing: Outgoing) -> Self {
        Self { expected: outgoing.expected, ..outgoing.message.into() }
    }
}

/// Bytes of delayed events that are published in one batch, about.
pub(super) const DUE_BYTES_MAX: usize = 64 << 20;

impl Machine {
    /// Publishes messages, in order. `is_atomic`: all or none. The receipts count once the batch does.
    pub(crate) fn submit(
        &mut self,
        out: &mut BatchBuf,
        messages: Vec<Outgoing>,
        is_atomic: bool,
        durability: Durability,
        now: Timestamp,
    ) -> Vec<Result<Receipt, Rejected>> {
        if !is_atomic {
            let publish = |outgoing: Outgoing| self.publish(out, outgoing.into(), durability, now);
            return messages.into_iter().map(publish).collect();
        }
        if let Some((at, error)) = self.refusal_of(&messages, false, now) {
            return refuse_all(messages, at, error);
        }
        let accept = |outgoing: Outgoing| {
            let identity = identity(self.seed, &outgoing.message);
            Ok(match self.window.find(identity.0).copied() {
                Some(seen) => self.repeat(&outgoing.message, seen, durability),
                None => self.accept(out, outgoing.into(), Some(identity), durability, now),
            })
        };
        messages.into_iter().map(accept).collect()
    }

    /// Publishes the outputs of a handler, which [`Machine::refusal_of`] has let through. The window of
    /// repeats does not see them.
    pub(super) fn publish_outputs(&mut self, out: &mut BatchBuf, outputs: Vec<Outgoing>, now: Timestamp) {
        for output in outputs {
            self.accept(out, output.into(), None, Durability::Memory, now);
        }
    }

    /// Publishes delayed events that are due; each takes its positions now.
    pub(crate) fn publish_due(&mut self, out: &mut BatchBuf, now: Timestamp, max: usize) -> usize {
        let mut count = 0;
        while count < max
            && out.len() < DUE_BYTES_MAX
            && let Some((id, waiting)) = self.schedule.due(now)
        {
            let (class, body) = (waiting.class, waiting.message.clone());
            count += 1;
            if let Some(message) = self.waiting_message(class, &body) {
                self.place(out, Draft::from(message).record, class, None, now);
            }
            self.change(out, &Record::ScheduleDone { id });
        }
        count
    }

    fn waiting_message(&self, class: u32, body: &Bytes) -> Option<Message> {
        let class = self.catalog.class(class)?;
        let (metadata, payload) =
            decode_message(body, body, class.event_type.clone(), class.type_version).ok()?;
        Some(Message::new(class.topic.clone(), metadata, payload))
    }

    /// Touches what [`Machine::publish`] will read, so that it is near when it comes to that.
    pub(crate) fn look_at(&self, draft: &Draft) {
        let (message, place) = (draft.message(), &draft.record.place);
        let metadata = &message.metadata;
        let key = metadata.key.as_ref().and_then(|key| key.as_bytes().first());
        let seen = draft.identity.and_then(|identity| self.window.find(identity.0));
        let parts = (key, message.payload.first(), metadata.causation_depth, place.position, seen.is_some());
        std::hint::black_box(parts);
    }

    /// Publishes one message. The receipt counts once the batch does.
    pub(crate) fn publish(
        &mut self,
        out: &mut BatchBuf,
        draft: Draft,
        durability: Durability,
        now: Timestamp,
    ) -> Result<Receipt, Rejected> {
        let message = draft.message();
        let identity = draft.identity.unwrap_or_else(|| identity(self.seed, message));
        if let Some(seen) = self.window.find(identity.0).copied() {
            if seen.content != identity.1 {
                return Err(draft.reject(reused()));
            }
            return Ok(self.repeat(message, seen, durability));
        }
        if let Err(error) = self.check(message, draft.expected, now, &Earlier::default()) {
            return Err(draft.reject(error));
        }
        Ok(self.accept(out, draft, Some(identity), durability, now))
    }

    /// Publishes a message that nothing speaks against.
    fn accept(
        &mut self,
        out: &mut BatchBuf,
        draft: Draft,
        identity: Option<Identity>,
        durability: Durability,
        now: Timestamp,
    ) -> Receipt {
        let message = draft.message();
        let class = self.class_of(out, message);
        let mut receipt = Receipt::new(message.metadata.id.clone(), durability);
        match delayed_until(message, now) {
            Some(due) => receipt.schedule = Some(self.schedule(out, message, class, identity, due)),
            None => receipt.place = Some(self.place(out, draft.record, class, identity, now)),
        }
        receipt
    }

    /// Appends an event and gives it its place.
    fn place(
        &mut self,
        out: &mut BatchBuf,
        mut record: Arc<Recorded>,
        class: u32,
        identity: Option<Identity>,
        now: Timestamp,
    ) -> Place {
        let topic_id = self.catalog.class(class).map_or(0, |class| class.topic_id);
        let offset = self.catalog.topic_mut(topic_id).map_or(0, |topic| topic.next_offset);
        let (known, revision) = match &record.message.metadata.key {
            None => (None, 0),
            Some(key) => match self.find_key(topic_id, key) {
                (_, Some(known)) => {
                    (Some(known), self.heads.get(known as usize).copied().unwrap_or_default() + 1)
                }
                (_, None) => (None, 1),
            },
        };
        let place = Place::new(self.epoch, self.next_position, offset, revision, self.stamp(now));
        Arc::get_mut(&mut record).expect("nobody else has a record without a place").place = place;
        self.change_event(out, record, class, known, identity);
        place
    }

    fn schedule(
        &mut self,
        out: &mut BatchBuf,
        message: &Message,
        class: u32,
        identity: Option<Identity>,
        due: Timestamp,
    ) -> u64 {
        let id = self.schedule.next_id;
        let mut body = Vec::new();
        encode_message(&mut body, &message.metadata, &message.payload);
        self.change(out, &Record::Scheduled { id, due, class, identity, message: body.into() });
        id
    }

    fn repeat(&mut self, message: &Message, seen: Seen, durability: Durability) -> Receipt {
        self.repeats += 1;
        let mut receipt = Receipt::new(message.metadata.id.clone(), durability);
        receipt.is_repeat = true;
        match seen.first {
            First::Scheduled(id) => receipt.schedule = Some(id),
            First::Placed { position, offset, revision, recorded_at } => {
                receipt.place = Some(Place::new(self.epoch, position, offset, revision, recorded_at));
            }
        }
        receipt
    }

    /// The first of these messages that would be refused, were they published together.
    pub(super) fn refusal_of(
        &self,
        messages: &[Outgoing],
        is_output: bool,
        now: Timestamp,
    ) -> Option<(usize, Error)> {
        let mut earlier = Earlier::default();
        let mut contents = HashMap::new();
        for (at, outgoing) in messages.iter().enumerate() {
            if !is_output {
                let (identity, content) = identity(self.seed, &outgoing.message);
                let seen = self.window.find(identity).map(|seen| seen.content);
                match seen.or_else(|| contents.insert(identity, content)) {
                    Some(seen) if seen != content => return Some((at, reused())),
                    Some(_) => continue,
                    None => {}
                }
            }
            if let Err(error) = self.check(&outgoing.message, outgoing.expected, now, &earlier) {
                return Some((at, error));
            }
            earlier.add(&outgoing.message, now);
        }
        None
    }

    /// Whether a message may be published behind these earlier ones of its atomic batch.
    fn check(
        &self,
        message: &Message,
        expected: Option<ExpectedRevision>,
        now: Timestamp,
        earlier: &Earlier<'_>,
    ) -> Result<(), Error> {
        // Publishers' messages are measured before they come here; what handlers return is not.
        if message.payload.len() > self.limits.message_max {
            let text = format!("publish an event of {} bytes: it is too large", message.payload.len());
            return Err(Error::new(ErrorKind::TooLarge, text).with("topic", &message.topic));
        }
        let is_delayed = delayed_until(message, now).is_some();
        if is_delayed {
            let bytes = self.schedule.bytes() + earlier.delayed_bytes + message.payload.len();
            let is_full = self.schedule.len() + earlier.delayed >= self.limits.scheduled_max
                || bytes > self.limits.scheduled_bytes_max;
            if is_full {
                let text = "publish a delayed event: too many wait already; publish it later";
                return Err(Error::new(ErrorKind::Full, text).with("topic", &message.topic));
            }
        }
        self.check_held(message)?;
        let Some(expected) = expected else { return Ok(()) };
        let Some(key) = &message.metadata.key else {
            let text = "publish with an expected revision: the event has no key";
            return Err(Error::new(ErrorKind::Invalid, text).with("topic", &message.topic));
        };
        if is_delayed {
            let text = "publish with an expected revision: a delayed event gets its revision when it is due";
            return Err(Error::new(ErrorKind::Invalid, text).with("topic", &message.topic));
        }
        let revision = self.head(message.topic.as_str(), key) + earlier.of_key(&message.topic, key);
        let wanted = match expected {
            ExpectedRevision::Empty => 0,
            ExpectedRevision::Exact(revision) => revision,
        };
        if wanted == revision {
            return Ok(());
        }
        let text = format!("the key's newest revision is {revision}, not {wanted}; read on and decide again");
        Err(Error::new(ErrorKind::Conflict, text).with("topic", &message.topic).with("key", key))
    }

    /// Whether no group passes over this key's records that passes over as many as it may.
    fn check_held(&self, message: &Message) -> Result<(), Error> {
        let mut full = self.groups.values().filter(|group| group.passed >= self.limits.held_records_max);
        let Some(key) = &message.metadata.key else { return Ok(()) };
        let held = full.find(|group| {
            let known = self.known_key(message.topic.as_str(), key);
            known.is_some_and(|known| group.held_keys.contains_key(&known))
        });
        let Some(group) = held else { return Ok(()) };
        let text = "publish an event of a key that a group holds or has parked: too many wait behind such keys \
                    already; let the newer build start, or redrive or discard the dead letter";
        let error = Error::new(ErrorKind::Full, text).with("topic", &message.topic).with("key", key);
        Err(error.with("group", &group.spec.name))
    }

    fn known_key(&self, topic: &str, key: &str) -> Option<u32> {
        self.find_key(self.catalog.topic_id(topic)?, key).1
    }

    /// The newest revision of a key, synced or not.
    fn head(&self, topic: &str, key: &str) -> u64 {
        let known = self.known_key(topic, key);
        known.and_then(|key| self.heads.get(key as usize)).copied().unwrap_or_default()
    }

    /// The class of a message; its record goes before the message's own.
    fn class_of(&mut self, out: &mut BatchBuf, message: &Message) -> u32 {
        let metadata = &message.metadata;
        let found = self.catalog.find(message.topic.as_str(), &metadata.event_type, metadata.type_version);
        found.unwrap_or_else(|| {
            let id = self.catalog.classes().len() as u32;
            self.change(
                out,
                &Record::Class {
                    id,
                    topic: message.topic.clone(),
                    event_type: Self::own(&metadata.event_type),
                    type_version: metadata.type_version,
                },
            );
            id
        })
    }
}

/// What the earlier messages of an atomic batch come to.
#[derive(Default)]
struct Earlier<'a> {
    delayed: usize,
    delayed_bytes: usize,
    /// Topics and keys of those that get a revision now.
    placed: Vec<(&'a Topic, &'a str)>,
}

impl<'a> Earlier<'a> {
    fn add(&mut self, message: &'a Message, now: Timestamp) {
        if delayed_until(message, now).is_some() {
            self.delayed += 1;
            self.delayed_bytes += message.payload.len();
        } else if let Some(key) = &message.metadata.key {
            self.placed.push((&message.topic, key));
        }
    }

    fn of_key(&self, topic: &Topic, key: &str) -> u64 {
        self.placed.iter().filter(|placed| **placed == (topic, key)).count() as u64
    }
}

/// When a message is due, if that is later than now.
fn delayed_until(message: &Message, now: Timestamp) -> Option<Timestamp> {
    message.metadata.not_before().copied().filter(|due| *due > now)
}

fn reused() -> Error {
    let text = "the idempotency key was used before with another type or payload";
    Error::new(ErrorKind::Conflict, text)
}

/// Answers of an atomic batch of which the one at `at` is refused.
fn refuse_all(messages: Vec<Outgoing>, at: usize, error: Error) -> Vec<Result<Receipt, Rejected>> {
    let kind = error.kind();
    let mut error = Some(error);
    let refuse = |(index, outgoing)| {
        let own = if index == at { error.take() } else { None };
        let other = || Error::new(kind, format!("message {at} of the same atomic batch was refused"));
        Err(Rejected::new(own.unwrap_or_else(other), outgoing))
    };
    messages.into_iter().enumerate().map(refuse).collect()
}
