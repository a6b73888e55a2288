//! What an event is: a type with a name, a version, a topic and perhaps a key.
//! Serde is no part of it: [`Portable`] adds that for events that leave the process.

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Serialize, de::DeserializeOwned};

use crate::{DecodeError, EncodeError, RawEvent};

/// A fact, named in the past tense. Derive it with `#[derive(Event)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "derive it: `#[derive(Event)] #[event(type = \"order.placed\")]`"
)]
pub trait Event: Send + Sync + 'static {
    /// The event type, dotted and lower case: `order.placed`.
    const TYPE: &'static str;
    /// Version of the type's shape, from 1.
    const VERSION: u32 = 1;
    /// Where the event is kept and with what it is ordered; all but the last segment of the type by default.
    const TOPIC: &'static str = default_topic(Self::TYPE);
    /// The payload field that holds the key, as it is named in the encoded payload.
    const KEY_FIELD: Option<&'static str> = None;
    /// Whether the event may leave the process: false for `#[event(local)]`.
    const PORTABLE: bool = false;

    /// The partition key: which thing the event is about. `None`: unordered.
    fn key(&self) -> Option<ByteString> {
        None
    }

    /// A clone, where the event is `Clone`: for a dispatcher's async handlers.
    #[doc(hidden)]
    fn clone_event(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }

    /// Makes the event of its encoded form; `None` for one that never leaves its process.
    #[doc(hidden)]
    fn from_raw(_: &RawEvent) -> Option<Result<Self, DecodeError>>
    where
        Self: Sized,
    {
        None
    }

    /// Encodes the payload; `None` for an event that never leaves its process.
    #[doc(hidden)]
    fn encode_payload(&self) -> Option<Result<Bytes, EncodeError>> {
        None
    }
}

/// An event that may leave the process: encoded with serde. `#[derive(Event)]` implements it unless the
/// event is `#[event(local)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot leave the process",
    label = "not a portable event",
    note = "derive `Serialize` and `Deserialize` beside `Event`, and leave `#[event(local)]` off"
)]
pub trait Portable: Event + Serialize + DeserializeOwned {}

/// An enum of events of one topic, whose variants keep their order in one handler. Derive it with
/// `#[derive(Events)]`.
///
/// The derive also implements [`crate::Hear`] and, where no event is local, [`crate::Input`].
pub trait Events: Sized + Send + 'static {
    /// The variants' events, in the order of the enum.
    const DESCRIPTORS: &'static [Descriptor];
}

/// What is known of an event type at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Descriptor {
    /// The event type.
    pub event_type: &'static str,
    /// The version that this build knows.
    pub version: u32,
    /// The topic that holds it.
    pub topic: &'static str,
    /// The payload field that holds the key.
    pub key_field: Option<&'static str>,
}

impl Descriptor {
    /// The descriptor of `E`.
    pub const fn of<E: Event>() -> Self {
        Self { event_type: E::TYPE, version: E::VERSION, topic: E::TOPIC, key_field: E::KEY_FIELD }
    }
}

/// The default topic of a type: `billing.invoice.paid` lives on `billing.invoice`, a type without a dot on
/// a topic of its own name.
pub const fn default_topic(event_type: &'static str) -> &'static str {
    let bytes = event_type.as_bytes();
    let mut at = bytes.len();
    while at > 0 {
        at -= 1;
        #[allow(clippy::indexing_slicing, reason = "const fn; at < len by the loop")]
        if bytes[at] == b'.' {
            return event_type.split_at(at).0;
        }
    }
    event_type
}

#[cfg(test)]
mod tests {
    use super::default_topic;

    #[test]
    fn the_default_topic_is_all_but_the_last_segment() {
        assert_eq!(default_topic("billing.invoice.paid"), "billing.invoice");
        assert_eq!(default_topic("tick"), "tick");
    }
}
