//! What a damaged, torn, newer or foreign folder leads to.

use std::time::Duration;

use fanfare_broker::journal::{BatchBuf, Lsn};
use fanfare_broker::storage::file::{FileStorage, Options, open_on};
use fanfare_broker::storage::{Class, Error, ErrorKind, Recovered, Storage};
use fanfare_broker::testing::{FaultDisk, Rng};

const META: &str = "fanfare.meta";

fn open(disk: &FaultDisk) -> Result<(FileStorage, Recovered), Error> {
    let options = Options::new(42).segment_bytes(4096).reserve_bytes(4096).lock_wait(Duration::ZERO);
    open_on(disk.disk(), options)
}

fn append(storage: &mut FileStorage, count: usize) -> Vec<Lsn> {
    let mut appended = Vec::new();
    for number in 0..count {
        let mut batch = BatchBuf::new();
        batch.push_bytes(1, &[number as u8; 200]);
        appended.push(storage.append(&mut batch, Class::Event).unwrap());
    }
    appended
}

/// Opens, and reads everything.
fn recover(disk: &FaultDisk) -> Result<(FileStorage, Vec<Lsn>, fanfare_broker::storage::Report), Error> {
    let (storage, recovered) = open(disk)?;
    let report = recovered.report;
    let found: Result<Vec<_>, _> = recovered.batches.map(|batch| batch.map(|batch| batch.lsn())).collect();
    Ok((storage, found?, report))
}

fn flip(disk: &FaultDisk, name: &str, position: usize) {
    let mut bytes = disk.read(name).unwrap();
    bytes[position] ^= 0x10;
    disk.write(name, bytes).unwrap();
}

fn segments(disk: &FaultDisk) -> Vec<String> {
    disk.names().into_iter().filter(|name| name.starts_with("journal-")).collect()
}

#[test]
fn a_torn_tail_is_cut_and_reported() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    append(&mut storage, 3);
    storage.syncer().sync().unwrap();
    let tail = append(&mut storage, 3);
    disk.kill();
    let name = segments(&disk).pop().unwrap();
    let position = 64 + tail[1].0 + 50;
    flip(&disk, &name, position as usize);

    let (storage, found, report) = recover(&disk).unwrap();
    assert_eq!(found.len(), 4);
    let cut = report.cut.unwrap();
    assert_eq!((cut.lsn, cut.file, cut.position), (tail[1], name, 64 + tail[1].0));
    assert_eq!(cut.bytes, 2 * 237);
    assert_eq!(report.rewritten_bytes, 237, "the batch after the sync carries its mark");
    assert_eq!(storage.end(), tail[1]);
}

#[test]
fn damage_below_a_mark_that_a_later_batch_carries_is_refused() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    let first = append(&mut storage, 3);
    storage.syncer().sync().unwrap();
    append(&mut storage, 1);
    disk.kill();
    let name = segments(&disk).pop().unwrap();
    flip(&disk, &name, 64 + first[1].0 as usize + 50);

    let before = disk.read(&name).unwrap();
    let error = open(&disk).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.position(), Some(64 + first[1].0));
    assert_eq!(error.lsn(), Some(first[1]));
    let text = error.to_string();
    assert!(text.contains(&name) && text.contains("backup"), "{text}");
    assert_eq!(disk.read(&name).unwrap(), before, "nothing was changed");
}

#[test]
fn damage_below_a_snapshot_is_refused() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    let appended = append(&mut storage, 3);
    storage.snapshots().snapshot(appended[2], b"state").unwrap();
    disk.kill();
    let name = segments(&disk).pop().unwrap();
    let whole = disk.read(&name).unwrap();
    flip(&disk, &name, 64 + appended[1].0 as usize + 50);
    assert_eq!(
        open(&disk).unwrap_err().kind(),
        ErrorKind::Corrupt,
        "its name says that all before it was synced"
    );

    disk.write(&name, whole).unwrap();
    flip(&disk, &name, 64 + appended[2].0 as usize + 50);
    assert_eq!(recover(&disk).unwrap().1, appended[..2], "what follows it is a torn tail");
}

