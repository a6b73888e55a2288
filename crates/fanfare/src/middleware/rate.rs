//! How many calls of a handler start in a span of time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use fanfare_core::BoxFuture;
use parking_lot::Mutex;

use super::{Call, Fits, Middleware, Next, NextSync, Outcome, call::HandlerKey};

/// Lets so many calls of each handler start in each span of time, evenly with that many at once after a pause (a token
/// bucket). What is over waits, or fails with [`RateExceeded`].
#[derive(Clone, Debug)]
pub struct RateLimit {
    calls_max: u32,
    interval: Duration,
    refuses: bool,
    handlers: Arc<Mutex<HashMap<HandlerKey, Duration>>>,
}

/// More calls than the rate limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {calls_max} calls in {per:?}")]
pub struct RateExceeded {
    calls_max: u32,
    per: Duration,
}

impl RateLimit {
    /// So many calls per span of time; what is over waits.
    pub fn new(calls_max: u32, per: Duration) -> Self {
        let calls_max = calls_max.max(1);
        Self { calls_max, interval: per / calls_max, refuses: false, handlers: Arc::default() }
    }

    /// Fails what is over, so that it fits synchronous handlers too.
    #[must_use]
    pub fn or_refuse(mut self) -> Self {
        self.refuses = true;
        self
    }

    /// How long the next call of a handler has to wait; takes its place unless it would be refused.
    fn wait(&self, call: &Call) -> Duration {
        // Moved by the burst, so that the bucket is full when the clock starts.
        let burst = self.interval * (self.calls_max - 1);
        let now = call.clock.monotonic() + burst;
        let mut handlers = self.handlers.lock();
        let free_at = handlers.entry(call.handler_key()).or_default();
        // A pause fills the bucket, not more.
        let at = (*free_at).max(now.saturating_sub(burst));
        let wait = at.saturating_sub(now);
        if wait.is_zero() || !self.refuses {
            *free_at = at + self.interval;
        }
        wait
    }

    fn exceeded(&self) -> Outcome {
        Err(RateExceeded { calls_max: self.calls_max, per: self.interval * self.calls_max }.into())
    }
}

impl Middleware for RateLimit {
    fn fits(&self) -> Fits {
        if self.refuses { Fits::Both } else { Fits::Async }
    }

    fn forget(&self, subscription: u64) {
        self.handlers.lock().retain(|(of, _), _| *of != subscription);
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let wait = self.wait(&call);
        if wait.is_zero() {
            return next.run();
        }
        if self.refuses {
            return Box::pin(std::future::ready(self.exceeded()));
        }
        Box::pin(async move {
            call.clock.sleep(wait).await;
            next.run().await
        })
    }

    fn handle_sync(&self, call: &Call, next: NextSync<'_>) -> Outcome {
        if self.wait(call).is_zero() { next.run() } else { self.exceeded() }
    }
}
