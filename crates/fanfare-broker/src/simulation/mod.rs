//! Lives of the engine on a disk that forgets what was not synced, judged from outside: what receipts and
//! answers promised must be there after each crash. One thread, one seed: every run can be had again.

mod judge;
mod life;

use crate::bugs::{Bug, plant};
use life::run;

const SEEDS: u64 = 150;

#[test]
fn what_was_promised_is_there_after_every_crash() {
    for seed in 0..SEEDS {
        if let Err(wrong) = run(seed) {
            panic!("seed {seed}: {wrong}");
        }
    }
}

#[test]
fn a_receipt_before_the_sync_is_found() {
    assert!(found(Bug::AckBeforeSync));
}

#[test]
fn an_attempt_that_is_not_written_is_found() {
    assert!(found(Bug::AttemptNotWritten));
}

#[test]
fn a_cursor_past_a_hole_is_found() {
    assert!(found(Bug::CursorPastHole));
}

#[test]
fn a_snapshot_without_its_last_batch_is_found() {
    assert!(found(Bug::SnapshotWithoutLast));
}

/// Whether a default seed finds the planted bug.
fn found(bug: Bug) -> bool {
    plant(Some(bug));
    let found = (0..SEEDS).find(|seed| run(*seed).is_err());
    plant(None);
    found.is_some()
}