#[test]
fn damage_in_a_segment_before_the_mark_is_refused_while_batches_are_read() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    append(&mut storage, 60);
    Box::new(storage).close_clean().unwrap();
    disk.kill();
    let names = segments(&disk);
    assert!(names.len() > 2);
    flip(&disk, &names[1], 1000);
    let error = recover(&disk).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains(&names[1]));
}

#[test]
fn every_damaged_byte_of_a_cleanly_stopped_journal_is_refused() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    append(&mut storage, 20);
    let end = storage.end();
    Box::new(storage).close_clean().unwrap();
    disk.kill();
    let names = segments(&disk);
    let base = |name: &String| name["journal-".len()..][..20].parse::<u64>().unwrap();
    for (index, name) in names.iter().enumerate() {
        let whole = disk.read(name).unwrap();
        let used = 64 + (names.get(index + 1).map_or(end.0, base) - base(name)) as usize;
        for position in 0..used {
            flip(&disk, name, position);
            let meta = disk.read(META).unwrap();
            let error = recover(&disk).map(|_| ()).unwrap_err();
            let kind = error.kind();
            // A version of the future is what a flipped version reads as.
            let expected = kind == ErrorKind::Corrupt || (kind == ErrorKind::NewerFormat && position < 12);
            assert!(expected, "{name} byte {position}: {error}");
            disk.kill();
            disk.write(name, whole.clone()).unwrap();
            disk.write(META, meta).unwrap();
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_refused_or_cut_above_the_marks_but_never_read() {
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        let disk = FaultDisk::new(seed);
        let mut appended = Vec::new();
        let mut marked = 0;
        for _ in 0..1 + rng.below(3) {
            let (mut storage, recovered) = open(&disk).unwrap();
            drop(recovered);
            // What was recovered was synced, and the meta file says so.
            marked = appended.len();
            for _ in 0..rng.below(40) {
                match rng.below(4) {
                    0 => drop(storage.syncer().sync().unwrap()),
                    1 if rng.percent(20) => {
                        storage.snapshots().snapshot(storage.end(), b"state").unwrap();
                        marked = appended.len();
                    }
                    _ => {
                        let synced = storage.syncer().synced();
                        marked = marked.max(appended.partition_point(|lsn| *lsn < synced));
                        let mut batch = BatchBuf::new();
                        batch.push_bytes(1, &vec![7; rng.below(600) as usize]);
                        appended.push(storage.append(&mut batch, Class::Event).unwrap());
                    }
                }
            }
            if rng.percent(50) {
                Box::new(storage).close_clean().unwrap();
                marked = appended.len();
            }
            disk.kill();
        }
        let names = disk.names();
        let name = &names[rng.below(names.len() as u64) as usize];
        let mut bytes = disk.read(name).unwrap();
        let position = rng.below(bytes.len() as u64) as usize;
        bytes[position] ^= 1 + rng.below(255) as u8;
        disk.write(name, bytes).unwrap();
        match recover(&disk) {
            Ok((_, found, _)) => {
                assert_eq!(found, appended[..found.len()], "seed {seed}");
                assert!(found.len() >= marked, "seed {seed}: {name} byte {position}");
            }
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::NewerFormat),
                    "seed {seed}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_missing_segment_is_refused() {
    for missing in 0..4 {
        let disk = FaultDisk::new(1);
        let (mut storage, _) = open(&disk).unwrap();
        append(&mut storage, 60);
        Box::new(storage).close_clean().unwrap();
        disk.kill();
        let names = segments(&disk);
        assert_eq!(names.len(), 4);
        disk.remove(&names[missing]).unwrap();
        assert_eq!(recover(&disk).map(|_| ()).unwrap_err().kind(), ErrorKind::Corrupt, "{missing}");
    }
}

#[test]
fn a_missing_or_damaged_meta_file_is_refused() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    append(&mut storage, 1);
    drop(storage);
    disk.kill();
    let whole = disk.read(META).unwrap();
    for position in 0..whole.len() {
        flip(&disk, META, position);
        let kind = open(&disk).unwrap_err().kind();
        assert!(kind == ErrorKind::Corrupt || (8..12).contains(&position), "byte {position}: {kind:?}");
        disk.write(META, whole.clone()).unwrap();
    }
    disk.remove(META).unwrap();
    assert_eq!(open(&disk).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let disk = FaultDisk::new(1);
    drop(open(&disk).unwrap());
    let files = [META.to_owned(), segments(&disk).pop().unwrap()];
    for name in files {
        let whole = disk.read(&name).unwrap();
        let mut newer = whole.clone();
        newer[8..12].copy_from_slice(&2_u32.to_le_bytes());
        disk.write(&name, newer).unwrap();
        let error = open(&disk).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NewerFormat);
        let text = error.to_string();
        assert!(text.contains("format version 2") && text.contains("newer version"), "{text}");
        disk.write(&name, whole).unwrap();
    }
    open(&disk).unwrap();
}

#[test]
fn a_folder_that_is_open_is_refused_with_the_pid() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options::new(1).segment_bytes(4096).reserve_bytes(4096).lock_wait(Duration::ZERO);
    let held = fanfare_broker::storage::file::open(folder.path(), options()).unwrap();
    let error = fanfare_broker::storage::file::open(folder.path(), options()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.is_retryable());
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    drop(held);
    fanfare_broker::storage::file::open(folder.path(), options()).unwrap();
}

