//! Events that stay in the process: what a dispatcher takes, and how it makes a handler's argument of it.
//! The traits stand here, beside [`Event`], because only here may they cover every event.

use std::{any::Any, sync::Arc};

use bytes::Bytes;

use crate::{
    Accepts, DecodeError, Descriptor, EncodeError, Envelope, Event, Metadata, RawEvent, Topic,
    payload::Payload,
};

/// What a dispatcher emits: an event, or a [`RawEvent`] of a type known at run time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "not an event",
    note = "derive it: `#[derive(Event)] #[event(type = \"order.placed\")]`; or emit a `RawEvent`"
)]
pub trait Emit: Sized + Send + Sync + 'static {
    /// The event, when its type is known at compile time.
    #[doc(hidden)]
    type Typed: Event;

    /// Which of the two it is.
    #[doc(hidden)]
    fn into_emitted(self) -> Emitted<Self::Typed>;

    /// Which of the two it is, by reference.
    #[doc(hidden)]
    fn as_emitted(&self) -> EmittedRef<'_, Self::Typed>;
}

/// An event of a type known at compile time, or one that is not.
#[doc(hidden)]
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
pub enum Emitted<E> {
    Typed(E),
    Raw(RawEvent),
}

/// The same by reference.
#[doc(hidden)]
#[derive(Debug)]
pub enum EmittedRef<'a, E> {
    Typed(&'a E),
    Raw(&'a RawEvent),
}

impl<E: Event> Emit for E {
    type Typed = E;

    #[inline]
    fn into_emitted(self) -> Emitted<E> {
        Emitted::Typed(self)
    }

    #[inline]
    fn as_emitted(&self) -> EmittedRef<'_, E> {
        EmittedRef::Typed(self)
    }
}

impl Emit for RawEvent {
    type Typed = NoEvent;

    fn into_emitted(self) -> Emitted<NoEvent> {
        Emitted::Raw(self)
    }

    fn as_emitted(&self) -> EmittedRef<'_, NoEvent> {
        EmittedRef::Raw(self)
    }
}

/// Stands where an event of a type known at compile time would.
#[doc(hidden)]
#[derive(Debug)]
pub enum NoEvent {}

impl Event for NoEvent {
    const TYPE: &'static str = "none";
}

/// An emitted event whose type the handler does not name: what [`Hear`] makes an argument of.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Heard<'a> {
    /// The event's attributes.
    pub metadata: &'a Metadata,
    /// Its topic.
    pub topic: &'a Topic,
    /// The event itself, or the [`RawEvent`] that was emitted.
    pub event: &'a (dyn Any + Send + Sync),
    /// The event to keep, where it is shared or can be cloned.
    pub own: &'a dyn Fn() -> Option<Arc<dyn Any + Send + Sync>>,
    /// Encodes its payload; `None` inside for one that never leaves its process.
    pub encode: fn(&(dyn Any + Send + Sync)) -> Option<Result<Bytes, EncodeError>>,
}

impl Heard<'_> {
    /// The event as its type's name, metadata and, where it may leave the process, payload: encoded when
    /// somebody asks for it, or at once where the event cannot be kept.
    ///
    /// # Errors
    /// When it does not encode.
    pub fn to_raw(&self) -> Result<RawEvent, EncodeError> {
        if let Some(raw) = self.event.downcast_ref::<RawEvent>() {
            return Ok(raw.clone().emitted_as(self.metadata.clone(), self.topic.clone()));
        }
        let payload = match (self.own)() {
            Some(event) => Payload::of_event(event, self.encode),
            None => (self.encode)(self.event).transpose()?.map_or(Payload::Local, Payload::Encoded),
        };
        Ok(RawEvent::emitted(self.metadata.clone(), self.topic.clone(), payload))
    }

    /// Whether it is of this type.
    pub fn is(&self, descriptor: Descriptor) -> bool {
        *self.metadata.event_type == *descriptor.event_type
    }

    /// The answer to an event of a type that is not taken.
    pub fn unexpected(&self) -> DecodeError {
        DecodeError::Unexpected { event_type: self.metadata.event_type.to_string() }
    }

    fn raw<E: Event>(&self) -> Option<Result<E, DecodeError>> {
        self.event.downcast_ref::<RawEvent>().and_then(RawEvent::to_event)
    }

    fn misfit(&self, reason: impl Into<String>) -> DecodeError {
        DecodeError::Payload { event_type: self.metadata.event_type.to_string(), reason: reason.into() }
    }
}

/// What a variant of an enum of events holds: an event, a shared one, or one with its metadata.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a variant of an enum of events cannot hold `{Self}`",
    label = "not an event",
    note = "a variant holds an event (`#[derive(Event)]`), `Arc<E>` or `Envelope<E>` of one"
)]
pub trait Variant: Sized {
    /// The type of its event.
    const DESCRIPTOR: Descriptor;

    /// Makes it of an emitted event of that type.
    ///
    /// # Errors
    /// When it was emitted raw and does not decode, or can be neither cloned nor encoded.
    fn of(heard: &Heard<'_>) -> Result<Self, DecodeError>;
}

impl<E: Event> Variant for E {
    const DESCRIPTOR: Descriptor = Descriptor::of::<E>();

