//! What makes a publish a repeat of another one.

use fanfare_core::{EventId, Message};

use super::hash::Hasher;

/// What the window of repeats keeps of a publish: the hash of topic and key, and of the idempotency key or else
/// source and id; then, where there is an idempotency key, that of type and payload, else 0.
pub(crate) type Identity = (u128, u64);

/// The identity of a message in the store with this seed.
pub(crate) fn identity(seed: [u64; 2], message: &Message) -> Identity {
    let metadata = &message.metadata;
    let (topic, key) = (message.topic.as_str(), metadata.key.as_deref());
    let Some(idempotency_key) = metadata.idempotency_key() else {
        return identity_by_id(seed, topic, key, metadata.source.as_bytes(), &metadata.id);
    };
    let content = Hasher::new(seed).bytes(metadata.event_type.as_bytes()).bytes(&message.payload).finish();
    let place = of_place(seed, topic, key).number(2);
    (place.bytes(idempotency_key.as_bytes()).finish_wide(), content)
}

/// That of a message without an idempotency key.
pub(super) fn identity_by_id(
    seed: [u64; 2],
    topic: &str,
    key: Option<&str>,
    source: &[u8],
    id: &EventId,
) -> Identity {
    let hasher = of_place(seed, topic, key).number(3).bytes(source);
    let hasher = match id {
        EventId::Uuid(uuid) => hasher.bytes(uuid.as_bytes()),
        EventId::Text(text) => hasher.number(4).bytes(text.as_bytes()),
    };
    (hasher.finish_wide(), 0)
}

fn of_place(seed: [u64; 2], topic: &str, key: Option<&str>) -> Hasher {
    let hasher = Hasher::new(seed).bytes(topic.as_bytes());
    match key {
        Some(key) => hasher.bytes(key.as_bytes()),
        None => hasher.number(1),
    }
}
