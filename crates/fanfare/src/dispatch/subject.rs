//! What an emit is about: an event of a type known at compile time, or one known by its name.

use std::{any::Any, sync::Arc};

use bytes::Bytes;
use bytestring::ByteString;
use fanfare_core::{Descriptor, EncodeError, Event, Heard, Metadata, RawEvent, Topic};

/// An event that is being emitted.
pub(crate) trait Subject: AnySubject + Sized {
    /// The type's name while the cause of an emit is not known.
    const STATIC_TYPE: &'static str;
}

/// The same, when it does not matter which.
pub(crate) trait AnySubject: Send + Sync + 'static {
    fn event_type(&self) -> ByteString;
    fn version(&self) -> u32;
    fn key(&self) -> Option<ByteString>;
    fn topic(&self) -> Topic;
    /// The attributes that it came with, if it did.
    fn metadata(&self) -> Option<&Metadata>;
    fn heard<'a>(&'a self, metadata: &'a Metadata, topic: &'a Topic) -> Heard<'a>;
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

    fn heard<'a>(&'a self, metadata: &'a Metadata, topic: &'a Topic) -> Heard<'a> {
        let encode =
            |event: &(dyn Any + Send + Sync)| event.downcast_ref::<E>().and_then(Event::encode_payload);
        Heard { metadata, topic, event: self, encode }
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
    Raw(RawEvent),
    /// A returned event of a type that this dispatcher has not met.
    Output {
        descriptor: Descriptor,
        key: Option<ByteString>,
        event: Box<dyn Any + Send + Sync>,
        encode: fn(&(dyn Any + Send + Sync)) -> Option<Result<Bytes, EncodeError>>,
    },
}

impl Subject for Named {
    const STATIC_TYPE: &'static str = "";
}

impl AnySubject for Named {
    fn event_type(&self) -> ByteString {
        match self {
            Self::Raw(raw) => raw.event_type().into(),
            Self::Output { descriptor, .. } => ByteString::from_static(descriptor.event_type),
        }
    }

    fn version(&self) -> u32 {
        match self {
            Self::Raw(raw) => raw.metadata().map_or(1, |metadata| metadata.type_version),
            Self::Output { descriptor, .. } => descriptor.version,
        }
    }

    fn key(&self) -> Option<ByteString> {
        match self {
            Self::Raw(raw) => raw.key().map(Into::into),
            Self::Output { key, .. } => key.clone(),
        }
    }

    fn topic(&self) -> Topic {
        match self {
            Self::Raw(raw) => match raw.route(None) {
                Ok((topic, _)) => topic,
                Err(_) => Topic::from_static("unnamed"),
            },
            Self::Output { descriptor, .. } => Topic::from_static(descriptor.topic),
        }
    }

    fn metadata(&self) -> Option<&Metadata> {
        match self {
            Self::Raw(raw) => raw.metadata(),
            Self::Output { .. } => None,
        }
    }

    fn heard<'a>(&'a self, metadata: &'a Metadata, topic: &'a Topic) -> Heard<'a> {
        match self {
            Self::Raw(raw) => Heard { metadata, topic, event: raw, encode: |_| None },
            Self::Output { event, encode, .. } => Heard { metadata, topic, event: &**event, encode: *encode },
        }
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
