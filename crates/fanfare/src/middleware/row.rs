//! The events of one key on their way into order. Pure: no clock, no handler.
//!
//! ```text
//! arrive --> waiting, by number or time --call--> the one that runs --end--> the next
//!    +--> late: those behind it have run
//! ```
//!
//! The invariant: one at a time runs, and none before one that stands before it and is there.

use std::{collections::BTreeMap, time::Duration};

/// What waits is a `T`.
pub(crate) struct Row<T> {
    /// Whether numbers follow one another without gaps; times do not.
    is_dense: bool,
    /// Where the next one stands, or the earliest that may still come in its turn.
    next: i128,
    running: Option<u64>,
    waiting: BTreeMap<(i128, u64), T>,
    /// When each that waits has waited long enough, in the order in which they came, and where it stands.
    arrived: BTreeMap<u64, (Duration, i128)>,
    last: u64,
}

/// What becomes of one that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It has a place, by this number, and is called in its turn.
    Waits(u64),
    /// Those behind it have run, or it is a repeat: it keeps no order.
    Late,
    /// As many wait as may.
    Full,
}

/// One whose turn it is.
pub(crate) struct Called<T> {
    pub(crate) place: u64,
    pub(crate) item: T,
    /// The first that was waited for and given up.
    pub(crate) missing: Option<i128>,
}

impl<T> Row<T> {
    /// A row of numbers that begins with `first`, or of times.
    pub(crate) fn new(first: Option<u64>) -> Self {
        Self {
            is_dense: first.is_some(),
            next: first.map_or(i128::MIN, i128::from),
            running: None,
            waiting: BTreeMap::new(),
            arrived: BTreeMap::new(),
            last: 0,
        }
    }

    /// Takes one in that stands `at` and waits until `due` at most; more than `waiting_max` do not wait.
    pub(crate) fn arrive(&mut self, at: i128, due: Duration, waiting_max: usize, item: T) -> Arrival {
        let is_repeat = self.is_dense && self.waiting.range((at, 0)..=(at, u64::MAX)).next().is_some();
        if at < self.next || is_repeat {
            return Arrival::Late;
        }
        let is_next = self.is_dense && at == self.next && self.running.is_none();
        if self.waiting.len() >= waiting_max && !is_next {
            return Arrival::Full;
        }
        self.last += 1;
        self.waiting.insert((at, self.last), item);
        self.arrived.insert(self.last, (due, at));
        Arrival::Waits(self.last)
    }

    /// The one whose turn it is.
    pub(crate) fn call(&mut self, now: Duration) -> Option<Called<T>> {
        if self.running.is_some() {
            return None;
        }
        let (&(at, place), _) = self.waiting.first_key_value()?;
        let is_due = self.next_due().is_some_and(|due| due <= now);
        let is_next = self.is_dense && at == self.next;
        if !is_due && !is_next {
            return None;
        }
        let item = self.waiting.remove(&(at, place))?;
        self.arrived.remove(&place);
        let missing = (self.is_dense && at > self.next).then_some(self.next);
        self.next = if self.is_dense { at.saturating_add(1) } else { at };
        self.running = Some(place);
        Some(Called { place, item, missing })
    }

    /// The one in this place has run, or does not come.
    pub(crate) fn end(&mut self, place: u64) {
        if self.running == Some(place) {
            self.running = None;
        } else if let Some((_, at)) = self.arrived.remove(&place) {
            self.waiting.remove(&(at, place));
        }
    }

    /// When somebody has waited long enough, unless one runs.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        let first = self.arrived.first_key_value().map(|(_, (due, _))| *due);
        first.filter(|_| self.running.is_none())
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Arrival, Row};

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    /// Everything that is called at a time, one after the other.
    fn calls(row: &mut Row<i128>, now: u64) -> Vec<i128> {
        let mut all = Vec::new();
        while let Some(called) = row.call(secs(now)) {
            all.push(called.item);
            row.end(called.place);
        }
        all
    }

    #[test]
    fn numbers_are_called_one_after_the_other_and_a_gap_is_given_up_when_it_is_due() {
        let mut row = Row::new(Some(1));
        for number in [3, 2] {
            assert!(matches!(row.arrive(number, secs(10), 9, number), Arrival::Waits(_)));
        }
        assert_eq!(calls(&mut row, 5), [0; 0]);
        assert!(matches!(row.arrive(1, secs(15), 9, 1), Arrival::Waits(_)));
        assert_eq!(calls(&mut row, 5), [1, 2, 3]);
        for number in [7, 5] {
            assert!(matches!(row.arrive(number, secs(20), 9, number), Arrival::Waits(_)));
        }
        assert_eq!(row.arrive(7, secs(20), 9, 7), Arrival::Late, "a repeat");
        assert_eq!((calls(&mut row, 19), row.next_due()), (vec![], Some(secs(20))));
        assert_eq!(calls(&mut row, 20), [5, 7]);
        assert_eq!(row.arrive(6, secs(30), 9, 6), Arrival::Late);
        assert!(row.is_idle());
    }

    #[test]
    fn times_are_called_in_order_once_one_of_them_has_waited() {
        let mut row = Row::new(None);
        for (at, due) in [(30, 10), (10, 12), (20, 14)] {
            assert!(matches!(row.arrive(at, secs(due), 9, at), Arrival::Waits(_)));
        }
        assert_eq!(calls(&mut row, 9), [0; 0]);
        assert_eq!(calls(&mut row, 10), [10, 20, 30], "all that stand before the one that is due");
        assert_eq!(row.arrive(29, secs(20), 9, 29), Arrival::Late);
        assert!(matches!(row.arrive(30, secs(20), 9, 30), Arrival::Waits(_)));
    }

    #[test]
    fn one_runs_at_a_time_those_that_leave_are_passed_over_and_no_more_wait_than_may() {
        let mut row = Row::new(Some(1));
        let _ = row.arrive(1, secs(10), 1, 1);
        let first = row.call(secs(0)).unwrap();
        let Arrival::Waits(second) = row.arrive(2, secs(10), 1, 2) else { panic!("it waits") };
        assert_eq!(row.arrive(3, secs(10), 1, 3), Arrival::Full);
        assert!(row.call(secs(99)).is_none(), "one runs");
        row.end(second);
        row.end(first.place);
        let _ = row.arrive(3, secs(10), 1, 3);
        assert_eq!(calls(&mut row, 9), [0; 0]);
        assert_eq!(calls(&mut row, 10), [3]);
    }
}
