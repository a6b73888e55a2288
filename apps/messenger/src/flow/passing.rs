//! One thing that happened to one event.

use fanfare_core::{EventId, Metadata};
use serde::Serialize;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stage {
    /// It is in the journal.
    Published,
    /// A handler had it.
    Handled,
    /// A handler failed with it.
    Failed,
}

/// One thing that happened to one event. Of a direct message everything but stage and type is missing.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Passing {
    /// Its number, from 1, since the start.
    pub n: u64,
    /// When.
    pub at: String,
    /// What.
    pub stage: Stage,
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The event's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The event's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The event that it follows from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The handler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// Which attempt it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How long the handler took, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<u64>,
    /// What it failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where it stands in the journal.
    #[serde(skip)]
    pub position: Option<u64>,
}

impl Passing {
    pub(super) fn new(stage: Stage, metadata: &Metadata, position: Option<u64>) -> Self {
        let is_hidden = is_direct(&metadata.event_type);
        let shown = |text: String| (!is_hidden).then_some(text);
        Self {
            n: 0,
            at: crate::time::text(crate::time::now()),
            stage,
            event_type: metadata.event_type.to_string(),
            id: shown(metadata.id.to_string()),
            key: metadata.key.as_ref().and_then(|key| shown(key.to_string())),
            cause: metadata.causation_id.as_ref().map(EventId::to_string).and_then(shown),
            handler: None,
            attempt: None,
            latency_us: None,
            error: None,
            position: position.filter(|_| !is_hidden),
        }
    }

    pub(super) fn by(mut self, handler: &str, attempt: u32, latency_us: u64, error: Option<String>) -> Self {
        if self.id.is_some() {
            self.handler = Some(handler.to_owned());
            self.attempt = Some(attempt);
            self.latency_us = Some(latency_us);
            self.error = error;
        }
        self
    }
}

/// Whether only two people may know of an event.
pub(crate) fn is_direct(event_type: &str) -> bool {
    event_type == "dm" || event_type.starts_with("dm.")
}
