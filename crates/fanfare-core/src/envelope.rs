//! An event with its metadata, as a handler may ask for it.

use std::ops::Deref;

use crate::{Metadata, Place, Topic};

/// A typed event, its metadata and where it stands. A handler takes it in the place of the event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Envelope<E> {
    /// The event.
    pub payload: E,
    /// Its attributes.
    pub metadata: Metadata,
    /// The topic it was read from.
    pub topic: Topic,
    /// Where it stands; `None` in process and on transports without positions.
    pub place: Option<Place>,
}

impl<E> Envelope<E> {
    /// An envelope of these parts.
    pub fn new(payload: E, metadata: Metadata, topic: Topic, place: Option<Place>) -> Self {
        Self { payload, metadata, topic, place }
    }
}

impl<E> Deref for Envelope<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.payload
    }
}
