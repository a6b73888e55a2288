//! The event record.
//!
//! ```text
//! version u8 | flags u8 | position | offset | revision | recorded at i64 | class | message
//! ```

use bytes::Bytes;
use bytestring::ByteString;
use fanfare_core::{Epoch, Message, Place, Recorded, Timestamp, Topic};

use super::{
    decode_message, encode_message,
    message::{MessagePeek, peek_message},
    wire::{Malformed, Wire, put_micros, put_var},
};

/// The event is an output or was due by schedule: the window of repeats does not see it.
const BYPASSES_WINDOW: u8 = 1;

/// What the state and the look-up index want to know of an event record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EventPeek<'a> {
    pub(crate) position: u64,
    pub(crate) offset: u64,
    pub(crate) revision: u64,
    pub(crate) recorded_at: Timestamp,
    pub(crate) class: u32,
    pub(crate) bypasses_window: bool,
    pub(crate) message: MessagePeek<'a>,
}

pub(crate) fn encode_event(
    out: &mut Vec<u8>,
    place: &Place,
    class: u32,
    bypasses_window: bool,
    message: &Message,
) {
    out.extend_from_slice(&[1, if bypasses_window { BYPASSES_WINDOW } else { 0 }]);
    put_var(out, place.position);
    put_var(out, place.offset);
    put_var(out, place.revision);
    put_micros(out, place.recorded_at);
    put_var(out, u64::from(class));
    encode_message(out, &message.metadata, &message.payload);
}

/// Decodes an event; `class` says what a class number stands for.
pub(crate) fn decode_event(
    body: &Bytes,
    epoch: Epoch,
    class_of: impl FnOnce(u32) -> Option<(Topic, ByteString, u32)>,
) -> Result<Recorded, Malformed> {
    let mut wire = Wire::new(body);
    wire.version()?;
    wire.u8()?;
    let (position, offset, revision) = (wire.var()?, wire.var()?, wire.var()?);
    let recorded_at = wire.micros()?;
    let (topic, event_type, type_version) =
        class_of(wire.var32()?).ok_or(Malformed("its class was never defined"))?;
    let (metadata, payload) = decode_message(body, wire.rest(), event_type, type_version)?;
    let place = Place::new(epoch, position, offset, revision, recorded_at);
    Ok(Recorded::new(Message::new(topic, metadata, payload), place))
}

/// Reads what an event is known by, without its payload and most of its attributes.
pub(crate) fn peek_event(body: &[u8]) -> Result<EventPeek<'_>, Malformed> {
    let mut wire = Wire::new(body);
    wire.version()?;
    let flags = wire.u8()?;
    Ok(EventPeek {
        position: wire.var()?,
        offset: wire.var()?,
        revision: wire.var()?,
        recorded_at: wire.micros()?,
        class: wire.var32()?,
        bypasses_window: flags & BYPASSES_WINDOW != 0,
        message: peek_message(wire.rest())?,
    })
}
