//! How often a connection may ask for something.

use crate::settings::{Rate, Rates};
use std::time::Duration;

/// What is counted apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Subscribe,
    Publish,
    Rpc,
    Send,
    History,
    Presence,
}

/// One bucket for each operation that has a rate.
#[derive(Debug)]
pub(super) struct Buckets([Option<Bucket>; 6]);

#[derive(Debug)]
struct Bucket {
    rate: Rate,
    /// What may still be asked at once.
    left: f64,
    at: Duration,
}

impl Buckets {
    pub(super) fn new(rates: &Rates, now: Duration) -> Self {
        let all = [rates.subscribe, rates.publish, rates.rpc, rates.send, rates.history, rates.presence];
        Self(all.map(|rate| rate.map(|rate| Bucket { rate, left: f64::from(rate.burst_max), at: now })))
    }

    /// Takes one; false when there is none left for now.
    pub(super) fn take(&mut self, operation: Operation, now: Duration) -> bool {
        self.0.get_mut(operation as usize).and_then(Option::as_mut).is_none_or(|bucket| bucket.take(now))
    }
}

impl Bucket {
    fn take(&mut self, now: Duration) -> bool {
        let gained = now.saturating_sub(self.at).as_secs_f64() * f64::from(self.rate.per_second_max);
        self.left = (self.left + gained).min(f64::from(self.rate.burst_max));
        self.at = now;
        let may = self.left >= 1.0;
        if may {
            self.left -= 1.0;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate_counts() {
        let rates = Rates { rpc: Some(Rate::new(2, 3)), ..Rates::default() };
        let mut buckets = Buckets::new(&rates, Duration::ZERO);
        let mut passed =
            |ms| (0..10).filter(|_| buckets.take(Operation::Rpc, Duration::from_millis(ms))).count();
        assert_eq!([passed(0), passed(400), passed(500), passed(1_000), passed(60_000)], [3, 0, 1, 1, 3]);
        assert!((0..100).all(|_| buckets.take(Operation::Publish, Duration::ZERO)));
    }
}
