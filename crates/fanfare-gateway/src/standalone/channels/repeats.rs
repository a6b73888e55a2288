//! Publishes that come twice: by channel and idempotency key, for five minutes.
//!
//! What is kept in the journal is also recognised there, after a restart too; this remembers it for what is live only, and
//! answers a repeat whose payload differs like the first.

use super::publish::Position;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: HashMap<(String, String), Option<Position>>,
    /// In the order in which they came.
    ages: VecDeque<(Duration, (String, String))>,
}

impl Repeats {
    const WINDOW: Duration = Duration::from_secs(300);
    /// More are forgotten early, the oldest first.
    const MAX: usize = 100_000;

    /// What the first publish was answered.
    pub(super) fn first(&self, channel: &str, key: &str, now: Duration) -> Option<Option<Position>> {
        let mut state = self.0.lock();
        state.forget(now);
        state.known.get(&(channel.to_owned(), key.to_owned())).cloned()
    }

    pub(super) fn remember(&self, channel: &str, key: String, answer: Option<Position>, now: Duration) {
        self.0.lock().insert((channel.to_owned(), key), answer, now);
    }

    /// Remembers a live publish; false when it is a repeat.
    pub(super) fn claim(&self, channel: &str, key: String, now: Duration) -> bool {
        let mut state = self.0.lock();
        state.forget(now);
        let both = (channel.to_owned(), key);
        let is_new = !state.known.contains_key(&both);
        if is_new {
            state.insert(both, None, now);
        }
        is_new
    }
}

impl State {
    fn insert(&mut self, both: (String, String), answer: Option<Position>, now: Duration) {
        if self.known.insert(both.clone(), answer).is_none() {
            self.ages.push_back((now, both));
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Duration) {
        while let Some((came, _)) = self.ages.front() {
            if self.ages.len() <= Repeats::MAX && now.saturating_sub(*came) < Repeats::WINDOW {
                return;
            }
            if let Some((_, both)) = self.ages.pop_front() {
                self.known.remove(&both);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_one_of_the_same_channel_for_five_minutes() {
        let repeats = Repeats::default();
        let at = Duration::from_secs;
        assert!(repeats.claim("a", "1".into(), at(0)));
        assert!(repeats.claim("b", "1".into(), at(0)));
        assert!(!repeats.claim("a", "1".into(), at(299)));
        assert!(repeats.claim("a", "1".into(), at(300)));
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let repeats = Repeats::default();
        for index in 0..=Repeats::MAX {
            repeats.claim("a", index.to_string(), Duration::ZERO);
        }
        assert_eq!(repeats.0.lock().known.len(), Repeats::MAX);
        assert!(repeats.first("a", "0", Duration::ZERO).is_none());
        assert!(repeats.first("a", "1", Duration::ZERO).is_some());
    }
}
