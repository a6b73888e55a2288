//! Crashes of the process and of the machine, at every point.

use fanfare_broker::testing::Plant;

use crate::world;

const SEEDS: u64 = 250;
const LIVES: u32 = 8;

#[test]
fn a_crash_loses_nothing_synced_and_leaves_a_prefix() {
    for seed in 0..SEEDS {
        if let Err(wrong) = world::run(seed, LIVES, None) {
            panic!("{wrong}");
        }
    }
}

#[test]
#[ignore = "minutes long; run it with --release after a change of the storage"]
fn many_more_crashes_lose_nothing_either() {
    for seed in 1_000_000..1_050_000 {
        if let Err(wrong) = world::run(seed, LIVES, None) {
            panic!("{wrong}");
        }
    }
}

#[test]
fn a_file_sync_that_does_nothing_is_found() {
    assert!(found(Plant::FileSyncDoesNothing) > 0);
}

#[test]
fn a_folder_sync_that_does_nothing_is_found() {
    assert!(found(Plant::FolderSyncDoesNothing) > 0);
}

/// How many of the default seeds find the planted fault.
fn found(plant: Plant) -> usize {
    (0..SEEDS).filter(|seed| world::run(*seed, LIVES, Some(plant)).is_err()).count()
}
