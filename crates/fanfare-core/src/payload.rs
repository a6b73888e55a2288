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
    /// None: of an event that never leaves its process.
    Local,
    /// Shared by clones, so that it is encoded once.
    Event(Arc<Pending>),
}

/// An event that was emitted in process.
pub(crate) struct Pending {
    event: Arc<dyn Any + Send + Sync>,
    encode: Encode,
    /// `None` inside for an event that never leaves its process.
    encoded: OnceLock<Option<Result<Bytes, EncodeError>>>,
}

impl Payload {
    pub(crate) fn of_event(event: Arc<dyn Any + Send + Sync>, encode: Encode) -> Self {
        Self::Event(Arc::new(Pending { event, encode, encoded: OnceLock::new() }))
    }

    pub(crate) fn get(&self) -> Result<&Bytes, &EncodeError> {
        static NONE: Bytes = Bytes::new();
        match self {
            Self::Encoded(payload) => Ok(payload),
            Self::Local => Ok(&NONE),
            Self::Event(pending) => pending.encoded().map_or(Ok(&NONE), Result::as_ref),
        }
    }

    /// Whether it is that of an event that never leaves its process.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Encoded(_) => false,
            Self::Local => true,
            Self::Event(pending) => pending.encoded().is_none(),
        }
    }
}

impl Pending {
    fn encoded(&self) -> Option<&Result<Bytes, EncodeError>> {
        self.encoded.get_or_init(|| (self.encode)(&*self.event)).as_ref()
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
