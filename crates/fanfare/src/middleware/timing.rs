//! How long handlers take.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use fanfare_core::BoxFuture;
use parking_lot::Mutex;

use super::{Call, Fits, Middleware, Next, NextSync, Outcome};

/// Powers of two of a microsecond: 1 us, 2 us, .. and beyond the last.
const BUCKETS: usize = 32;

/// Measures each call; clones share what they measured.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    handlers: Arc<Mutex<BTreeMap<String, Arc<Times>>>>,
}

#[derive(Debug, Default)]
struct Times {
    calls: AtomicU64,
    nanos: AtomicU64,
    max: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// How long one handler took.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latencies {
    /// The handler's name.
    pub handler: String,
    /// How many calls ended.
    pub calls: u64,
    /// The mean.
    pub mean: Duration,
    /// Half of the calls took no longer than this, up to a factor of two.
    pub p50: Duration,
    /// 99 of 100 took no longer than this, up to a factor of two.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Timing {
    /// Measures each call.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was measured, by handler.
    pub fn latencies(&self) -> Vec<Latencies> {
        let handlers = self.handlers.lock();
        handlers.iter().map(|(handler, times)| times.latencies(handler)).collect()
    }

    fn times(&self, handler: &str) -> Arc<Times> {
        let mut handlers = self.handlers.lock();
        match handlers.get(handler) {
            Some(times) => times.clone(),
            None => handlers.entry(handler.to_owned()).or_default().clone(),
        }
    }
}

impl Times {
    fn add(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos, Relaxed);
        self.max.fetch_max(nanos, Relaxed);
        let micros = nanos.div_ceil(1000).max(1);
        let bucket = micros.next_power_of_two().trailing_zeros() as usize;
        if let Some(bucket) = self.buckets.get(bucket.min(BUCKETS - 1)) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    fn latencies(&self, handler: &str) -> Latencies {
        let calls = self.calls.load(Relaxed);
        Latencies {
            handler: handler.to_owned(),
            calls,
            mean: Duration::from_nanos(self.nanos.load(Relaxed).checked_div(calls).unwrap_or(0)),
            p50: self.quantile(calls.div_ceil(2)),
            p99: self.quantile((calls * 99).div_ceil(100)),
            max: Duration::from_nanos(self.max.load(Relaxed)),
        }
    }

    fn quantile(&self, rank: u64) -> Duration {
        let mut seen = 0;
        for (power, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Relaxed);
            if seen >= rank {
                return Duration::from_micros(1 << power);
            }
        }
        Duration::from_nanos(self.max.load(Relaxed))
    }
}

impl Middleware for Timing {
    fn fits(&self) -> Fits {
        Fits::Both
    }

    fn latencies(&self, handler: &str) -> Option<Latencies> {
        self.handlers.lock().get(handler).map(|times| times.latencies(handler))
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let times = self.times(call.handler());
        Box::pin(async move {
            let started = call.clock.monotonic();
            let outcome = next.run().await;
            times.add(call.clock.monotonic().saturating_sub(started));
            outcome
        })
    }

    fn handle_sync(&self, call: &Call, next: NextSync<'_>) -> Outcome {
        let started = call.clock.monotonic();
        let outcome = next.run();
        self.times(call.handler()).add(call.clock.monotonic().saturating_sub(started));
        outcome
    }
}
