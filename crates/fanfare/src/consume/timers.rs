//! When waiting deliveries are due.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

/// Due times of tasks, earliest first. A task is here at most once, while it waits.
#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(Duration, u32)>>);

impl Timers {
    pub(crate) fn insert(&mut self, due: Duration, task: u32) {
        self.0.push(Reverse((due, task)));
    }

    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.0.peek().map(|Reverse((due, _))| *due)
    }

    pub(crate) fn pop_due(&mut self, now: Duration) -> Option<u32> {
        let Reverse((due, task)) = *self.0.peek()?;
        (due <= now).then(|| {
            self.0.pop();
            task
        })
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
