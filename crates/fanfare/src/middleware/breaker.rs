//! Stops calling a handler that keeps failing.
//!
//! ```text
//! closed --failures_max in a row--> open --open_for--> half open --success--> closed
//!                                    ^                     |
//!                                    +-------failure-------+
//! ```

use std::{collections::HashMap, sync::Arc, time::Duration};

use fanfare_core::BoxFuture;
use parking_lot::Mutex;

use super::{Call, Fits, Middleware, Next, NextSync, Outcome, call::HandlerKey};

/// A circuit breaker for each handler; clones share their state.
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    failures_max: u32,
    open_for: Duration,
    handlers: Arc<Mutex<HashMap<HandlerKey, Circuit>>>,
}

#[derive(Debug, Default)]
struct Circuit {
    failures: u32,
    /// When it opened.
    opened: Option<Duration>,
    /// Whether the one call that tries it out is running.
    is_tried: bool,
}

/// What a breaker does with the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// It runs.
    Closed,
    /// It fails at once.
    Open,
    /// One call is tried, or may be.
    HalfOpen,
}

/// The handler was not called, because it kept failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its circuit breaker is open after {failures} failures in a row")]
pub struct BreakerOpen {
    failures: u32,
}

impl CircuitBreaker {
    /// Opens after so many failures in a row and tries one call after `open_for`.
    pub fn new(failures_max: u32, open_for: Duration) -> Self {
        Self { failures_max: failures_max.max(1), open_for, handlers: Arc::default() }
    }

    /// The state of each handler's breaker at `now`, as [`fanfare_core::Clock::monotonic`] counts; handlers of one name stand
    /// there one by one.
    pub fn states(&self, now: Duration) -> Vec<(String, BreakerState)> {
        let handlers = self.handlers.lock();
        let state = |circuit: &Circuit| match circuit.opened {
            None => BreakerState::Closed,
            Some(opened) if now.saturating_sub(opened) < self.open_for => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        };
        handlers.iter().map(|((_, handler), circuit)| (handler.to_string(), state(circuit))).collect()
    }

    fn admit(&self, call: &Call) -> Result<Trial, BreakerOpen> {
        let now = call.clock.monotonic();
        let mut handlers = self.handlers.lock();
        let circuit = handlers.entry(call.handler_key()).or_default();
        if let Some(opened) = circuit.opened {
            if now.saturating_sub(opened) < self.open_for || circuit.is_tried {
                return Err(BreakerOpen { failures: circuit.failures });
            }
            circuit.is_tried = true;
        }
        Ok(Trial { breaker: self.clone(), call: call.clone(), is_over: false })
    }
}

/// A call under way. One that is dropped before its end leaves the breaker as it was.
struct Trial {
    breaker: CircuitBreaker,
    call: Call,
    is_over: bool,
}

impl Trial {
    fn end(mut self, outcome: Outcome) -> Outcome {
        self.is_over = true;
        let mut handlers = self.breaker.handlers.lock();
        // Its subscription may have ended meanwhile.
        let Some(circuit) = handlers.get_mut(&self.call.handler_key()) else { return outcome };
        circuit.is_tried = false;
        match &outcome {
            Ok(_) => *circuit = Circuit::default(),
            Err(_) => {
                circuit.failures = circuit.failures.saturating_add(1);
                if circuit.failures >= self.breaker.failures_max {
                    circuit.opened = Some(self.call.clock.monotonic());
                }
            }
        }
        drop(handlers);
        outcome
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !self.is_over
            && let Some(circuit) = self.breaker.handlers.lock().get_mut(&self.call.handler_key())
        {
            circuit.is_tried = false;
        }
    }
}

impl Middleware for CircuitBreaker {
    fn fits(&self) -> Fits {
        Fits::Both
    }

    fn forget(&self, subscription: u64) {
        self.handlers.lock().retain(|(of, _), _| *of != subscription);
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        match self.admit(&call) {
            Ok(trial) => Box::pin(async move {
                let outcome = next.run().await;
                trial.end(outcome)
            }),
            Err(open) => Box::pin(std::future::ready(Err(open.into()))),
        }
    }

    fn handle_sync(&self, call: &Call, next: NextSync<'_>) -> Outcome {
        let trial = self.admit(call)?;
        trial.end(next.run())
    }
}
