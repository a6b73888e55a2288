//! How often something may be done: token buckets by key.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Lets each key do something `burst` times at once, and once every `every` after that.
#[derive(Debug)]
pub struct Bucket<K> {
    burst: f64,
    every: Duration,
    levels: Mutex<HashMap<K, (f64, Instant)>>,
}

/// Keys that are remembered; over it those that are full again are forgotten, and if none is, the half that is
/// nearest to it. So many keys that were used once do not bring forgetting to one that is used up.
const KEYS_MAX: usize = 10_000;

impl<K: Hash + Eq + Clone> Bucket<K> {
    /// A limit.
    #[must_use]
    pub fn new(burst: u32, every: Duration) -> Self {
        Self { burst: f64::from(burst), every, levels: Mutex::default() }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait, when there is none left.
    pub fn take(&self, key: &K) -> Result<(), Duration> {
        self.take_at(key, Instant::now())
    }

    fn take_at(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut levels = self.levels.lock();
        if levels.len() >= KEYS_MAX && !levels.contains_key(key) {
            self.forget(&mut levels, now);
        }
        let (level, at) = levels.entry(key.clone()).or_insert((self.burst, now));
        *level = self.filled(*level, *at, now);
        *at = now;
        if *level < 1.0 {
            return Err(self.every.mul_f64(1.0 - *level));
        }
        *level -= 1.0;
        Ok(())
    }

    fn filled(&self, level: f64, at: Instant, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(at).as_secs_f64() / self.every.as_secs_f64();
        (level + gained).min(self.burst)
    }

    fn forget(&self, levels: &mut HashMap<K, (f64, Instant)>, now: Instant) {
        levels.retain(|_, (level, at)| self.filled(*level, *at, now) < self.burst);
        if levels.len() >= KEYS_MAX {
            let mut found: Vec<f64> =
                levels.values().map(|(level, at)| self.filled(*level, *at, now)).collect();
            found.sort_unstable_by(f64::total_cmp);
            let kept = found.get(..found.len() / 2).unwrap_or_default();
            let highest = kept.last().copied().unwrap_or_default();
            let mut places = kept.iter().filter(|level| **level >= highest).count();
            levels.retain(|_, (level, at)| {
                let level = self.filled(*level, *at, now);
                let is_kept = level < highest || (level <= highest && places > 0);
                places -= usize::from(is_kept && level >= highest);
                is_kept
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_one_in_every_period() {
        let bucket = Bucket::new(3, Duration::from_secs(10));
        let start = Instant::now();
        for _ in 0..3 {
            assert!(bucket.take_at(&"a", start).is_ok());
        }
        assert_eq!(bucket.take_at(&"a", start), Err(Duration::from_secs(10)));
        assert!(bucket.take_at(&"b", start).is_ok(), "another key has its own");
        assert!(bucket.take_at(&"a", start + Duration::from_secs(11)).is_ok());
        assert!(bucket.take_at(&"a", start + Duration::from_secs(11)).is_err());
    }

    #[test]
    fn what_is_remembered_stays_bounded() {
        let bucket = Bucket::new(2, Duration::from_secs(1000));
        let start = Instant::now();
        for key in 0..3 * KEYS_MAX as u64 {
            let _ = bucket.take_at(&key, start + Duration::from_millis(key));
        }
        assert!(bucket.levels.lock().len() <= KEYS_MAX);
    }

    #[test]
    fn many_keys_that_are_made_up_do_not_bring_forgetting_to_one_that_is_used_up() {
        let bucket = Bucket::new(10, Duration::from_secs(1000));
        let start = Instant::now();
        for _ in 0..10 {
            assert!(bucket.take_at(&u64::MAX, start).is_ok());
        }
        for key in 0..5 * KEYS_MAX as u64 {
            let _ = bucket.take_at(&key, start + Duration::from_millis(1));
        }
        assert!(bucket.take_at(&u64::MAX, start + Duration::from_millis(2)).is_err());
    }
}
