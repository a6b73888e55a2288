//! Time and randomness as ports, so that tests hold both still.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use jiff::Timestamp;

/// A boxed future that may be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The time, and waiting for it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall-clock time, for what is stored and shown.
    fn now(&self) -> Timestamp;
    /// Time since some fixed point of this process; never goes back.
    fn monotonic(&self) -> Duration;
    /// Completes once `duration` has passed on [`Clock::monotonic`].
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A source of random numbers. Not for secrets.
pub trait Random: Send + Sync + fmt::Debug {
    /// The next number, uniform over all of `u64`.
    fn next_u64(&self) -> u64;
}
