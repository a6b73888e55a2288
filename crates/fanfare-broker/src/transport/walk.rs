use std::sync::Arc;

use fanfare_core::{Error, Recorded, Ticket};

use super::filter::Filter;
use crate::{driver::Core, index::Found};

/// Positions that one look examines at most, so that nobody waits long for the lock.
const LOOK_MAX: u64 = 16_384;

/// Goes over visible positions in order, and picks those that a filter wants.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) filter: Filter,
    pub(crate) next: u64,
}

/// What a look found.
#[derive(Debug, Default)]
pub(crate) struct Look {
    pub(crate) found: Vec<Found>,
    /// Nothing more is visible now.
    pub(crate) is_end: bool,
}

impl Walk {
    pub(crate) fn new(filter: Filter, next: u64) -> Self {
        Self { filter, next }
    }

    /// Picks up to `max` positions before `to` that `wants` (by position and key) lets through. What comes behind the first
    /// that is not in memory is left for the next look, unless it is not in memory either.
    pub(crate) fn look(
        &mut self,
        core: &Core,
        to: u64,
        max: usize,
        wants: impl Fn(u64, Option<u32>) -> bool,
    ) -> Look {
        let inner = core.index.read();
        self.filter.learn(&inner);
        self.next = self.next.max(inner.start());
        let mut look = Look::default();
        let stop = to.min(self.next + LOOK_MAX);
        while self.next < stop && look.found.len() < max {
            let position = self.next;
            let Some(entry) = inner.entry(position) else { break };
            if self.filter.wants(entry.class) && wants(position, entry.key()) {
                let record = inner.record(position).cloned();
                let is_other =
                    look.found.first().is_some_and(|(_, first)| first.is_some() != record.is_some());
                if is_other {
                    return look;
                }
                look.found.push((position, record));
            }
            self.next += 1;
        }
        look.is_end = self.next >= to;
        look
    }
}

/// Records that are being read from the journal.
pub(crate) type Loading = Ticket<Vec<Arc<Recorded>>>;

/// Either all records are there, or they have to be read.
pub(crate) fn split(found: Vec<Found>) -> Result<Vec<Arc<Recorded>>, Vec<u64>> {
    if found.iter().all(|(_, record)| record.is_some()) {
        Ok(found.into_iter().filter_map(|(_, record)| record).collect())
    } else {
        Err(found.into_iter().map(|(position, _)| position).collect())
    }
}

/// Reads records in the reader's thread.
pub(crate) fn load(core: &Core, positions: Vec<u64>) -> Loading {
    core.read(move |source| -> Result<Vec<Arc<Recorded>>, Error> { source.load(&positions) })
}
