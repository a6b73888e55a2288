//! When something is due: connecting, pinging, being answered, expiring.

use crate::protocol::Disconnect;
use crate::settings::Settings;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Timers {
    /// The connect command must have succeeded by then.
    stale: Option<Duration>,
    ping: Option<Duration>,
    /// The pong to the ping that is out must be here by then.
    pong: Option<Duration>,
    /// The token has run out and the grace is over.
    expiry: Option<Duration>,
    /// A refused connection is cut then.
    cut: Option<Duration>,
    jitter: f64,
}

pub(super) enum Fired {
    Nothing,
    Ping,
    Close(Disconnect),
    Cut,
}

impl Timers {
    /// How long a refused connection may linger, for its client to close it.
    const LINGER: Duration = Duration::from_secs(5);

    pub(super) fn new(now: Duration, connect_timeout: Duration, jitter: f64) -> Self {
        Self { stale: Some(now + connect_timeout), ping: None, pong: None, expiry: None, cut: None, jitter }
    }

    pub(super) fn connected(&mut self, now: Duration, settings: &Settings) {
        self.stale = None;
        if !settings.ping_interval.is_zero() {
            let first = now + settings.ping_interval.mul_f64(0.5 + 0.5 * self.jitter.clamp(0.0, 1.0));
            self.ping = Some(together(first, settings.ping_interval));
        }
    }

    pub(super) fn failed(&mut self, now: Duration) {
        *self = Self { cut: Some(now + Self::LINGER), ..Self::new(now, Duration::ZERO, 0.0) };
        self.stale = None;
    }

    pub(super) fn expire_at(&mut self, at: Option<Duration>) {
        self.expiry = at;
    }

    /// Takes the pong that is waited for; false when none is.
    pub(super) fn pong(&mut self) -> bool {
        self.pong.take().is_some()
    }

    pub(super) fn deadline(&self) -> Duration {
        let all = [self.stale, self.ping, self.pong, self.expiry, self.cut];
        all.into_iter().flatten().min().unwrap_or(Duration::MAX)
    }

    /// What is due. While the peer is not listened to, its pong is waited for longer.
    pub(super) fn fire(&mut self, now: Duration, settings: &Settings, is_listening: bool) -> Fired {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if is_due(self.cut) {
            Fired::Cut
        } else if is_due(self.stale) {
            Fired::Close(Disconnect::STALE)
        } else if is_due(self.expiry) {
            Fired::Close(Disconnect::EXPIRED)
        } else if is_due(self.pong) && !is_listening {
            self.pong = Some(now + settings.pong_timeout);
            Fired::Nothing
        } else if is_due(self.pong) {
            Fired::Close(Disconnect::NO_PONG)
        } else if is_due(self.ping) {
            // From the time that it was due, so that the cadence holds; unless the task was held up for long.
            let due = self.ping.unwrap_or(now) + settings.ping_interval;
            self.ping = Some(if due > now { due } else { now + settings.ping_interval });
            self.pong = Some(now + settings.pong_timeout);
            Fired::Ping
        } else {
            Fired::Nothing
        }
    }
}

/// A little later, so that the pings of many connections fall together: waking up costs more than a ping. They stay together,
/// since each comes an interval after the one before it.
fn together(at: Duration, interval: Duration) -> Duration {
    const APART: Duration = Duration::from_millis(250);
    let apart = (interval / 64).min(APART).as_millis().max(1);
    let at = at.as_millis().div_ceil(apart) * apart;
    Duration::from_millis(u64::try_from(at).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_pings_fall_together_but_are_spread_over_half_an_interval() {
        let settings = Settings::default();
        let mut moments = std::collections::BTreeSet::new();
        for number in 0..10_000u32 {
            let mut timers = Timers::new(Duration::ZERO, settings.connect_timeout, f64::from(number) / 1e4);
            timers.connected(Duration::from_micros(number.into()), &settings);
            moments.insert(timers.deadline());
        }
        assert!((50..=52).contains(&moments.len()), "{moments:?}");
        assert!(moments.first() >= Some(&(settings.ping_interval / 2)));
        assert!(moments.last() <= Some(&(settings.ping_interval + Duration::from_millis(250))));
    }
}
