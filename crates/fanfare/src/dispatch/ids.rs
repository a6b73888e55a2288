//! Ids and times of events that stay in the process.
#![allow(
    clippy::disallowed_methods,
    reason = "the dispatcher's own driver: it works without an application and its clock"
)]

use bytestring::ByteString;
use fanfare_core::EventId;
use jiff::Timestamp;

/// The source of events that are emitted in process.
pub(crate) const SOURCE: ByteString = ByteString::from_static("local");

pub(crate) fn event_id() -> EventId {
    EventId::Uuid(uuid::Uuid::now_v7())
}

pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A number for jitter.
pub(crate) fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1.rotate_left(32)
}
