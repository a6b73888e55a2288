//! What the derives write calls these, so that a user's crate needs `fanfare` alone. No API: it may change at any time.

use std::fmt::Display;

pub use bytes::Bytes;
pub use bytestring::ByteString;

pub use crate::{
    Accepts, DecodeError, Descriptor, EncodeError, Event, Events, Hear, HearVisitor, Input, Portable,
    RawEvent, Recorded, Variant,
};

/// Encodes an event's payload. Asks for `Portable`, so that a missing serde derive is reported once, where
/// `Portable` is implemented.
///
/// # Errors
/// What serde says.
pub fn encode<E: Portable>(event: &E) -> Result<Bytes, EncodeError> {
    crate::codec::encode(E::TYPE, event)
}

/// Decodes an event's payload; asks for `Portable` for the same reason.
///
/// # Errors
/// When the payload does not fit the type.
pub fn decode<E: Portable>(raw: &RawEvent) -> Result<E, DecodeError> {
    raw.decode()
}

/// What may be an event's key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of an event",
    label = "a key is text",
    note = "a key is a `String`, a number, a `Uuid`, or of any other type that implements `Display`"
)]
pub trait Key {
    /// The key's text.
    fn to_key(&self) -> ByteString;
}

impl<T: Display + ?Sized> Key for T {
    fn to_key(&self) -> ByteString {
        self.to_string().into()
    }
}

/// The partition key that a field gives.
pub fn key<K: Key + ?Sized>(field: &K) -> ByteString {
    field.to_key()
}

/// Whether a record holds the event that a variant takes.
pub fn is(descriptor: Descriptor, record: &Recorded) -> bool {
    *record.message.metadata.event_type == *descriptor.event_type
}

/// The answer to a record of none of an enum's types.
pub fn unexpected(record: &Recorded) -> DecodeError {
    DecodeError::Unexpected { event_type: record.message.metadata.event_type.to_string() }
}

/// Whether two variants' events are kept on one topic.
pub const fn same_topic(a: Descriptor, b: Descriptor) -> bool {
    same(a.topic.as_bytes(), b.topic.as_bytes())
}

/// Whether two variants' events share one type, which then cannot tell them apart.
pub const fn same_type(a: Descriptor, b: Descriptor) -> bool {
    same(a.event_type.as_bytes(), b.event_type.as_bytes())
}

const fn same(mut a: &[u8], mut b: &[u8]) -> bool {
    while let ([x, rest_of_a @ ..], [y, rest_of_b @ ..]) = (a, b) {
        if *x != *y {
            return false;
        }
        (a, b) = (rest_of_a, rest_of_b);
    }
    a.is_empty() && b.is_empty()
}

/// Clones the event, where its type is `Clone`: the inherent method is preferred, and there is none otherwise.
#[derive(Debug)]
pub struct CloneOf<'a, E>(pub &'a E);

impl<E: Clone> CloneOf<'_, E> {
    /// A clone.
    pub fn get(&self) -> Option<E> {
        Some(self.0.clone())
    }
}

/// Stands in where the type is not `Clone`.
pub trait NotClone<E> {
    /// None.
    fn get(&self) -> Option<E> {
        None
    }
}

impl<E> NotClone<E> for CloneOf<'_, E> {}
