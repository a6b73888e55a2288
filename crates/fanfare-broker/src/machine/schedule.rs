use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fanfare_core::Timestamp;

use super::publish::DUE_BYTES_MAX;

/// Events that wait for their time. They have no position yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    waiting: BTreeMap<u64, Waiting>,
    by_time: BTreeSet<(Timestamp, u64)>,
    pub(crate) next_id: u64,
    bytes: usize,
}

/// One event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) due: Timestamp,
    pub(crate) class: u32,
    /// The encoded message.
    pub(crate) message: Bytes,
}

impl Schedule {
    pub(crate) fn add(&mut self, id: u64, waiting: Waiting) {
        self.next_id = self.next_id.max(id + 1);
        self.bytes += waiting.message.len();
        self.by_time.insert((waiting.due, id));
        self.waiting.insert(id, waiting);
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        self.bytes -= waiting.message.len();
        self.by_time.remove(&(waiting.due, id));
        Some(waiting)
    }

    /// The next one that is due by now.
    pub(crate) fn due(&self, now: Timestamp) -> Option<(u64, &Waiting)> {
        let (_, id) = self.by_time.first().filter(|(due, _)| *due <= now)?;
        self.waiting.get(id).map(|waiting| (*id, waiting))
    }

    /// When the next one is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(due, _)| *due)
    }

    /// Bytes of the first ones, when they become events; at most.
    pub(crate) fn due_bytes(&self, max: usize) -> u64 {
        let mut bytes = 0;
        for (_, id) in self.by_time.iter().take(max) {
            bytes += self.waiting.get(id).map_or(0, |waiting| waiting.message.len() as u64 + 96);
            if bytes > DUE_BYTES_MAX as u64 {
                break;
            }
        }
        bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &Waiting)> {
        self.waiting.iter().map(|(id, waiting)| (*id, waiting))
    }
}
