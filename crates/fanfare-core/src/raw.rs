//! An event whose type is known only at run time, or that has no data: received and published.

use bytes::Bytes;
use bytestring::ByteString;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    DecodeError, Descriptor, EncodeError, Event, EventId, InvalidName, JSON, Metadata, Place, Topic, codec,
    default_topic, payload::Payload,
};

/// An event of any type: its type's name, metadata and encoded payload.
///
/// As a handler's argument it takes every type that the handler's filter lets through. Published, its topic is
/// that of the registered type or else the default one, its key is read from the payload where the
/// registered type has a key field.
#[derive(Clone, Debug, PartialEq)]
pub struct RawEvent {
    event_type: ByteString,
    topic: Option<Topic>,
    key: Option<ByteString>,
    payload: Payload,
    content_type: Option<ByteString>,
    metadata: Option<Box<Metadata>>,
    place: Option<Place>,
}

impl RawEvent {
    /// An event without data.
    pub fn empty(event_type: impl Into<ByteString>) -> Self {
        Self {
            event_type: event_type.into(),
            topic: None,
            key: None,
            payload: Payload::default(),
            content_type: None,
            metadata: None,
            place: None,
        }
    }

    /// An event with a JSON payload.
    ///
    /// # Panics
    /// Never for `serde_json::Value`; see [`RawEvent::try_json`] for values whose encoding can fail.
    pub fn json(event_type: impl Into<ByteString>, payload: serde_json::Value) -> Self {
        Self { payload: Bytes::from(payload.to_string()).into(), ..Self::empty(event_type) }
    }

    /// An event whose payload is the JSON form of `payload`.
    ///
    /// # Errors
    /// When it does not encode.
    pub fn try_json(
        event_type: impl Into<ByteString>,
        payload: &impl Serialize,
    ) -> Result<Self, EncodeError> {
        Ok(Self { payload: codec::encode("a raw event", payload)?.into(), ..Self::empty(event_type) })
    }

    /// An event with a payload in any encoding.
    pub fn bytes(
        event_type: impl Into<ByteString>,
        content_type: impl Into<ByteString>,
        payload: impl Into<Bytes>,
    ) -> Self {
        Self {
            payload: payload.into().into(),
            content_type: Some(content_type.into()),
            ..Self::empty(event_type)
        }
    }

    /// Puts it on another topic than the type's.
    #[must_use]
    pub fn on_topic(mut self, topic: Topic) -> Self {
        self.topic = Some(topic);
        self
    }

    /// Gives it a key, instead of the payload's key field.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<ByteString>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The event type.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// The partition key.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The topic: as set or received; `None` when it follows from the type at publish.
    pub fn topic(&self) -> Option<&Topic> {
        self.topic.as_ref()
    }

