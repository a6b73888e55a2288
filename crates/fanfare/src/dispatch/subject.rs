//! What an emit is about: an event of a type known at compile time, or one known by its name.

use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use bytestring::ByteString;
use fanfare_core::{DecodeError, Descriptor, EncodeError, Event, Heard, Metadata, RawEvent, Topic};

/// An event that is being emitted.
pub(crate) trait Subject: AnySubject + Sized {
    /// The type's name while the cause of an emit is not known.
    const STATIC_TYPE: &'static str;
}

/// An event that may be kept.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;
pub(crate) type Own<'a> = dyn Fn() -> Option<Shared> + 'a;

/// The same, when it does not matter which.
pub(crate) trait AnySubject: Send + Sync + 'static {
    fn event_type(&self) -> ByteString;
    fn version(&self) -> u32;
    fn key(&self) -> Option<ByteString>;
    fn topic(&self) -> Topic;
    /// The attributes that it came with, if it did.
    fn metadata(&self) -> Option<&Metadata>;
    /// As those see it that take many types; `own` gives them the event to keep.
    fn heard<'a>(&'a self, metadata: &'a Metadata, topic: &'a Topic, own: &'a Own<'a>) -> Heard<'a>;
    /// A clone for those that want to keep it, and its payload.
    fn kept(&self) -> Option<Shared>;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<E: Event> Subject for E {
    const STATIC_TYPE: &'static str = E::TYPE;
}

impl<E: Event> AnySubject for E {
    fn event_type(&self) -> ByteString {
        ByteString::from_static(E::TYPE)
    }

    fn version(&self) -> u32 {
        E::VERSION
    }

    fn key(&self) -> Option<ByteString> {
        Event::key(self)
    }

    fn topic(&self) -> Topic {
        Topic::from_static(E::TOPIC)
    }

    fn metadata(&self) -> Option<&Metadata> {
        None
    }

    fn heard<'a>(&'a self, metadata: &'a Metadata, topic: &'a Topic, own: &'a Own<'a>) -> Heard<'a> {
        let encode =
            |event: &(dyn Any + Send + Sync)| event.downcast_ref::<E>().and_then(Event::encode_payload);
        Heard { metadata, topic, event: self, own, encode }
    }

    fn kept(&self) -> Option<Shared> {
        let clone = if E::PORTABLE { self.clone_event() } else { None };
        clone.map(|event| Arc::new(event) as Shared)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Either of them, as one.
pub(crate) trait Emitted: Send + Sync + 'static {
    fn as_any(&self) -> &dyn AnySubject;
    /// The event to look at, where its type is known.
    fn into_any(self: Arc<Self>) -> Option<Arc<dyn Any + Send + Sync>>;
}

impl<S: Subject> Emitted for S {
    fn as_any(&self) -> &dyn AnySubject {
        self
    }

    fn into_any(self: Arc<Self>) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(self)
    }
}

impl Emitted for dyn AnySubject {
    fn as_any(&self) -> &dyn AnySubject {
        self
    }

    fn into_any(self: Arc<Self>) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(AnySubject::into_any(self))
    }
}

/// An event whose type nobody named at compile time.
pub(crate) enum Named {
    Raw(Box<RawSubject>),
    /// A returned event of a type that this dispatcher has not met.
    Output {
        descriptor: Descriptor,
        key: Option<ByteString>,
        event: Box<dyn Any + Send + Sync>,
        encode: fn(&(dyn Any + Send + Sync)) -> Option<Result<Bytes, EncodeError>>,
    },
}

/// A raw event with where it belongs.
pub(crate) struct RawSubject {
    raw: RawEvent,
    topic: Topic,
    key: Option<ByteString>,
    version: u32,
    /// The event of a type known when compiling, once a handler of that type has asked for it.
    decoded: OnceLock<Shared>,
}

impl Named {
    /// A raw event; topic, version and key follow from the type of its name where the dispatcher knows it.
    pub(crate) fn raw(raw: RawEvent, known: Option<Descriptor>) -> Self {
        let (topic, key) = match raw.route(known.as_ref()).or_else(|_| raw.route(None)) {
            Ok(route) => route,
            Err(_) => (Topic::from_static("unnamed"), raw.key().map(Into::into)),
        };
        let known = known.map_or(1, |known| known.version);
        let version = raw.metadata().map_or(known, |metadata| metadata.type_version);
        Self::Raw(Box::new(RawSubject { raw, topic, key, version, decoded: OnceLock::new() }))
    }

    /// The event as a handler of its type takes it.
    pub(crate) fn decoded<E: Event>(&self) -> Result<Arc<E>, DecodeError> {
        let misfit = || DecodeError::Unexpected { event_type: self.event_type().to_string() };
        let Self::Raw(subject) = self else { return Err(misfit()) };
        if let Some(decoded) = subject.decoded.get().and_then(|event| event.clone().downcast::<E>().ok()) {
            return Ok(decoded);
        }
        let event = Arc::new(subject.raw.to_event::<E>().unwrap_or_else(|| Err(misfit()))?);
        let _ = subject.decoded.set(event.clone());
        Ok(event)
    }
}

impl Subject for Named {
    const STATIC_TYPE: &'static str = "";
}

impl AnySubject for Named {
    fn event_type(&self) -> ByteString {
        match self {
            Self::Raw(subject) => subject.raw.event_type().into(),
            Self::Output { descriptor, .. } => ByteString::from_static(descriptor.event_type),
        }
    }

    fn version(&self) -> u32 {
        match self {
            Self::Raw(subject) => subject.version,
            Self::Output { descriptor, .. } => descriptor.version,
        }
    }

    fn key(&self) -> Option<ByteString> {
        match self {
            Self::Raw(subject) => subject.key.clone(),
            Self::Output { key, .. } => key.clone(),
        }
    }

    fn topic(&self) -> Topic {
        match self {
            Self::Raw(subject) => subject.topic.clone(),
            Self::Output { descriptor, .. } => Topic::from_static(descriptor.topic),
        }
    }

    fn metadata(&self) -> Option<&Metadata> {
        match self {
            Self::Raw(subject) => subject.raw.metadata(),
            Self::Output { .. } => None,
        }
    }

    fn heard<'a>(&'a self, metadata: &'a Metadata, topic: &'a Topic, _: &'a Own<'a>) -> Heard<'a> {
        let own = &|| None;
        match self {
            Self::Raw(subject) => Heard { metadata, topic, event: &subject.raw, own, encode: |_| None },
            Self::Output { event, encode, .. } => {
                Heard { metadata, topic, event: &**event, own, encode: *encode }
            }
        }
    }

    fn kept(&self) -> Option<Shared> {
        None
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
