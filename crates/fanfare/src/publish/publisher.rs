//! Handing events to a transport.

use std::{future::IntoFuture, sync::Arc, time::Duration};

use bytestring::ByteString;
use fanfare_core::{Error, EventId, ExpectedRevision, Outgoing, Publishable, Transport};
use jiff::Timestamp;

use super::{Encoder, PublishAll, PublishError, PublishOptions, Publishing, encode::Made};
use crate::extract::{Context, Extract, Missing, Registry};

/// Publishes events of an application. Cheap to clone; also a handler's argument.
#[derive(Clone)]
pub struct Publisher {
    transport: Arc<dyn Transport>,
    encoder: Arc<Encoder>,
}

impl Publisher {
    pub(crate) fn new(transport: Arc<dyn Transport>, encoder: Arc<Encoder>) -> Self {
        Self { transport, encoder }
    }

    /// Publishes an event: options, then `.await`, which returns once the event is durable by the
    /// transport's policy. Where too much is under way already it waits for room, 1 to 20 ms at a time; publishes that are not
    /// awaited one after the other may then overtake each other.
    ///
    /// # Errors
    /// When it was refused or it is not known whether it became durable; see [`PublishError`]. A full disk, too many
    /// delayed events or too many behind a held key are not waited for: kind `Full`, which may be tried again with the
    /// same message.
    ///
    /// # Cancel safety
    /// `.await` hands over at once; dropped after that, the publish still takes place, unless it waits for room.
    ///
    /// # Within a handler
    /// The event belongs to the chain of the delivery that is handled: it carries its correlation, causation and
    /// depth, and the storm guard counts it. That holds where the handler itself runs, `.blocking()` ones included, and not
    /// in tasks that it spawns. It is no part of the acknowledgement: a handler that fails afterwards publishes it
    /// again, unless it has an idempotency key or goes through [`Context::publish`]. Where its own group fills the memory
    /// that a publish waits for, it waits until its ack timeout.
    pub fn publish<P: Publishable>(&self, event: P) -> Publish<'_> {
        Publish { publisher: self, event: Made::of(&event), options: None }
    }

    /// Publishes several events, in order; all or none after `.atomic()`. Waits for room as [`Publisher::publish`] does.
    ///
    /// # Errors
    /// The answer has one result per event.
    pub fn publish_all<P: Publishable>(&self, events: impl IntoIterator<Item = P>) -> PublishAll<'_> {
        let mut batch = PublishAll::new(self);
        for event in events {
            batch = batch.and(event);
        }
        batch
    }

    /// Hands an event over and does not wait: what becomes of it is known from the future that comes back, if one cares.
    ///
    /// # Errors
    /// When it cannot be encoded. What the transport refuses, `Busy` and `Full` over a limit, is the future's answer.
    pub fn try_publish<P: Publishable>(&self, event: P) -> Result<Publishing<'static>, PublishError> {
        let outgoing = self.encode(&event, None)?;
        Ok(self.publish_message(outgoing))
    }

    /// Publishes a message that is encoded already: one that came back, or comes from elsewhere. Does not wait for
    /// room, as [`Publisher::try_publish`].
    pub fn publish_message(&self, outgoing: Outgoing) -> Publishing<'static> {
        let id = outgoing.message.metadata.id.clone();
        self.encoder.types.published(&outgoing.message.metadata.event_type);
        Publishing::waiting(self.transport.submit_one(outgoing), id)
    }

    pub(super) fn encode<P: Publishable>(
        &self,
        event: &P,
        options: Option<&PublishOptions>,
    ) -> Result<Outgoing, PublishError> {
        Made::of(event).and_then(|event| self.encoder.outgoing(event, options)).map_err(PublishError::invalid)
    }

    pub(crate) fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    pub(super) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("source", &self.encoder.source).finish_non_exhaustive()
    }
}

/// One event on its way, with its options; `.await` publishes it.
#[must_use = "nothing is published until this is awaited"]
pub struct Publish<'a> {
    publisher: &'a Publisher,
    event: Result<Made, Error>,
    options: Option<Box<PublishOptions>>,
}

macro_rules! with_options {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*);)*) => {
        impl Publish<'_> {$(
            $(#[$doc])*
            pub fn $name(mut self, $($arg: $type),*) -> Self {
                let options = self.options.take().unwrap_or_default();
                self.options = Some(Box::new((*options).$name($($arg),*)));
                self
            }
        )*}
    };
}

with_options! {
    /// The event's id, instead of a new one.
    id(id: impl Into<EventId>);
    /// The partition key, instead of the event's own.
    key(key: impl Into<ByteString>);
    /// Delivers it no earlier than this long from now.
    delay(delay: Duration);
    /// Delivers it no earlier than this.
    not_before(at: Timestamp);
    /// Becomes a dead letter when no handler has begun with it this long from now.
    expires_in(within: Duration);
    /// A second publish with the same topic, key and idempotency key is a repeat of the first.
    idempotency_key(key: impl Into<ByteString>);
    /// Refuses the publish unless the key's newest revision is this one.
    expected_revision(expected: ExpectedRevision);
    /// The business flow that it belongs to, instead of its own id.
    correlation_id(id: impl Into<EventId>);
    /// What within the source it is about.
    subject(subject: impl Into<ByteString>);
    /// A header of your own: lower-case letters and digits.
    header(name: impl Into<String>, value: impl Into<ByteString>);
    /// Starts a new chain of causes.
    new_root();
}

impl Publish<'_> {
    /// All options at once.
    pub fn with(mut self, options: PublishOptions) -> Self {
        self.options = Some(Box::new(options));
        self
    }
}

impl<'a> IntoFuture for Publish<'a> {
    type Output = <Publishing<'a> as Future>::Output;
    type IntoFuture = Publishing<'a>;

    fn into_future(self) -> Publishing<'a> {
        let encoder = &self.publisher.encoder;
        match self.event.and_then(|event| encoder.outgoing(event, self.options.as_deref())) {
            Ok(outgoing) => self.publisher.publish_message(outgoing).when_room(self.publisher),
            Err(error) => Publishing::failed(PublishError::invalid(error)),
        }
    }
}

impl Extract for Publisher {
    type Prepared = Self;

    fn prepare(registry: &Registry) -> Result<Self, Missing> {
        registry.get::<Self>().cloned().ok_or_else(|| {
            Missing::new(
                "it takes a Publisher, and here is none: an application has one, a dispatcher has not",
            )
        })
    }

    fn extract(prepared: &Self, _: &Context) -> Self {
        prepared.clone()
    }
}
