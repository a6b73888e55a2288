//! When a failed delivery is tried again.

use std::time::Duration;

/// How a delay is spread, so that failures of one moment do not come back at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// Uniform between zero and the delay.
    Full,
    /// The delay itself.
    None,
}

/// A retry policy. By default: 5 attempts, exponential from 1 s to 5 min, full jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    attempts_max: u32,
    first: Duration,
    max: Duration,
    factor: u32,
    jitter: Jitter,
}

impl Default for Retry {
    fn default() -> Self {
        Self::exponential()
    }
}

impl Retry {
    /// Delays that double, from 1 s to 5 min, 5 attempts, full jitter.
    pub const fn exponential() -> Self {
        Self {
            attempts_max: 5,
            first: Duration::from_secs(1),
            max: Duration::from_secs(300),
            factor: 2,
            jitter: Jitter::Full,
        }
    }

    /// The same delay every time, without jitter, 5 attempts.
    pub const fn fixed(delay: Duration) -> Self {
        Self { attempts_max: 5, first: delay, max: delay, factor: 1, jitter: Jitter::None }
    }

    /// One attempt: a failure is a dead letter at once.
    pub const fn none() -> Self {
        Self { attempts_max: 1, ..Self::exponential() }
    }

    /// How many attempts in all, at least 1.
    #[must_use]
    pub const fn attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// The delay before the second attempt.
    #[must_use]
    pub const fn first_delay(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// The longest delay.
    #[must_use]
    pub const fn delay_max(mut self, delay: Duration) -> Self {
        self.max = delay;
        self
    }

    /// How delays are spread.
    #[must_use]
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// How many attempts this policy allows.
    pub const fn attempts(&self) -> u32 {
        self.attempts_max
    }

    /// How long to wait after the given attempt (from 1) failed; `None`: give up. `random` is uniform over
    /// all of `u64`.
    pub fn delay_after(&self, attempt: u32, random: u64) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        let factor = self.factor.saturating_pow(attempt.saturating_sub(1));
        let delay = self.first.saturating_mul(factor).min(self.max);
        Some(match self.jitter {
            Jitter::None => delay,
            Jitter::Full => delay.mul_f64(random as f64 / u64::MAX as f64),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Jitter, Retry};

    #[test]
    fn delays_double_up_to_the_limit_and_end_with_the_attempts() {
        let retry = Retry::exponential().attempts_max(12).jitter(Jitter::None);
        let delays: Vec<u64> =
            (1..=12).map_while(|n| retry.delay_after(n, 0)).map(|delay| delay.as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn full_jitter_spreads_over_the_whole_delay() {
        let retry = Retry::exponential();
        assert_eq!(retry.delay_after(1, 0), Some(Duration::ZERO));
        assert_eq!(retry.delay_after(1, u64::MAX), Some(Duration::from_secs(1)));
        assert_eq!(retry.delay_after(4_000_000, 7), None);
    }
}