#[test]
fn unknown_files_are_left_alone() {
    let disk = FaultDisk::new(1);
    for name in ["notes.txt", "journal-1-1", "snapshot-x", "admin.sock"] {
        disk.write(name, b"mine".to_vec()).unwrap();
    }
    let (_, recovered) = open(&disk).unwrap();
    assert_eq!(recovered.report.unknown_files, ["admin.sock", "journal-1-1", "notes.txt", "snapshot-x"]);
    assert_eq!(disk.read("notes.txt").unwrap(), b"mine");
}

#[test]
fn a_failed_sync_poisons_until_the_storage_is_opened_again() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    append(&mut storage, 1);
    let syncer = storage.syncer();
    syncer.sync().unwrap();
    append(&mut storage, 1);
    disk.fail_syncs(true);
    assert_eq!(syncer.sync().unwrap_err().kind(), ErrorKind::Poisoned);
    disk.fail_syncs(false);
    assert_eq!(syncer.sync().unwrap_err().kind(), ErrorKind::Poisoned, "a sync is never tried again");
    let mut batch = BatchBuf::new();
    batch.push_bytes(1, b"more");
    assert_eq!(storage.append(&mut batch, Class::Event).unwrap_err().kind(), ErrorKind::Poisoned);
    let snapshots = storage.snapshots();
    assert_eq!(snapshots.snapshot(Lsn::ZERO, b"state").unwrap_err().kind(), ErrorKind::Poisoned);
    assert_eq!(Box::new(storage).close_clean().unwrap_err().kind(), ErrorKind::Poisoned);

    let (_, found, report) = recover(&disk).unwrap();
    assert!(!report.clean);
    assert_eq!(found.len(), 2, "the operating system still had it");
    disk.power_cut();
    let (_, found, _) = recover(&disk).unwrap();
    assert_eq!(found.len(), 2, "what was recovered was written again and synced");
}

#[test]
fn a_recovered_tail_is_on_the_disk_before_it_is_served() {
    for seed in 0..200 {
        let disk = FaultDisk::new(seed);
        let (mut storage, _) = open(&disk).unwrap();
        append(&mut storage, 2);
        storage.syncer().sync().unwrap();
        append(&mut storage, 3);
        disk.kill();
        let (_, found, report) = recover(&disk).unwrap();
        assert_eq!(found.len(), 5);
        assert!(report.rewritten_bytes > 0);
        disk.power_cut();
        let (_, found, _) = recover(&disk).unwrap();
        assert_eq!(found.len(), 5, "seed {seed}");
    }
}

