//! The storage on the real file system.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fanfare_broker::journal::{BatchBuf, Lsn};
use fanfare_broker::storage::file::{self, Options};
use fanfare_broker::storage::{Class, ErrorKind, Storage};
use fanfare_broker::testing::open_memory;

fn options() -> Options {
    Options::new(7).segment_bytes(8192).reserve_bytes(8192).lock_wait(Duration::ZERO)
}

fn batch(bodies: &[&[u8]]) -> BatchBuf {
    let mut batch = BatchBuf::new();
    for body in bodies {
        batch.push_bytes(1, body);
    }
    batch
}

#[test]
fn batches_are_there_after_a_clean_and_after_an_unclean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for round in 0..6 {
        let (mut storage, recovered) = file::open(folder.path(), options()).unwrap();
        let found: Vec<_> = recovered.batches.map(|batch| batch.unwrap()).collect();
        let bodies: Vec<Vec<u8>> = found
            .iter()
            .flat_map(|batch| batch.records().map(|r| r.body.to_vec()).collect::<Vec<_>>())
            .collect();
        assert_eq!(bodies, expected);
        assert_eq!(recovered.report.clean, round % 2 == 0);
        for number in 0..100 {
            let body = format!("round {round} number {number} {}", "x".repeat(100)).into_bytes();
            let mut batch = batch(&[&body]);
            let lsn = storage.append(&mut batch, Class::Event).unwrap();
            let read = storage.reader().read(lsn.advance(37), body.len()).unwrap();
            assert_eq!(read, body);
            expected.push(body);
        }
        assert_eq!(storage.syncer().sync().unwrap(), storage.end());
        if round % 2 == 1 {
            Box::new(storage).close_clean().unwrap();
        }
    }
}

#[tokio::test]
async fn a_folder_that_a_broker_makes_is_made_as_storage_makes_it() {
    // Which syncs the name of each folder that it makes, and gives it to its owner only.
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("deep/data");
    drop(fanfare_broker::Broker::open(&folder, crate::broker::rig::options()).await.unwrap());
    for made in [above.path().join("deep"), folder] {
        assert_eq!(std::fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn the_folder_and_its_files_are_for_their_owner_only() {
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("deep/data");
    let (storage, _) = file::open(&folder, options()).unwrap();
    storage.snapshots().snapshot(Lsn::ZERO, b"state").unwrap();
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().into_string().unwrap());
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{names:?}");
    }
    names.sort();
    let segment = format!("journal-{:020}-{:010}", 0, 1);
    assert_eq!(names, ["fanfare.meta", &segment, "lock", "reserve", &format!("snapshot-{:020}", 0)]);
}

#[test]
fn an_open_waits_for_the_one_before_to_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, _) = file::open(folder.path(), options()).unwrap();
    let is_waiting = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let second = scope.spawn(|| {
            is_waiting.store(true, Ordering::SeqCst);
            file::open(folder.path(), options().lock_wait(Duration::from_secs(60))).map(|_| ())
        });
        while !is_waiting.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        Box::new(storage).close_clean().unwrap();
        second.join().unwrap().unwrap();
    });
}

#[test]
fn closing_ends_syncers_and_snapshots_and_gives_the_folder_free() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = file::open(folder.path(), options()).unwrap();
    let lsn = storage.append(&mut batch(&[b"kept"]), Class::Event).unwrap();
    let (syncer, reader, snapshots) = (storage.syncer(), storage.reader(), storage.snapshots());
    Box::new(storage).close_clean().unwrap();
    let (_open, _) = file::open(folder.path(), options()).unwrap();
    assert_eq!(syncer.sync().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(snapshots.snapshot(lsn, b"late").unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(reader.read(lsn.advance(37), 4).unwrap(), "kept");
}

#[test]
fn appending_syncing_and_reading_go_on_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = file::open(folder.path(), options()).unwrap();
    let (syncer, reader) = (storage.syncer(), storage.reader());
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| {
            let mut synced = Lsn::ZERO;
            while !is_over.load(Ordering::Acquire) {
                let now = syncer.sync().unwrap();
                assert!(now >= synced);
                synced = now;
            }
        });
        let reading = scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                let mut number = 0_u64;
                for batch in reader.batches(Lsn::ZERO).unwrap() {
                    for record in batch.unwrap().records() {
                        assert_eq!(record.body[..8], number.to_le_bytes());
                        assert_eq!(reader.read(record.lsn, record.body.len()).unwrap(), record.body);
                        number += 1;
                    }
                }
            }
        });
        for number in 0..3000_u64 {
            let body = number.to_le_bytes().repeat(1 + number as usize % 40);
            storage.append(&mut batch(&[&body]), Class::Event).unwrap();
        }
        is_over.store(true, Ordering::Release);
        syncing.join().unwrap();
        reading.join().unwrap();
    });
    assert!(storage.space().segments > 10);
}

#[test]
fn a_batch_larger_than_a_segment_gets_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let large = vec![7; 100_000];
    for round in 0..3 {
        let (mut storage, recovered) = file::open(folder.path(), options()).unwrap();
        assert_eq!(recovered.batches.filter(|batch| batch.is_ok()).count(), round);
        storage.append(&mut batch(&[&large]), Class::Event).unwrap();
    }
}

#[test]
fn a_journal_in_memory_reads_as_it_was_written_and_releases_what_is_old() {
    let (mut storage, _) = open_memory(7);
    let mut appended = Vec::new();
    for number in 0..10_u8 {
        appended.push(storage.append(&mut batch(&[&[number; 100], b"second"]), Class::Event).unwrap());
    }
    let reader = storage.reader();
    assert_eq!(storage.syncer().sync().unwrap(), storage.end());
    assert_eq!(reader.read(appended[3].advance(37), 100).unwrap(), [3; 100][..]);
    let found: Vec<_> = reader.batches(appended[4]).unwrap().map(|batch| batch.unwrap().lsn()).collect();
    assert_eq!(found, appended[4..]);
    assert_eq!(storage.release(appended[5].advance(1)).unwrap(), appended[5]);
    assert_eq!(reader.read(appended[3].advance(37), 100).unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(reader.read(storage.end(), 1).unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(reader.batches(Lsn::ZERO).unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn what_is_unsynced_stays_bounded_though_nobody_syncs() {
    let folder = tempfile::tempdir().unwrap();
    let (mut storage, _) = file::open(folder.path(), options()).unwrap();
    for _ in 0..40 {
        storage.append(&mut batch(&[&[1; 8000]]), Class::Event).unwrap();
        let unsynced = storage.end().since(storage.syncer().synced());
        assert!(unsynced <= 18 * 8192, "{unsynced}");
    }
}

#[test]
fn batches_across_the_bounds_of_what_is_read_at_once_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let options = || options().segment_bytes(8 << 20);
    let (mut storage, _) = file::open(folder.path(), options()).unwrap();
    let body = |number: u64| number.to_le_bytes().repeat((number * 7919 % 4000) as usize);
    for number in 0..1000 {
        storage.append(&mut batch(&[&body(number)]), Class::Event).unwrap();
    }
    drop(storage);
    for _ in 0..2 {
        let (_, recovered) = file::open(folder.path(), options()).unwrap();
        let mut number = 0;
        for batch in recovered.batches {
            assert!(batch.unwrap().records().next().unwrap().body == body(number));
            number += 1;
        }
        assert_eq!(number, 1000);
    }
}
