//! A log line when a handler has run: its name, the event, how long it took, what it came to.

use std::time::Duration;

use fanfare_core::BoxFuture;

use super::{Call, Fits, Middleware, Next, NextSync, Outcome};

/// Logs each call at level `info`, a failed one at `warn`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Logging;

impl Logging {
    /// Logs each call.
    pub const fn new() -> Self {
        Self
    }
}

impl Middleware for Logging {
    fn fits(&self) -> Fits {
        Fits::Both
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let started = call.clock.monotonic();
        Box::pin(async move {
            let outcome = next.run().await;
            log(&call, started, &outcome);
            outcome
        })
    }

    fn handle_sync(&self, call: &Call, next: NextSync<'_>) -> Outcome {
        let started = call.clock.monotonic();
        let outcome = next.run();
        log(call, started, &outcome);
        outcome
    }
}

fn log(call: &Call, started: Duration, outcome: &Outcome) {
    let (handler, event_type, event_id) = (call.handler(), call.event_type(), call.event_id());
    let duration = call.clock.monotonic().saturating_sub(started);
    match outcome {
        Ok(_) => tracing::info!(handler, event_type, %event_id, ?duration, "handled"),
        Err(error) => tracing::warn!(handler, event_type, %event_id, ?duration, %error, "failed"),
    }
}
