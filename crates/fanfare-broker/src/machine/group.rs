use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

use bytestring::ByteString;
use fanfare_core::{AttemptRecord, GroupSpec, Timestamp};

use super::{Class, RangeSet};
use crate::{
    bugs::{Bug, has_bug},
    record::{Acked, Dead, Held, Retried},
};

/// Failed attempts that are remembered per record; older ones are forgotten.
const HISTORY_MAX: usize = 32;

/// A consumer group.
///
/// ```text
/// positions  0 ......... cursor ................ end
///            all settled        | ranges: settled beyond the cursor
///                               | pending: attempts were counted, not settled yet
///            reopened: unsettled again, by redrive or resume, wherever they lie
/// ```
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) spec: GroupSpec,
    pub(crate) cursor: u64,
    pub(crate) ranges: RangeSet,
    /// Unsettled records, those that are passed over left out.
    pub(crate) lag: u64,
    pub(crate) pending: ByPosition<Pending>,
    /// Position to lease; the lease is of this process.
    pub(crate) reopened: BTreeMap<u64, u64>,
    pub(crate) dead: BTreeMap<u64, DeadEntry>,
    /// By the position where they resume.
    pub(crate) held: BTreeMap<u64, HeldEntry>,
    pub(crate) held_keys: HashMap<u32, u64>,
    /// Positions that were passed over, of all that is held.
    pub(crate) passed: usize,
    /// Which classes it takes, by number.
    takes: Vec<bool>,
    /// The lease of the consumer that has it now.
    pub(crate) session: Option<u64>,
}

/// A table by position. Its order has no meaning: who needs one sorts.
pub(crate) type ByPosition<T> = HashMap<u64, T, BuildHasherDefault<Spread>>;

/// Spreads positions, which nobody outside chooses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, position: u64) {
        let product = u128::from(position) * 0x9E37_79B9_7F4A_7C15_u128;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

/// Attempts at an unsettled record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pending {
    /// Attempts that were counted, the running one too.
    pub(crate) attempts: u32,
    pub(crate) is_running: bool,
    /// It was running when the process ended uncleanly.
    pub(crate) is_suspect: bool,
    pub(crate) due: Option<Timestamp>,
    pub(crate) history: Vec<AttemptRecord>,
}

/// A record that was given up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeadEntry {
    pub(crate) reason: ByteString,
    pub(crate) at: Timestamp,
    pub(crate) history: Vec<AttemptRecord>,
}

/// A key, or one record without a key, that is passed over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeldEntry {
    pub(crate) class: u32,
    pub(crate) key: Option<u32>,
    pub(crate) is_parked: bool,
    /// Positions that were passed over, ascending.
    pub(crate) passed: Vec<u64>,
}

impl Group {
    pub(crate) fn new(spec: GroupSpec, cursor: u64, lag: u64, classes: &[Class]) -> Self {
        let mut group = Self {
            spec,
            cursor,
            ranges: RangeSet::default(),
            lag,
            pending: ByPosition::default(),
            reopened: BTreeMap::new(),
            dead: BTreeMap::new(),
            held: BTreeMap::new(),
            held_keys: HashMap::new(),
            passed: 0,
            takes: Vec::new(),
            session: None,
        };
        group.refilter(classes);
        group
    }

    pub(crate) fn takes(&self, class: u32) -> bool {
        self.takes.get(class as usize).copied().unwrap_or(false)
    }

    pub(crate) fn learn(&mut self, class: &Class) {
        self.takes.push(self.spec.takes(class.topic.as_str(), &class.event_type));
    }

    pub(crate) fn refilter(&mut self, classes: &[Class]) {
        self.takes.clear();
        classes.iter().for_each(|class| self.learn(class));
    }

    /// Attempts at unsettled records, by position.
    pub(crate) fn pending_in_order(&self) -> Vec<(u64, &Pending)> {
        let mut all: Vec<_> = self.pending.iter().map(|(position, pending)| (*position, pending)).collect();
        all.sort_unstable_by_key(|(position, _)| *position);
        all
    }

    pub(crate) fn is_settled(&self, position: u64) -> bool {
        (position < self.cursor || self.ranges.contains(position)) && !self.reopened.contains_key(&position)
    }

    /// The lease under which a position is out now.
    pub(crate) fn lease_of(&self, position: u64) -> Option<u64> {
        self.reopened.get(&position).copied().filter(|lease| *lease != 0).or(self.session)
    }

    /// The first position that it may still need, dead letters left out.
    pub(crate) fn floor(&self) -> u64 {
        let reopened = self.reopened.keys().next().copied();
        let held = self.held.values().filter_map(|held| held.passed.first().copied()).min();
        [Some(self.cursor), reopened, held].into_iter().flatten().min().unwrap_or(self.cursor)
    }

