//! Payload encoding. JSON is what every language reads; other codecs join by content type.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// The content type of JSON payloads.
pub const JSON: &str = "application/json";

/// A payload that could not be encoded.
#[derive(Debug, thiserror::Error)]
#[error("failed to encode the payload of `{event_type}`: {source}")]
pub struct EncodeError {
    /// The event type.
    pub event_type: &'static str,
    /// What serde said.
    #[source]
    pub source: serde_json::Error,
}

/// A message that could not be decoded into the event that a handler takes. It is rejected, not retried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The payload does not fit the type.
    #[error("failed to decode the payload of `{event_type}`: {reason}")]
    Payload {
        /// The event type of the message.
        event_type: String,
        /// What serde said.
        reason: String,
    },
    /// The message's version is newer than this build's: its key is held until a build that knows it starts.
    #[error(
        "`{event_type}` has version {found}, this build knows {known}; deploy the newer build to go on with its key"
    )]
    Newer {
        /// The event type of the message.
        event_type: String,
        /// The version of the message.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The handler does not take this type.
    #[error("the handler does not take events of type `{event_type}`")]
    Unexpected {
        /// The event type of the message.
        event_type: String,
    },
    /// The content type is not one that this build decodes.
    #[error(
        "failed to decode `{event_type}`: content type `{content_type}` is not supported; publish it as application/json or take a RawEvent"
    )]
    ContentType {
        /// The event type of the message.
        event_type: String,
        /// The content type of the message.
        content_type: String,
    },
}

/// Encodes a payload as JSON.
///
/// # Errors
/// What serde says.
pub(crate) fn encode<E: Serialize>(event_type: &'static str, event: &E) -> Result<Bytes, EncodeError> {
    serde_json::to_vec(event).map(Bytes::from).map_err(|source| EncodeError { event_type, source })
}

pub(crate) fn decode<E: DeserializeOwned>(
    event_type: &str,
    content_type: Option<&str>,
    payload: &[u8],
) -> Result<E, DecodeError> {
    if let Some(content_type) = content_type.filter(|content_type| !is_json(content_type)) {
        return Err(DecodeError::ContentType {
            event_type: event_type.to_owned(),
            content_type: content_type.to_owned(),
        });
    }
    // An event without data is JSON's null, so that unit structs and options decode from it.
    let payload = if payload.is_empty() { b"null" } else { payload };
    serde_json::from_slice(payload).map_err(|error| DecodeError::Payload {
        event_type: event_type.to_owned(),
        reason: error.to_string(),
    })
}

/// Whether a content type is JSON: `application/json`, `text/json` or any `+json` suffix (RFC 6839).
pub(crate) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence == JSON
        || essence.eq_ignore_ascii_case("text/json")
        || essence.ends_with("+json")
        || essence.ends_with("/json")
}
