//! The system's clock and randomness, and a clock on the runtime's time, which tests can stop.
#![allow(clippy::disallowed_methods, reason = "this is the driver behind the Clock port")]

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use fanfare_core::{BoxFuture, Clock, Random};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The system's time.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// The system's time.
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The runtime's time: where it is paused, this clock stands still, and the wall clock with it.
#[derive(Debug)]
pub struct RuntimeClock {
    start: Instant,
    wall: Timestamp,
}

impl RuntimeClock {
    /// A clock that shows the system's time now and goes on with the runtime's.
    pub fn new() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// A clock that shows this time now.
    pub fn starting_at(wall: Timestamp) -> Self {
        Self { start: Instant::now(), wall }
    }
}

impl Default for RuntimeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.monotonic()).unwrap_or(SignedDuration::MAX);
        self.wall.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Randomness for ids and jitter (SplitMix64). Not for secrets.
#[derive(Debug)]
pub struct SystemRandom(AtomicU64);

impl SystemRandom {
    /// Seeded by the system.
    pub fn new() -> Self {
        Self::seeded(RandomState::new().hash_one(std::time::Instant::now()))
    }

    /// The same numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl Random for SystemRandom {
    fn next_u64(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