    pub(super) fn add_event(&mut self, position: u64, class: u32, key: Option<u32>) {
        if !self.takes(class) {
            return;
        }
        if !self.held_keys.is_empty()
            && let Some(at) = key.and_then(|key| self.held_keys.get(&key))
            && let Some(held) = self.held.get_mut(at)
        {
            held.passed.push(position);
            self.passed += 1;
            self.settle_range(position, position + 1);
        } else {
            self.lag += 1;
        }
    }

    pub(super) fn count_attempts(&mut self, positions: &[u64]) {
        for position in positions {
            let pending = self.pending.entry(*position).or_default();
            pending.attempts += 1;
            pending.is_running = true;
            pending.due = None;
        }
    }

    pub(super) fn settle(&mut self, acked: &Acked) {
        for (from, to, count) in &acked.ranges {
            if to - from <= self.pending.len() as u64 {
                (*from..*to).for_each(|position| drop(self.pending.remove(&position)));
            } else {
                self.pending.retain(|position, _| !(*from..*to).contains(position));
            }
            self.settle_range(*from, *to);
            self.lag = self.lag.saturating_sub(*count);
        }
        for position in &acked.reopened {
            self.reopened.remove(position);
            self.pending.remove(position);
            self.lag = self.lag.saturating_sub(1);
        }
    }

    pub(super) fn retry(&mut self, retried: &Retried) {
        let pending = self.pending.entry(retried.position).or_default();
        match &retried.failed {
            Some(failed) => {
                if pending.history.len() == HISTORY_MAX {
                    pending.history.remove(0);
                }
                pending.history.push(failed.clone());
            }
            None if pending.is_running => pending.attempts = pending.attempts.saturating_sub(1),
            None => {}
        }
        pending.is_running = false;
        pending.is_suspect = false;
        pending.due = Some(retried.due);
    }

    pub(super) fn give_up(&mut self, dead: &Dead) {
        let pending = self.pending.remove(&dead.position).unwrap_or_default();
        let mut history = pending.history;
        history.extend(dead.failed.clone());
        if self.reopened.remove(&dead.position).is_none() {
            self.settle_range(dead.start, dead.position + 1);
        }
        self.lag = self.lag.saturating_sub(1);
        let entry = DeadEntry { reason: dead.reason.clone(), at: dead.at, history };
        self.dead.insert(dead.position, entry);
    }

    pub(super) fn hold(&mut self, held: &Held) {
        if let Some(key) = held.key {
            self.held_keys.insert(key, held.position);
        }
        for position in &held.passed {
            self.pending.remove(position);
            if self.reopened.remove(position).is_none() {
                self.settle_range(*position, *position + 1);
            }
            self.lag = self.lag.saturating_sub(1);
        }
        let entry = self.held.entry(held.position).or_insert_with(|| HeldEntry {
            class: held.class,
            key: held.key,
            is_parked: held.is_parked,
            passed: Vec::new(),
        });
        entry.passed.extend_from_slice(&held.passed);
        self.passed += held.passed.len();
        entry.passed.sort_unstable();
    }

    pub(super) fn resume(&mut self, position: u64) {
        let Some(held) = self.held.remove(&position) else { return };
        self.passed -= held.passed.len();
        if let Some(key) = held.key {
            self.held_keys.remove(&key);
        }
        self.reopen(&held.passed);
    }

    pub(super) fn reopen(&mut self, positions: &[u64]) {
        for position in positions {
            if self.reopened.insert(*position, 0).is_none() {
                self.lag += 1;
            }
        }
    }

    pub(super) fn redrive(&mut self, positions: &[u64]) {
        positions.iter().for_each(|position| drop(self.dead.remove(position)));
        self.reopen(positions);
    }

    pub(super) fn discard(&mut self, positions: &[u64]) {
        positions.iter().for_each(|position| drop(self.dead.remove(position)));
    }

    pub(super) fn release(&mut self, positions: &[u64]) {
        for position in positions {
            let Some(pending) = self.pending.get_mut(position) else { continue };
            pending.attempts = pending.attempts.saturating_sub(1);
            pending.is_running = false;
            let is_untouched = pending.attempts == 0 && !pending.is_suspect && pending.history.is_empty();
            if is_untouched && pending.due.is_none() {
                self.pending.remove(position);
            }
        }
    }

    /// After an unclean stop: what was running is a suspect.
    pub(super) fn suspect(&mut self) {
        for pending in self.pending.values_mut().filter(|pending| pending.is_running) {
            pending.is_running = false;
            pending.is_suspect = true;
        }
    }

    pub(super) fn unsettle(&mut self, positions: &[u64]) {
        positions.iter().for_each(|position| self.ranges.remove(*position));
    }

    fn settle_range(&mut self, from: u64, to: u64) {
        if from <= self.cursor || has_bug(Bug::CursorPastHole) {
            self.cursor = self.cursor.max(to);
        } else {
            self.ranges.insert(from, to);
        }
        self.cursor = self.ranges.advance(self.cursor);
    }
}
