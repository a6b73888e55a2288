//! What the transport keeps: one list of records, one cursor per group.

use std::{collections::BTreeMap, sync::Arc, task::Waker};

use fanfare_core::{Clock, Durability, Epoch, GroupName, Outgoing, Place, Receipt, Recorded};
use parking_lot::Mutex;

/// Shared by the transport, its consumers and its tails.
pub(super) struct Store {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) records: Vec<Arc<Recorded>>,
    pub(super) groups: BTreeMap<GroupName, Group>,
    pub(super) waiting: Vec<Waker>,
    /// Errors that the next submits are answered with, for tests.
    pub(super) failures: Vec<fanfare_core::ErrorKind>,
    pub(super) is_closed: bool,
}

/// A group's place.
#[derive(Default)]
pub(super) struct Group {
    pub(super) cursor: u64,
    /// Which consumer has it; raised by each that joins.
    pub(super) owner: Option<u64>,
}

impl Store {
    pub(super) fn append(&self, outgoing: Outgoing) -> Receipt {
        let mut state = self.state.lock();
        let position = state.records.len() as u64;
        // It knows nothing of topics and keys: offsets and revisions are not told.
        let place = Place::new(Epoch(0), position, 0, 0, self.clock.now());
        let receipt = Receipt::new(outgoing.message.metadata.id.clone(), Durability::Memory);
        state.records.push(Arc::new(Recorded::new(outgoing.message, place)));
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        receipt
    }

    pub(super) fn wake_all(&self) {
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }
}
