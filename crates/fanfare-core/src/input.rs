//! What may be the first argument of a handler.

use std::sync::Arc;

use crate::{DecodeError, Descriptor, Envelope, Portable, RawEvent, Recorded, codec};

/// Which events a handler's first argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accepts {
    /// These types.
    Types(&'static [Descriptor]),
    /// Every type; the handler narrows it with `.types("chat.>")`.
    Any,
}

/// The first argument of a handler: an event, an enum of events, or either in a wrapper.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the first argument of a handler",
    label = "the first argument of a handler is the event",
    note = "take an event (`#[derive(Event, Serialize, Deserialize)]`), an enum of events (`#[derive(Events)]`), `Arc<E>`, `Envelope<E>` or `RawEvent`"
)]
pub trait Input: Sized + Send + 'static {
    /// Which events it takes.
    const ACCEPTS: Accepts;

    /// Makes it of a record.
    ///
    /// # Errors
    /// When the record does not fit; such a record is rejected to the dead letters, or holds its key when
    /// its version is newer.
    fn decode(record: &Recorded) -> Result<Self, DecodeError>;
}

impl<E: Portable> Input for E {
    const ACCEPTS: Accepts = Accepts::Types(const { &[Descriptor::of::<E>()] });

    fn decode(record: &Recorded) -> Result<Self, DecodeError> {
        let (message, metadata) = (&record.message, &record.message.metadata);
        if &*metadata.event_type != E::TYPE {
            return Err(DecodeError::Unexpected { event_type: metadata.event_type.to_string() });
        }
        if metadata.type_version > E::VERSION {
            return Err(DecodeError::Newer {
                event_type: metadata.event_type.to_string(),
                found: metadata.type_version,
                known: E::VERSION,
            });
        }
        codec::decode(E::TYPE, metadata.content_type.as_deref(), &message.payload)
    }
}

impl<E: Portable> Input for Arc<E> {
    const ACCEPTS: Accepts = <E as Input>::ACCEPTS;

    fn decode(record: &Recorded) -> Result<Self, DecodeError> {
        E::decode(record).map(Self::new)
    }
}

impl<E: Input> Input for Envelope<E> {
    const ACCEPTS: Accepts = E::ACCEPTS;

    fn decode(record: &Recorded) -> Result<Self, DecodeError> {
        let message = &record.message;
        Ok(Self::new(E::decode(record)?, message.metadata.clone(), message.topic.clone(), Some(record.place)))
    }
}

impl Input for RawEvent {
    const ACCEPTS: Accepts = Accepts::Any;

    fn decode(record: &Recorded) -> Result<Self, DecodeError> {
        Ok(Self::from_recorded(record))
    }
}