    /// The metadata of a received event; `None` before it is published.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_deref()
    }

    /// The id of a received event.
    pub fn id(&self) -> Option<&EventId> {
        self.metadata().map(|metadata| &metadata.id)
    }

    /// Where a received event stands.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The encoded payload; empty when there is no data. That of an event that was emitted in process is made when it is
    /// first asked for, and is empty when it does not encode, see [`RawEvent::try_payload`].
    pub fn payload(&self) -> &Bytes {
        static EMPTY: Bytes = Bytes::new();
        self.try_payload().unwrap_or(&EMPTY)
    }

    /// The encoded payload.
    ///
    /// # Errors
    /// When the event, emitted in process, does not encode.
    pub fn try_payload(&self) -> Result<&Bytes, &EncodeError> {
        self.payload.get()
    }

    /// Whether it was emitted in process and is of a type that never leaves it, `#[event(local)]`: it has no payload.
    pub fn is_local(&self) -> bool {
        self.payload.is_local()
    }

    /// The payload's content type; JSON when the producer named none.
    pub fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or(JSON)
    }

    /// Decodes the payload as JSON.
    ///
    /// # Errors
    /// When it is not JSON or does not fit `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        let payload = self.try_payload().map_err(|error| DecodeError::Payload {
            event_type: self.event_type.to_string(),
            reason: error.to_string(),
        })?;
        codec::decode(&self.event_type, self.content_type.as_deref(), payload)
    }

    /// The event of a type known at compile time; `None` for one that never leaves its process.
    #[doc(hidden)]
    pub fn to_event<E: Event>(&self) -> Option<Result<E, DecodeError>> {
        match self.metadata() {
            Some(metadata) if metadata.type_version > E::VERSION => Some(Err(DecodeError::Newer {
                event_type: self.event_type.to_string(),
                found: metadata.type_version,
                known: E::VERSION,
            })),
            _ => E::from_raw(self),
        }
    }

    /// Where it goes and with what key, given the registered type of its name, if there is one.
    ///
    /// # Errors
    /// When the type's key field is missing from the payload, or the type's name is no valid topic; the text says
    /// what to do.
    pub fn route(&self, registered: Option<&Descriptor>) -> Result<(Topic, Option<ByteString>), String> {
        let topic = match (&self.topic, registered) {
            (Some(topic), _) => topic.clone(),
            (None, Some(descriptor)) => Topic::from_static(descriptor.topic),
            (None, None) => self.default_topic().map_err(|error| error.to_string())?,
        };
        let key = match (&self.key, registered.and_then(|descriptor| descriptor.key_field)) {
            (Some(key), _) => Some(key.clone()),
            (None, None) => None,
            (None, Some(field)) => Some(self.key_in_payload(field)?),
        };
        Ok((topic, key))
    }

    fn default_topic(&self) -> Result<Topic, InvalidName> {
        match self.event_type.rsplit_once('.') {
            Some((topic, _)) => Topic::new(topic),
            None => Topic::new(self.event_type.clone()),
        }
    }

    fn key_in_payload(&self, field: &str) -> Result<ByteString, String> {
        let missing = |why: &str| {
            format!(
                "`{}` is keyed by `{field}`, which {why}; put it into the payload or call .with_key(..)",
                self.event_type
            )
        };
        let payload: serde_json::Value =
            self.decode().map_err(|error| missing(&format!("cannot be read: {error}")))?;
        match payload.get(field) {
            Some(serde_json::Value::String(text)) => Ok(text.as_str().into()),
            Some(value @ (serde_json::Value::Number(_) | serde_json::Value::Bool(_))) => {
                Ok(value.to_string().into())
            }
            Some(_) => Err(missing("is neither a text nor a number there")),
            None => Err(missing("is not in the payload")),
        }
    }

    /// The received form of a message.
    pub fn from_recorded(record: &crate::Recorded) -> Self {
        let message = &record.message;
        Self {
            event_type: message.metadata.event_type.clone(),
            topic: Some(message.topic.clone()),
            key: message.metadata.key.clone(),
            payload: message.payload.clone().into(),
            content_type: message.metadata.content_type.clone(),
            metadata: Some(Box::new(message.metadata.clone())),
            place: Some(record.place),
        }
    }

    /// The received form of an event that was emitted in process.
    #[must_use]
    pub(crate) fn emitted_as(self, metadata: Metadata, topic: Topic) -> Self {
        Self { key: metadata.key.clone(), topic: Some(topic), metadata: Some(Box::new(metadata)), ..self }
    }

    /// An event that was emitted in process, with its payload.
    pub(crate) fn emitted(metadata: Metadata, topic: Topic, payload: Payload) -> Self {
        Self { payload, topic: Some(topic), ..Self::local(metadata) }
    }

    /// An event that was emitted in process: type and metadata, no payload.
    pub fn local(metadata: Metadata) -> Self {
        Self {
            event_type: metadata.event_type.clone(),
            topic: None,
            key: metadata.key.clone(),
            payload: Payload::default(),
            content_type: metadata.content_type.clone(),
            metadata: Some(Box::new(metadata)),
            place: None,
        }
    }
}

/// The default topic of a type that is known at compile time is the same.
const _: () = assert!(default_topic("a.b").len() == 1);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::RawEvent;
    use crate::Descriptor;

    const PLACED: Descriptor =
        Descriptor { event_type: "order.placed", version: 1, topic: "orders", key_field: Some("order_id") };

    #[test]
    fn a_registered_type_gives_topic_and_key() {
        let event = RawEvent::json("order.placed", json!({ "order_id": 7 }));
        let (topic, key) = event.route(Some(&PLACED)).unwrap();
        assert_eq!((topic.as_str(), key.as_deref()), ("orders", Some("7")));
    }

    #[test]
    fn a_missing_key_field_is_an_error_that_names_it() {
        let error = RawEvent::json("order.placed", json!({})).route(Some(&PLACED)).unwrap_err();
        assert!(error.contains("`order_id`") && error.contains("with_key"), "{error}");
    }

    #[test]
    fn an_unregistered_type_goes_to_its_default_topic_without_a_key() {
        let (topic, key) = RawEvent::empty("sensor.reading").route(None).unwrap();
        assert_eq!((topic.as_str(), key), ("sensor", None));
    }
}