#[test]
fn the_epoch_changes_when_receipts_may_have_been_lost() {
    let options = |entropy, is_lossy| {
        Options::new(entropy)
            .segment_bytes(4096)
            .reserve_bytes(4096)
            .lock_wait(Duration::ZERO)
            .lossy(is_lossy)
    };
    let epoch = |disk: &FaultDisk, entropy, is_lossy| {
        open_on(disk.disk(), options(entropy, is_lossy)).unwrap().1.report.epoch
    };
    for is_lossy in [false, true] {
        let disk = FaultDisk::new(9);
        let created = epoch(&disk, 1, is_lossy);
        assert_ne!(created, 1, "the store's id is not told");
        disk.kill();
        assert_eq!(epoch(&disk, 2, is_lossy), created, "the same boot");
        disk.power_cut();
        let after = epoch(&disk, 3, false);
        assert_eq!(
            after,
            if is_lossy { 3 } else { created },
            "what counts is how the last run gave receipts"
        );
        let (storage, _) = open_on(disk.disk(), options(4, is_lossy)).unwrap();
        Box::new(storage).close_clean().unwrap();
        disk.power_cut();
        assert_eq!(epoch(&disk, 5, is_lossy), after, "a clean stop");
    }
}

#[test]
fn a_failed_sync_counts_as_a_lost_machine_for_the_epoch() {
    let disk = FaultDisk::new(9);
    let options = |entropy| Options::new(entropy).segment_bytes(4096).reserve_bytes(4096).lossy(true);
    let (mut storage, _) = open_on(disk.disk(), options(1)).unwrap();
    append(&mut storage, 1);
    disk.fail_folder_syncs(true);
    assert_eq!(storage.set_epoch(1).unwrap_err().kind(), ErrorKind::Poisoned);
    disk.fail_folder_syncs(false);
    assert_eq!(storage.append(&mut one(), Class::Event).unwrap_err().kind(), ErrorKind::Poisoned);
    drop(storage);
    disk.kill();
    let (_, recovered) = open_on(disk.disk(), options(2)).unwrap();
    assert!(recovered.report.epoch_changed);
}

fn one() -> BatchBuf {
    let mut batch = BatchBuf::new();
    batch.push_bytes(1, b"one");
    batch
}

#[test]
fn a_damaged_snapshot_is_passed_over_while_the_journal_is_whole() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    append(&mut storage, 60);
    let lsn = storage.end();
    storage.snapshots().snapshot(lsn, b"state").unwrap();
    Box::new(storage).close_clean().unwrap();
    let name = format!("snapshot-{:020}", lsn.0);
    let (storage, recovered) = open(&disk).unwrap();
    assert_eq!(recovered.snapshot.as_ref().unwrap().body, "state");
    Box::new(storage).close_clean().unwrap();

    flip(&disk, &name, 41);
    let (mut storage, recovered) = open(&disk).unwrap();
    assert!(recovered.snapshot.is_none());
    assert_eq!(recovered.report.damaged_snapshots, [name]);
    assert_eq!(recovered.batches.count(), 60);

    append(&mut storage, 1);
    let (end, before) = (storage.end(), lsn.0);
    storage.snapshots().snapshot(end, b"state").unwrap();
    let start = storage.release(end).unwrap();
    assert!(start > Lsn::ZERO && start.0 <= before);
    Box::new(storage).close_clean().unwrap();
    flip(&disk, &format!("snapshot-{:020}", end.0), 41);
    assert_eq!(open(&disk).unwrap_err().kind(), ErrorKind::Corrupt, "nothing else has what was released");
}

#[test]
fn what_was_released_is_gone_and_the_rest_is_there() {
    let disk = FaultDisk::new(1);
    let (mut storage, _) = open(&disk).unwrap();
    let appended = append(&mut storage, 60);
    assert_eq!(storage.release(storage.end()).unwrap(), Lsn::ZERO, "no snapshot covers it");
    storage.snapshots().snapshot(appended[40], b"state").unwrap();
    let start = storage.release(storage.end()).unwrap();
    assert!(Lsn::ZERO < start && start <= appended[40]);
    let reader = storage.reader();
    assert_eq!(reader.read(Lsn(40), 10).unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(reader.batches(Lsn::ZERO).unwrap_err().kind(), ErrorKind::OutOfRange);
    let expected: Vec<_> = appended.iter().copied().filter(|lsn| *lsn >= start).collect();
    let found: Vec<_> = reader.batches(start).unwrap().map(|batch| batch.unwrap().lsn()).collect();
    assert_eq!(found, expected);
    Box::new(storage).close_clean().unwrap();
    let (_, found, _) = recover(&disk).unwrap();
    assert_eq!(found, expected);
}
