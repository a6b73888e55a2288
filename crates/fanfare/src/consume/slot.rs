//! What one worker does now, as the driver sees it.

use std::{
    sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use futures_util::task::AtomicWaker;

/// What a worker does.
///
/// ```text
/// Idle --claim--> Polling <--poll/pending--> Suspended
///   ^                |
///   +----- end ------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Nothing.
    Idle,
    /// It is inside a poll of the handler's future.
    Polling,
    /// The handler's future waits for something.
    Suspended,
}

/// One worker's state, written by the worker and read by the driver; only `cancel` goes the other way.
///
/// Aligned, so that workers on two cores do not write into one cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Slot {
    doing: AtomicU8,
    task: AtomicU32,
    started_nanos: AtomicU64,
    round: AtomicU32,
    /// Which run of this slot it is, from 1.
    serial: AtomicU64,
    /// The run that was cancelled last.
    cancelled: AtomicU64,
    /// Wakes the worker.
    pub(crate) waker: AtomicWaker,
}

impl Slot {
    /// Takes a run: from now on it can be cancelled.
    pub(crate) fn claim(&self, task: u32, round: u32) {
        self.task.store(task, Relaxed);
        self.round.store(round, Relaxed);
        self.serial.fetch_add(1, Relaxed);
        self.started_nanos.store(u64::MAX, Relaxed);
        self.set(Doing::Polling);
    }

    /// Says when the run that was claimed has started.
    pub(crate) fn start(&self, now: Duration) {
        self.started_nanos.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(crate) fn set(&self, doing: Doing) {
        self.doing.store(doing as u8, std::sync::atomic::Ordering::Release);
    }

    pub(crate) fn doing(&self) -> Doing {
        match self.doing.load(std::sync::atomic::Ordering::Acquire) {
            0 => Doing::Idle,
            1 => Doing::Polling,
            _ => Doing::Suspended,
        }
    }

    pub(crate) fn task(&self) -> u32 {
        self.task.load(Relaxed)
    }

    pub(crate) fn started(&self) -> Duration {
        Duration::from_nanos(self.started_nanos.load(Relaxed))
    }

    pub(crate) fn round(&self) -> u32 {
        self.round.load(Relaxed)
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial.load(Relaxed)
    }

    /// Asks the worker to drop the future of this run; a later run is not affected.
    pub(crate) fn cancel(&self, serial: u64) {
        self.cancelled.store(serial, Relaxed);
        self.waker.wake();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Relaxed) == self.serial()
    }
}

#[cfg(test)]
mod tests {
    use super::{Relaxed, Slot};

    #[test]
    fn no_run_of_a_slot_begins_cancelled_however_many_there_were() {
        let slot = Slot::default();
        slot.serial.store(u64::from(u32::MAX), Relaxed);
        slot.claim(1, 0);
        assert!(!slot.is_cancelled());
        slot.cancel(slot.serial());
        assert!(slot.is_cancelled());
    }
}
