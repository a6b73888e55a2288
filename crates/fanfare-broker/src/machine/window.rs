use fanfare_core::Timestamp;
use hashbrown::HashTable;

use crate::index::Chunks;

/// How long a repeat is recognised, in time that the store was open.
const OPEN_MS_MAX: u64 = 10 * 60 * 1000;

/// What was published lately, so that a repeat is recognised.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// By number, in order of appearance.
    seen: Chunks<Seen>,
    /// Number of the oldest that is remembered.
    base: u64,
    table: HashTable<Slot>,
    count_max: usize,
    pub(crate) open_ms: u64,
    /// Publishes that were forgotten before their time, in this process: there were too many.
    pub(crate) cut: u64,
}

/// Finds a publish: parts of its identity and of its number, so that the table is small and grows without looking at
/// what it leads to.
#[derive(Clone, Copy, Debug)]
struct Slot {
    identity: u32,
    number: u32,
}

impl Slot {
    fn of(identity: u128, number: u64) -> Self {
        Self { identity: identity as u32, number: number as u32 }
    }

    /// The table looks at both ends of a hash.
    fn hash(&self) -> u64 {
        u64::from(self.identity) << 32 | u64::from(self.identity)
    }
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
        Self { seen: Chunks::new(), base: 0, table: HashTable::new(), count_max, open_ms: 0, cut: 0 }
    }

    pub(crate) fn find(&self, identity: u128) -> Option<&Seen> {
        let wanted = Slot::of(identity, 0);
        let is_it = |slot: &Slot| {
            slot.identity == wanted.identity && self.at(*slot).is_some_and(|seen| seen.identity == identity)
        };
        self.at(*self.table.find(wanted.hash(), is_it)?)
    }

    pub(crate) fn add(&mut self, identity: u128, content: u64, first: First) {
        let slot = Slot::of(identity, self.seen.len());
        self.seen.push(Seen { identity, content, open_ms: self.open_ms, first });
        self.table.insert_unique(slot.hash(), slot, Slot::hash);
        if self.len() > self.count_max as u64 {
            self.cut += 1;
            self.forget_oldest();
        }
    }

    /// Moves the open time on and forgets what is too old.
    pub(crate) fn age(&mut self, open_ms: u64) {
        self.open_ms = self.open_ms.max(open_ms);
        while self.seen.get(self.base).is_some_and(|seen| seen.open_ms + OPEN_MS_MAX < self.open_ms) {
            self.forget_oldest();
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.seen.len() - self.base
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Seen> {
        (self.base..self.seen.len()).filter_map(|number| self.seen.get(number))
    }

    /// Puts back what a snapshot holds, oldest first.
    pub(crate) fn restore(&mut self, seen: Seen) {
        let open_ms = std::mem::replace(&mut self.open_ms, seen.open_ms);
        self.add(seen.identity, seen.content, seen.first);
        self.open_ms = open_ms.max(seen.open_ms);
    }

    fn at(&self, slot: Slot) -> Option<&Seen> {
        let behind_oldest = slot.number.wrapping_sub(self.base as u32);
        self.seen.get(self.base + u64::from(behind_oldest))
    }

    fn forget_oldest(&mut self) {
        let Some(seen) = self.seen.get(self.base) else { return };
        let slot = Slot::of(seen.identity, self.base);
        self.base += 1;
        self.seen.drop_before(self.base);
        if let Ok(entry) = self.table.find_entry(slot.hash(), |known| known.number == slot.number) {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{First, Window};

    #[test]
    fn the_newest_are_remembered_and_no_others() {
        let mut window = Window::new(100);
        // Their lower halves are alike: what is found is compared as a whole.
        let identity = |number: u64| u128::from(number) << 64 | u128::from(number % 7);
        for number in 0..20_000 {
            window.add(identity(number), number, First::Scheduled(number));
        }
        for number in 0..20_000 {
            let found = window.find(identity(number)).map(|seen| seen.content);
            assert_eq!(found, (number >= 19_900).then_some(number));
        }
        assert_eq!((window.len(), window.iter().count()), (100, 100));
    }
}
