//! Deliveries that wait for those before them, where a handler asks for the order of its events' own numbers or times.
//!
//! They wait before their attempt begins: unsettled, extended with all others, and not counted.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use bytestring::ByteString;
use fanfare_core::Recorded;

use crate::middleware::{Arrival, Resequence, Row};

/// The rows of one subscription.
pub(crate) struct Sequence {
    order: Resequence,
    rows: HashMap<ByteString, Row<u32>>,
    /// Where each delivery stands.
    places: HashMap<u32, (ByteString, u64)>,
    /// Rows in which somebody will have waited long enough, or that may have moved on already.
    dues: BTreeSet<(Duration, ByteString)>,
}

impl Sequence {
    pub(crate) fn new(order: Resequence) -> Self {
        Self { order, rows: HashMap::new(), places: HashMap::new(), dues: BTreeSet::new() }
    }

    /// Takes a delivery in; answers whether it waits. One that is late or in no order does not.
    pub(crate) fn arrive(&mut self, task: u32, record: &Recorded, now: Duration) -> bool {
        let Some((key, at)) = self.order.of_record(record) else { return false };
        Resequence::trim(&mut self.rows);
        let row = self.rows.entry(key.clone()).or_insert_with(|| self.order.row());
        // The subscription's `in_flight_max` is the limit.
        match row.arrive(at, now.saturating_add(self.order.wait()), usize::MAX, task) {
            Arrival::Waits(place) => {
                self.places.insert(task, (key.clone(), place));
                self.dues.insert((now, key));
                true
            }
            Arrival::Late | Arrival::Full => {
                tracing::debug!(key = &*key, at, "an event comes late");
                false
            }
        }
    }

    /// A delivery is settled: the next of its row may start.
    pub(crate) fn end(&mut self, task: u32) {
        if let Some((key, place)) = self.places.remove(&task) {
            if let Some(row) = self.rows.get_mut(&key) {
                row.end(place);
            }
            self.dues.insert((Duration::ZERO, key));
        }
    }

    /// The next delivery that may start.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<u32> {
        while let Some((due, key)) = self.dues.pop_first() {
            if due > now {
                self.dues.insert((due, key));
                return None;
            }
            let Some(row) = self.rows.get_mut(&key) else { continue };
            if let Some(called) = row.call(now) {
                if let Some(missing) = called.missing {
                    tracing::warn!(key = &*key, missing, "a missing event is given up");
                }
                return Some(called.item);
            }
            if let Some(due) = row.next_due() {
                self.dues.insert((due, key));
            }
        }
        None
    }

    /// When somebody has waited long enough.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.dues.first().map(|(due, _)| *due)
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.places.clear();
        self.dues.clear();
    }
}
