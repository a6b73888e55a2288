//! What the derives write, and the words they refuse with.

extern crate fanfare_core as fanfare;

mod derived;
mod mistakes;

use fanfare_core::{EventId, Message, Metadata, Place, Recorded, Timestamp, Topic};

/// A record of this type and payload, as a log would hold it.
fn recorded(event_type: &'static str, payload: &impl serde::Serialize) -> Recorded {
    let metadata = Metadata::new(EventId::derived(&[b"a test"]), "test", event_type);
    let message = Message::new(
        Topic::from_static("order"),
        metadata,
        serde_json::to_vec(payload).expect("a test's payload encodes").into(),
    );
    Recorded::new(message, Place::new(fanfare_core::Epoch(1), 0, 0, 1, Timestamp::UNIX_EPOCH))
}
