//! The storage on the real file system.

use fanfare_broker::journal::BatchBuf;
use fanfare_broker::storage::file::{self, Options};
use fanfare_broker::storage::{Class, Storage};

fn options() -> Options {
    Options::new(7).segment_bytes(8192).reserve_bytes(8192).lock_wait(std::time::Duration::ZERO)
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
