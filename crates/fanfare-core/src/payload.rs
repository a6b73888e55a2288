//! The payload of a raw event: bytes, or an event that is encoded when somebody asks.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;

use crate::EncodeError;

/// Encodes an event; `None` for one that never leaves its process.
pub(crate) type Encode = fn(&(dyn Any + Send + Sync)) -> Option<Result<Bytes, EncodeError>>;

/// Encoded, or not yet.
#[derive(Clone)]
pub(crate) enum Payload {
    Encoded(Bytes),
    /// Shared by clones, so that it is encoded once.
    Event(Arc<Pending>),
}

/// An event that was emitted in process.
pub(crate) struct Pending {
    event: Arc<dyn Any + Send + Sync>,
    encode: Encode,
    encoded: OnceLock<Result<Bytes, EncodeError>>,
}

impl Payload {
    pub(crate) fn of_event(event: Arc<dyn Any + Send + Sync>, encode: Encode) -> Self {
        Self::Event(Arc::new(Pending { event, encode, encoded: OnceLock::new() }))
    }

    pub(crate) fn get(&self) -> Result<&Bytes, &EncodeError> {
        match self {
            Self::Encoded(payload) => Ok(payload),
            Self::Event(pending) => {
                let encode = || (pending.encode)(&*pending.event).unwrap_or_else(|| Ok(Bytes::new()));
                pending.encoded.get_or_init(encode).as_ref()
            }
        }
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::Encoded(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(payload: Bytes) -> Self {
        Self::Encoded(payload)
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.get(), other.get()), (Ok(this), Ok(other)) if this == other)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Ok(payload) => payload.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}
