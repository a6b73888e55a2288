//! Planted bugs: switched on one at a time by tests, so that the proofs are proved.

use std::cell::Cell;

/// A mistake that a test can plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Receipts are answered when the batch is written, before its sync.
    AckBeforeSync,
    /// Attempts are counted in memory and not written.
    AttemptNotWritten,
    /// A settlement moves the cursor behind it, whatever lies before.
    CursorPastHole,
    /// A snapshot says that it holds the batch that it lacks.
    SnapshotWithoutLast,
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants one bug into what this thread does, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

pub(crate) fn has_bug(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}
