//! Event ids: UUID v7 for those we make, any text for those of others.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use uuid::Uuid;

use crate::Random;

/// The id of an event, unique within its source (CloudEvents 1.0, `id`).
///
/// Ours are UUID v7 (RFC 9562); another producer's may be any text. A text that is a UUID in its canonical
/// lower-case form is kept as one, so that both compare equal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventId {
    /// A UUID.
    Uuid(Uuid),
    /// Another producer's id.
    Text(Box<str>),
}

impl EventId {
    /// A new UUID v7 from the given time and randomness. Its 12 bits behind the milliseconds are the fraction of the
    /// millisecond (RFC 9562, section 6.2, method 3), the other 62 are random.
    pub fn new_v7(now: Timestamp, random: &dyn Random) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let nanos = now.subsec_nanosecond().unsigned_abs() % 1_000_000;
        let fraction = (u64::from(nanos) * 4096 / 1_000_000) as u16;
        let mut bytes = [0u8; 10];
        let (head, tail) = bytes.split_at_mut(2);
        head.copy_from_slice(&fraction.to_be_bytes());
        tail.copy_from_slice(&random.next_u64().to_le_bytes());
        Self::Uuid(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
    }

    /// An id derived from `parts` (UUID v5): the same parts give the same id.
    pub fn derived(parts: &[&[u8]]) -> Self {
        let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            name.extend_from_slice(&(part.len() as u64).to_le_bytes());
            name.extend_from_slice(part);
        }
        Self::Uuid(Uuid::new_v5(&Uuid::NAMESPACE_OID, &name))
    }

    /// The UUID, if it is one.
    pub fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(uuid) => Some(*uuid),
            Self::Text(_) => None,
        }
    }
}

impl From<Uuid> for EventId {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<&str> for EventId {
    fn from(text: &str) -> Self {
        match Uuid::from_str(text) {
            Ok(uuid) if text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Self::Uuid(uuid)
            }
            _ => Self::Text(text.into()),
        }
    }
}

impl From<String> for EventId {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::EventId;

    #[test]
    fn a_canonical_uuid_in_text_is_a_uuid_and_prints_unchanged() {
        let text = "018f4e9c-0000-7000-8000-000000000000";
        assert!(EventId::from(text).as_uuid().is_some());
        assert_eq!(EventId::from(text).to_string(), text);
        let upper = text.to_uppercase();
        assert_eq!(EventId::from(upper.as_str()).to_string(), upper);
    }

    #[test]
    fn new_ids_of_one_millisecond_sort_by_time() {
        #[derive(Debug)]
        struct Falling(std::sync::atomic::AtomicU64);
        impl crate::Random for Falling {
            fn next_u64(&self) -> u64 {
                self.0.fetch_sub(1 << 40, std::sync::atomic::Ordering::Relaxed)
            }
        }
        let random = Falling(u64::MAX.into());
        let at = |nanos| EventId::new_v7(jiff::Timestamp::new(1_700_000_000, nanos).unwrap(), &random);
        let ids: Vec<EventId> = [0, 1_000, 500_000, 999_999, 1_000_000].into_iter().map(at).collect();
        assert!(
            ids.is_sorted() && ids.iter().all(|id| id.as_uuid().unwrap().get_version_num() == 7),
            "{ids:?}"
        );
    }

    #[test]
    fn derived_ids_differ_when_parts_are_cut_elsewhere() {
        assert_ne!(EventId::derived(&[b"ab", b"c"]), EventId::derived(&[b"a", b"bc"]));
    }
}
