//! A publish that did not go through.

use std::fmt;

use fanfare_core::{Error, ErrorKind, EventId, Outgoing, Rejected};

/// Why a publish did not go through, with the event's id and, unless it went astray, the message.
///
/// On kind [`ErrorKind::Unknown`] publish again with the same id: if the first did become durable, the
/// second is recognised as its repeat.
#[derive(Debug)]
pub struct PublishError {
    error: Error,
    id: Option<EventId>,
    outgoing: Option<Box<Outgoing>>,
}

impl PublishError {
    pub(crate) fn invalid(error: Error) -> Self {
        Self { error, id: None, outgoing: None }
    }

    pub(crate) fn lost(error: Error, id: Option<EventId>) -> Self {
        Self { error, id, outgoing: None }
    }

    pub(crate) fn rejected(rejected: Rejected) -> Self {
        let Rejected { error, outgoing, .. } = rejected;
        Self { error, id: Some(outgoing.message.metadata.id.clone()), outgoing: Some(outgoing) }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// Whether the same publish may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.error.is_retryable()
    }

    /// The id that the event was given; `None` when it did not come that far.
    pub fn id(&self) -> Option<&EventId> {
        self.id.as_ref()
    }

    /// The message, to be handed over again by [`super::Publisher::publish_message`].
    pub fn into_outgoing(self) -> Option<Outgoing> {
        self.outgoing.map(|outgoing| *outgoing)
    }

    /// The transport's error.
    pub fn into_error(self) -> Error {
        self.error
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to publish: {}", self.error)
    }
}

impl std::error::Error for PublishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
