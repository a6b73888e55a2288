//! Ids and times of events that stay in the process.
#![allow(
    clippy::disallowed_methods,
    reason = "the dispatcher's own driver: it works without an application and its clock"
)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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

/// The number of a subscription, one higher each time: over all dispatchers, since they may share a middleware, and a chain
/// of emits may go through several.
pub(crate) fn subscription() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Relaxed) + 1
}

/// The number of a dispatcher, from 1.
pub(crate) fn dispatcher() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Relaxed) + 1
}

/// A number for jitter.
pub(crate) fn random() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().1.rotate_left(32)
}
