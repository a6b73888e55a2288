//! A writer, a syncer and a writer of snapshots at the same time, and the power is cut under them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fanfare_broker::journal::{BatchBuf, Lsn};
use fanfare_broker::storage::file::{Options, open_on};
use fanfare_broker::storage::{Class, Storage};
use fanfare_broker::testing::{FaultDisk, Rng};

#[test]
fn what_a_concurrent_sync_covered_survives_a_power_cut() {
    for seed in 0..150 {
        one_life(seed);
    }
}

fn options() -> Options {
    Options::new(3).segment_bytes(4096).reserve_bytes(4096).lock_wait(Duration::ZERO)
}

fn one_life(seed: u64) {
    let mut rng = Rng::new(seed);
    let disk = FaultDisk::new(seed);
    let (mut storage, _) = open_on(disk.disk(), options()).unwrap();
    let (syncer, snapshots) = (storage.syncer(), storage.snapshots());
    let written: Mutex<Vec<(Lsn, u64)>> = Mutex::default();
    let synced = Mutex::new(Lsn::ZERO);
    let snapshot = Mutex::new(Lsn::ZERO);
    let is_over = AtomicBool::new(false);
    disk.stop_after(20 + rng.below(300));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                // Everything that was written before the call is covered by it.
                let before = written.lock().unwrap().last().map_or(Lsn::ZERO, |(lsn, _)| *lsn);
                let Ok(now) = syncer.sync() else { break };
                assert!(now > before || before == Lsn::ZERO);
                let mut synced = synced.lock().unwrap();
                *synced = now.max(*synced);
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Acquire) {
                let lsn = written.lock().unwrap().last().map_or(Lsn::ZERO, |(lsn, _)| *lsn);
                if snapshots.snapshot(lsn, &lsn.0.to_le_bytes()).is_err() {
                    break;
                }
                *snapshot.lock().unwrap() = lsn;
            }
        });
        for number in 0_u64.. {
            let mut batch = BatchBuf::new();
            batch.push_bytes(1, &vec![number as u8; rng.below(700) as usize]);
            batch.push_bytes(2, &number.to_le_bytes());
            let Ok(lsn) = storage.append(&mut batch, Class::Event) else { break };
            written.lock().unwrap().push((lsn, number));
        }
        is_over.store(true, Ordering::Release);
    });
    drop(storage);
    disk.power_cut();
    let (_storage, recovered) = open_on(disk.disk(), options()).unwrap();
    let found: Vec<_> = recovered
        .batches
        .map(|batch| {
            let batch = batch.unwrap();
            let number = batch.records().nth(1).unwrap().body.try_into().unwrap();
            (batch.lsn(), u64::from_le_bytes(number), batch.end())
        })
        .collect();
    let synced = *synced.lock().unwrap();
    assert!(found.last().map_or(Lsn::ZERO, |(_, _, end)| *end) >= synced, "seed {seed}: lost below {synced}");
    for (index, (lsn, number, _)) in found.iter().enumerate() {
        // The last may be one whose append had not returned.
        let expected = written.lock().unwrap().get(index).copied();
        assert!(expected.is_none_or(|expected| expected == (*lsn, *number)), "seed {seed}");
    }
    assert!(found.len() <= written.lock().unwrap().len() + 1);
    let found_snapshot = recovered.snapshot.map_or(Lsn::ZERO, |snapshot| {
        assert_eq!(snapshot.body, snapshot.lsn.0.to_le_bytes()[..]);
        snapshot.lsn
    });
    assert!(found_snapshot >= *snapshot.lock().unwrap(), "seed {seed}");
}
