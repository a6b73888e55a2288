use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    task::Waker,
};

use parking_lot::Mutex;

/// Who waits for events to become visible, for mail, or for the end.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    waiting: Mutex<HashMap<u64, Waker>>,
    next: AtomicU64,
}

impl Hub {
    /// A number under which to wait.
    pub(crate) fn place(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits for the next wake. Look again afterwards: it may have happened before.
    pub(crate) fn wait(&self, place: u64, waker: &Waker) {
        let mut waiting = self.waiting.lock();
        match waiting.get_mut(&place) {
            Some(known) => known.clone_from(waker),
            None => drop(waiting.insert(place, waker.clone())),
        }
    }

    pub(crate) fn leave(&self, place: u64) {
        self.waiting.lock().remove(&place);
    }

    pub(crate) fn wake(&self, place: u64) {
        let waker = self.waiting.lock().remove(&place);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn wake_all(&self) {
        let all: Vec<Waker> = self.waiting.lock().drain().map(|(_, waker)| waker).collect();
        all.into_iter().for_each(Waker::wake);
    }
}
