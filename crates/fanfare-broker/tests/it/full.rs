//! A full disk.

use std::time::Duration;

use fanfare_broker::journal::BatchBuf;
use fanfare_broker::storage::file::{FileStorage, Options, open_on};
use fanfare_broker::storage::{Class, ErrorKind, Storage};
use fanfare_broker::testing::FaultDisk;

const SEGMENT: u64 = 16 << 10;

fn open(disk: &FaultDisk) -> (FileStorage, usize) {
    let options = Options::new(42).segment_bytes(SEGMENT).reserve_bytes(SEGMENT).lock_wait(Duration::ZERO);
    let (storage, recovered) = open_on(disk.disk(), options).unwrap();
    let count = recovered.batches.inspect(|batch| assert!(batch.is_ok())).count();
    (storage, count)
}

/// Appends until it is refused, and says how many there were.
fn fill(storage: &mut FileStorage, class: Class) -> usize {
    for count in 0.. {
        let mut batch = BatchBuf::new();
        batch.push_bytes(1, &[7; 1000]);
        let end = storage.end();
        if let Err(error) = storage.append(&mut batch, class) {
            assert_eq!(error.kind(), ErrorKind::Full);
            assert!(error.is_retryable());
            assert_eq!(storage.end(), end, "nothing was written");
            return count;
        }
    }
    unreachable!()
}

#[test]
fn bookkeeping_goes_on_when_events_are_refused_and_events_when_there_is_space_again() {
    let disk = FaultDisk::new(1);
    // Two segments, the reserve, and a little for the meta file.
    disk.set_quota(Some(3 * SEGMENT + 1000));
    let (mut storage, _) = open(&disk);
    let events = fill(&mut storage, Class::Event);
    assert_eq!(events, 2 * 15);
    assert!(storage.space().has_reserve);

    let bookkeeping = fill(&mut storage, Class::Bookkeeping);
    assert_eq!(bookkeeping, 15);
    assert!(!storage.space().has_reserve);
    assert_eq!(fill(&mut storage, Class::Event), 0);
    storage.syncer().sync().unwrap();

    disk.set_quota(Some(5 * SEGMENT + 1000));
    assert_eq!(fill(&mut storage, Class::Event), 15);
    assert!(storage.space().has_reserve, "events go on behind a new reserve only");
    assert_eq!(fill(&mut storage, Class::Bookkeeping), 15);

    let count = events + bookkeeping + 15 + 15;
    Box::new(storage).close_clean().unwrap();
    assert_eq!(open(&disk).1, count);
}

#[test]
fn a_segment_made_of_the_reserve_survives_a_power_cut() {
    for seed in 0..100 {
        let disk = FaultDisk::new(seed);
        disk.set_quota(Some(2 * SEGMENT + 1000));
        let (mut storage, _) = open(&disk);
        let count = fill(&mut storage, Class::Event) + fill(&mut storage, Class::Bookkeeping);
        assert_eq!(count, 30);
        storage.syncer().sync().unwrap();
        disk.power_cut();
        disk.set_quota(None);
        assert_eq!(open(&disk).1, count, "seed {seed}");
    }
}

#[test]
fn a_reserve_that_was_a_segment_for_a_while_is_made_again() {
    for seed in 0..100 {
        let disk = FaultDisk::new(seed);
        disk.set_quota(Some(2 * SEGMENT + 1000));
        let (mut storage, _) = open(&disk);
        fill(&mut storage, Class::Event);
        storage.syncer().sync().unwrap();
        fill(&mut storage, Class::Bookkeeping);
        disk.power_cut();
        disk.set_quota(None);
        drop(open(&disk));
        let reserve = disk.read("reserve").unwrap();
        assert!(reserve.len() as u64 == SEGMENT && reserve.iter().all(|byte| *byte == 0), "seed {seed}");
    }
}

#[test]
fn a_clean_stop_is_possible_on_a_full_disk() {
    let disk = FaultDisk::new(1);
    disk.set_quota(Some(2 * SEGMENT + 1000));
    let (mut storage, _) = open(&disk);
    let count = fill(&mut storage, Class::Event);
    disk.set_quota(Some(disk.used()));
    Box::new(storage).close_clean().unwrap();
    let (mut storage, found) = open(&disk);
    assert_eq!(found, count);
    assert_eq!(fill(&mut storage, Class::Event), 0);
}

#[test]
fn a_disk_whose_reserve_is_used_up_can_be_opened_and_read() {
    let disk = FaultDisk::new(1);
    disk.set_quota(Some(2 * SEGMENT + 1000));
    let (mut storage, _) = open(&disk);
    let mut count = fill(&mut storage, Class::Event);
    storage.syncer().sync().unwrap();
    while storage.append(&mut one(), Class::Bookkeeping).is_ok() {
        storage.syncer().sync().unwrap();
        count += 1;
    }
    drop(storage);
    for _ in 0..3 {
        let (mut storage, found) = open(&disk);
        assert_eq!(found, count);
        assert_eq!(fill(&mut storage, Class::Event), 0);
        assert_eq!(fill(&mut storage, Class::Bookkeeping), 0);
    }
    disk.set_quota(None);
    let (mut storage, _) = open(&disk);
    storage.append(&mut one(), Class::Event).unwrap();
}

fn one() -> BatchBuf {
    let mut batch = BatchBuf::new();
    batch.push_bytes(1, b"one");
    batch
}

#[test]
fn a_snapshot_that_has_no_space_leaves_the_older_one() {
    let disk = FaultDisk::new(1);
    disk.set_quota(Some(3 * SEGMENT));
    let (mut storage, _) = open(&disk);
    storage.snapshots().snapshot(storage.end(), b"old").unwrap();
    let mut batch = BatchBuf::new();
    batch.push_bytes(1, b"event");
    storage.append(&mut batch, Class::Event).unwrap();
    let error = storage.snapshots().snapshot(storage.end(), &[1; 2 * SEGMENT as usize]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full);
    Box::new(storage).close_clean().unwrap();
    let options = Options::new(1).segment_bytes(SEGMENT).reserve_bytes(SEGMENT);
    let (_, recovered) = open_on(disk.disk(), options).unwrap();
    assert_eq!(recovered.snapshot.unwrap().body, "old");
}
