//! The encoded form of an event that travels, and what a publisher hands over and gets back.

use bytes::Bytes;

use crate::{Error, Metadata, Topic};

/// An event in its encoded form: where it goes, its attributes, its payload.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Where it is kept and with what it is ordered.
    pub topic: Topic,
    /// Its attributes.
    pub metadata: Metadata,
    /// The encoded payload; empty when the event has no data.
    pub payload: Bytes,
}

impl Message {
    /// A message of these parts.
    pub fn new(topic: Topic, metadata: Metadata, payload: Bytes) -> Self {
        Self { topic, metadata, payload }
    }
}

/// A message on its way to a transport.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outgoing {
    /// What is published. Its `notbefore` delays it.
    pub message: Message,
    /// Refuses the publish unless the key's newest revision is this one.
    pub expected: Option<ExpectedRevision>,
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self { message, expected: None }
    }
}

/// Where a key's event stream must end for an append to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// The key has no event yet.
    Empty,
    /// The key's newest event has this revision.
    Exact(u64),
}

/// What a receipt promises, from weakest to strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Durability {
    /// Kept in this process's memory.
    Memory,
    /// Handed to the operating system: survives kill -9, not a power cut.
    Os,
    /// On the disk: `fdatasync` has returned.
    Fsync,
    /// On the disks or in the memory of several machines, by the transport's own policy.
    Replicated,
}

/// A publish that did not go through, with what was to be published.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rejected {
    /// Why. Kind `Unknown`: it may have become durable.
    pub error: Error,
    /// What was handed over, with its id, so that it can be handed over again.
    pub outgoing: Box<Outgoing>,
}

impl Rejected {
    /// A rejection of `outgoing`.
    pub fn new(error: Error, outgoing: Outgoing) -> Self {
        Self { error, outgoing: Box::new(outgoing) }
    }
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Rejected {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
