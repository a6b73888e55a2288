//! The gateway's own clock, for programs that give it none.

#![allow(clippy::disallowed_methods, reason = "this is the port's driver")]

use fanfare_core::{BoxFuture, Clock, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// The machine's time, by tokio's timers.
#[derive(Debug)]
pub(crate) struct SystemClock(Instant);

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
