//! What may be said of one event at its publish.

use std::time::Duration;

use bytestring::ByteString;
use fanfare_core::{EventId, ExpectedRevision, Extension};
use jiff::Timestamp;

/// What is said of one event beside its payload.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PublishOptions {
    pub(crate) id: Option<EventId>,
    pub(crate) key: Option<ByteString>,
    pub(crate) delay: Option<Duration>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires_in: Option<Duration>,
    pub(crate) idempotency_key: Option<ByteString>,
    pub(crate) expected: Option<ExpectedRevision>,
    pub(crate) correlation_id: Option<EventId>,
    pub(crate) subject: Option<ByteString>,
    pub(crate) extensions: Vec<(String, Extension)>,
    pub(crate) is_new_root: bool,
}

impl PublishOptions {
    /// The first option that is said, by the name of its method.
    pub(crate) fn first_said(&self) -> Option<&'static str> {
        let Self {
            id,
            key,
            delay,
            not_before,
            expires_in,
            idempotency_key,
            expected,
            correlation_id,
            subject,
            extensions,
            is_new_root,
        } = self;
        let said = [
            (id.is_some(), "id"),
            (key.is_some(), "key"),
            (delay.is_some(), "delay"),
            (not_before.is_some(), "not_before"),
            (expires_in.is_some(), "expires_in"),
            (idempotency_key.is_some(), "idempotency_key"),
            (expected.is_some(), "expected"),
            (correlation_id.is_some(), "correlation_id"),
            (subject.is_some(), "subject"),
            (!extensions.is_empty(), "extension"),
            (*is_new_root, "new_root"),
        ];
        said.into_iter().find_map(|(is_said, name)| is_said.then_some(name))
    }

    /// Nothing special.
    pub fn new() -> Self {
        Self::default()
    }

    /// The event's id, instead of a new one: a repeat of an earlier publish whose outcome is not known.
    pub fn id(mut self, id: impl Into<EventId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The partition key, instead of the event's own.
    pub fn key(mut self, key: impl Into<ByteString>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Delivers it no earlier than this long from now.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Delivers it no earlier than this.
    pub fn not_before(mut self, at: Timestamp) -> Self {
        self.not_before = Some(at);
        self
    }

    /// Becomes a dead letter when no handler has begun with it this long from now.
    pub fn expires_in(mut self, within: Duration) -> Self {
        self.expires_in = Some(within);
        self
    }

    /// A second publish with the same topic, key and idempotency key is a repeat of the first.
    pub fn idempotency_key(mut self, key: impl Into<ByteString>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Refuses the publish unless the key's newest revision is this one.
    pub fn expected_revision(mut self, expected: ExpectedRevision) -> Self {
        self.expected = Some(expected);
        self
    }

    /// The business flow that it belongs to, instead of its own id or that of the delivery at hand.
    pub fn correlation_id(mut self, id: impl Into<EventId>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// What within the source it is about (CloudEvents `subject`).
    pub fn subject(mut self, subject: impl Into<ByteString>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// A header of your own (a CloudEvents extension attribute): lower-case letters and digits, and no name that CloudEvents
    /// or Fanfare gives a meaning; the publish is refused as `Invalid` otherwise.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<ByteString>) -> Self {
        self.extensions.push((name.into(), Extension::Text(value.into())));
        self
    }

    /// Starts a new chain of causes: the storm guard counts from here. For a job that schedules itself again.
    pub fn new_root(mut self) -> Self {
        self.is_new_root = true;
        self
    }
}