    fn of(heard: &Heard<'_>) -> Result<Self, DecodeError> {
        if let Some(made) = heard.raw() {
            return made;
        }
        if let Some(event) = heard.event.downcast_ref::<E>().and_then(Event::clone_event) {
            return Ok(event);
        }
        let raw = heard.to_raw().map_err(|error| heard.misfit(error.to_string()))?;
        raw.to_event().unwrap_or_else(|| {
            Err(heard.misfit(
                "it is not `Clone`, and several handlers share it; let the variant hold an `Arc` of it",
            ))
        })
    }
}

impl<E: Event> Variant for Arc<E> {
    const DESCRIPTOR: Descriptor = Descriptor::of::<E>();

    fn of(heard: &Heard<'_>) -> Result<Self, DecodeError> {
        let kept = if heard.event.is::<E>() { (heard.own)() } else { None };
        match kept.and_then(|event| event.downcast::<E>().ok()) {
            Some(event) => Ok(event),
            None => E::of(heard).map(Self::new),
        }
    }
}

impl<E: Event> Variant for Envelope<E> {
    const DESCRIPTOR: Descriptor = Descriptor::of::<E>();

    fn of(heard: &Heard<'_>) -> Result<Self, DecodeError> {
        Ok(Self::new(E::of(heard)?, heard.metadata.clone(), heard.topic.clone(), None))
    }
}

/// The first argument of a handler on a dispatcher.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the first argument of a handler on a dispatcher",
    label = "the first argument of a handler is the event",
    note = "take `&E`, `Arc<E>` or `E` of an event (`#[derive(Event)]`; by value it must be `Clone`, since several handlers share one event), `Envelope<E>`, an enum of events (`#[derive(Events)]`) or `RawEvent`"
)]
pub trait Hear: Sized + Send + 'static {
    /// Says by which events it is made, and how.
    #[doc(hidden)]
    fn heard_by<V: HearVisitor<Self>>(visitor: V) -> V::Made;
}

/// Takes what [`Hear::heard_by`] says.
#[doc(hidden)]
pub trait HearVisitor<T> {
    type Made;

    /// By the events of one type.
    fn typed<E: Event>(self, make: fn(&Arc<E>) -> T) -> Self::Made;
    /// By the events of one type, with their metadata.
    fn with_metadata<E: Event>(self, make: fn(&Arc<E>, &Metadata, &Topic) -> T) -> Self::Made;
    /// By the events that it accepts.
    fn any(self, accepts: Accepts, make: fn(&Heard<'_>) -> Result<T, DecodeError>) -> Self::Made;
}

impl<E: Event + Clone> Hear for E {
    fn heard_by<V: HearVisitor<Self>>(visitor: V) -> V::Made {
        visitor.typed::<E>(|event| (**event).clone())
    }
}

impl<E: Event> Hear for Arc<E> {
    fn heard_by<V: HearVisitor<Self>>(visitor: V) -> V::Made {
        visitor.typed::<E>(Self::clone)
    }
}

impl<E: Event + Clone> Hear for Envelope<E> {
    fn heard_by<V: HearVisitor<Self>>(visitor: V) -> V::Made {
        visitor.with_metadata::<E>(|event, metadata, topic| {
            Self::new((**event).clone(), metadata.clone(), topic.clone(), None)
        })
    }
}

impl Hear for RawEvent {
    fn heard_by<V: HearVisitor<Self>>(visitor: V) -> V::Made {
        visitor.any(Accepts::Any, |heard| {
            heard.to_raw().map_err(|error| DecodeError::Payload {
                event_type: heard.metadata.event_type.to_string(),
                reason: error.to_string(),
            })
        })
    }
}

/// What a synchronous handler takes by reference: an event, or a [`RawEvent`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "a synchronous handler takes a reference to an event",
    note = "derive it: `#[derive(Event)] #[event(type = \"order.placed\")]`"
)]
pub trait HearRef: Sized + Send + Sync + 'static {
    /// Says by which events it is made.
    #[doc(hidden)]
    fn heard_by_ref<V: HearRefVisitor<Self>>(visitor: V) -> V::Made;
}

/// Takes what [`HearRef::heard_by_ref`] says.
#[doc(hidden)]
pub trait HearRefVisitor<T> {
    type Made;

    /// By the events of one type.
    fn typed(self) -> Self::Made
    where
        T: Event;
    /// By any event.
    fn any(self, make: fn(&Heard<'_>) -> Result<T, DecodeError>) -> Self::Made;
}

impl<E: Event> HearRef for E {
    fn heard_by_ref<V: HearRefVisitor<Self>>(visitor: V) -> V::Made {
        visitor.typed()
    }
}

impl HearRef for RawEvent {
    fn heard_by_ref<V: HearRefVisitor<Self>>(visitor: V) -> V::Made {
        visitor.any(|heard| {
            heard.to_raw().map_err(|error| DecodeError::Payload {
                event_type: heard.metadata.event_type.to_string(),
                reason: error.to_string(),
            })
        })
    }
}

/// The types that a filterless argument accepts.
impl Accepts {
    /// Whether an event of this type is accepted.
    pub fn accepts(&self, event_type: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Types(types) => {
                types.iter().any(|descriptor: &Descriptor| descriptor.event_type == event_type)
            }
        }
    }
}
