//! Planted bugs: switched on one at a time by tests, so that the proofs are proved.

use std::sync::atomic::{AtomicU8, Ordering};

/// A mistake that a test can plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// Receipts are answered when the batch is written, before its sync.
    AckBeforeSync = 1,
    /// Attempts are counted in memory and not written.
    AttemptNotWritten = 2,
    /// A settlement moves the cursor behind it, whatever lies before.
    CursorPastHole = 3,
    /// A snapshot says that it holds the batch that it lacks.
    SnapshotWithoutLast = 4,
}

static PLANTED: AtomicU8 = AtomicU8::new(0);

/// Plants one bug for the whole process, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.store(bug.map_or(0, |bug| bug as u8), Ordering::Relaxed);
}

pub(crate) fn has_bug(bug: Bug) -> bool {
    PLANTED.load(Ordering::Relaxed) == bug as u8
}
