use std::collections::VecDeque;

use fanfare_core::Timestamp;
use hashbrown::HashTable;

/// How long a repeat is recognised, in time that the store was open.
const OPEN_MS_MAX: u64 = 10 * 60 * 1000;

/// What was published lately, so that a repeat is recognised.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    seen: VecDeque<Seen>,
    /// Number of the first entry of `seen` since the window exists.
    base: u64,
    table: HashTable<u64>,
    count_max: usize,
    pub(crate) open_ms: u64,
    /// Publishes that were forgotten before their time, in this process: there were too many.
    pub(crate) cut: u64,
}

/// One publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Of topic, key and idempotency key, or of topic, key, source and id.
    pub(crate) identity: u128,
    /// Of type and payload, when there was an idempotency key; else 0.
    pub(crate) content: u64,
    /// When, in time that the store was open.
    pub(crate) open_ms: u64,
    pub(crate) first: First,
}

/// What the first publish came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Placed { position: u64, offset: u64, revision: u64, recorded_at: Timestamp },
    Scheduled(u64),
}

impl Window {
    pub(crate) fn new(count_max: usize) -> Self {
        Self { seen: VecDeque::new(), base: 0, table: HashTable::new(), count_max, open_ms: 0, cut: 0 }
    }

    pub(crate) fn find(&self, identity: u128) -> Option<&Seen> {
        let number = self
            .table
            .find(identity as u64, |number| self.at(*number).is_some_and(|seen| seen.identity == identity))?;
        self.at(*number)
    }

    pub(crate) fn add(&mut self, identity: u128, content: u64, first: First) {
        let number = self.base + self.seen.len() as u64;
        self.seen.push_back(Seen { identity, content, open_ms: self.open_ms, first });
        let (seen, base) = (&self.seen, self.base);
        self.table.insert_unique(identity as u64, number, |number| {
            seen.get((number - base) as usize).map_or(0, |seen| seen.identity as u64)
        });
        if self.seen.len() > self.count_max {
            self.cut += 1;
            self.forget_oldest();
        }
    }

    /// Moves the open time on and forgets what is too old.
    pub(crate) fn age(&mut self, open_ms: u64) {
        self.open_ms = self.open_ms.max(open_ms);
        while self.seen.front().is_some_and(|seen| seen.open_ms + OPEN_MS_MAX < self.open_ms) {
            self.forget_oldest();
        }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Seen> {
        self.seen.iter()
    }

    /// Puts back what a snapshot holds, oldest first.
    pub(crate) fn restore(&mut self, seen: Seen) {
        let open_ms = std::mem::replace(&mut self.open_ms, seen.open_ms);
        self.add(seen.identity, seen.content, seen.first);
        self.open_ms = open_ms.max(seen.open_ms);
    }

    fn at(&self, number: u64) -> Option<&Seen> {
        self.seen.get(usize::try_from(number.checked_sub(self.base)?).ok()?)
    }

    fn forget_oldest(&mut self) {
        let (Some(seen), number) = (self.seen.pop_front(), self.base) else { return };
        self.base += 1;
        if let Ok(entry) = self.table.find_entry(seen.identity as u64, |known| *known == number) {
            entry.remove();
        }
    }
}
