//! No bug is planted outside tests; the questions cost nothing.

/// The mistakes that tests plant, see `bugs/planted.rs`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bug {
    AckBeforeSync,
    AttemptNotWritten,
    CursorPastHole,
    SnapshotWithoutLast,
}

pub(crate) const fn has_bug(_: Bug) -> bool {
    false
}
