//! A `tracing` span around each call of a handler.

use fanfare_core::BoxFuture;
use tracing::{Instrument, Span};

use super::{Call, Fits, Middleware, Next, NextSync, Outcome};

/// Opens a span `handle` with handler, event type, event id, correlation id and causation id.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Spans;

impl Spans {
    /// A span for each call.
    pub const fn new() -> Self {
        Self
    }
}

fn span(call: &Call) -> Span {
    let span = tracing::info_span!(
        "handle",
        handler = call.handler(),
        event_type = call.event_type(),
        event_id = tracing::field::Empty,
        correlation_id = tracing::field::Empty,
        causation_id = tracing::field::Empty,
    );
    if !span.is_disabled() {
        let metadata = call.metadata();
        span.record("event_id", tracing::field::display(&metadata.id));
        span.record("correlation_id", metadata.correlation_id.as_ref().map(tracing::field::display));
        span.record("causation_id", metadata.causation_id.as_ref().map(tracing::field::display));
    }
    span
}

impl Middleware for Spans {
    fn fits(&self) -> Fits {
        Fits::Both
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        Box::pin(next.run().instrument(span(&call)))
    }

    fn handle_sync(&self, call: &Call, next: NextSync<'_>) -> Outcome {
        span(call).in_scope(|| next.run())
    }
}
