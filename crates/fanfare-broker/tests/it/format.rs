//! The bytes of the format: what they are, and that no damage goes unseen.

use std::path::PathBuf;

use bytes::Bytes;
use fanfare_broker::journal::{Batch, Lsn, Meta, SEGMENT_HEADER_LEN, SegmentHeader, SnapshotHeader, Stop};
use fanfare_broker::storage::file::{Options, open};
use fanfare_broker::storage::{Class, Storage};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/v1"));
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("testdata/formats/v1/{name}: {error}"))
}

fn header() -> SegmentHeader {
    SegmentHeader { store: 0x1122_3344_5566_7788, generation: 3, base: Lsn(1000) }
}

fn meta() -> Meta {
    Meta {
        store: 0x1122_3344_5566_7788,
        epoch: 0x99aa_bbcc_ddee_ff00,
        start: Lsn(500),
        synced: Lsn(1107),
        boot: Some(*b"0123456789abcdef"),
        stop: Stop::Clean,
        lossy: true,
    }
}

/// A segment as a storage writes it: its header and two batches.
fn segment() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(header().store).segment_bytes(4096).reserve_bytes(4096);
    let (mut storage, _) = open(folder.path(), options).unwrap();
    let mut batch = fanfare_broker::journal::BatchBuf::new();
    batch.push_bytes(1, b"an event");
    batch.push_bytes(2, b"");
    storage.append(&mut batch, Class::Event).unwrap();
    storage.syncer().sync().unwrap();
    batch.clear();
    batch.push_bytes(255, &[0xab; 20]);
    storage.append(&mut batch, Class::Bookkeeping).unwrap();
    let end = SEGMENT_HEADER_LEN + storage.end().0 as usize;
    drop(storage);
    let bytes = std::fs::read(folder.path().join(format!("journal-{:020}-{:010}", 0, 1))).unwrap();
    bytes[..end].to_vec()
}

#[test]
fn the_bytes_of_version_1_are_what_they_were() {
    assert_eq!(segment(), fixture("segment"));
    assert_eq!(meta().encode()[..], fixture("meta"));
    let mut snapshot = SnapshotHeader::encode(header().store, Lsn(1107), b"the state").to_vec();
    snapshot.extend_from_slice(b"the state");
    assert_eq!(snapshot, fixture("snapshot"));
}

#[test]
fn the_bytes_of_version_1_can_be_read() {
    let segment = Bytes::from(fixture("segment"));
    let header = SegmentHeader::parse(&segment).unwrap().unwrap();
    assert_eq!(header, SegmentHeader { store: 0x1122_3344_5566_7788, generation: 1, base: Lsn::ZERO });
    let first = Batch::parse(&segment.slice(SEGMENT_HEADER_LEN..), Lsn::ZERO, header.seed()).unwrap();
    let records: Vec<_> = first.records().map(|record| (record.kind, record.lsn, record.body)).collect();
    assert_eq!(records, [(1, Lsn(37), &b"an event"[..]), (2, Lsn(50), b"")]);
    let rest = segment.slice(SEGMENT_HEADER_LEN + first.end().0 as usize..);
    let second = Batch::parse(&rest, first.end(), header.seed()).unwrap();
    assert_eq!((second.synced(), second.count()), (first.end(), 1));
    assert_eq!(Meta::parse(&fixture("meta")), Ok(Some(meta())));
    let snapshot = SnapshotHeader::parse(&fixture("snapshot")).unwrap().unwrap();
    assert_eq!((snapshot.lsn, snapshot.length), (Lsn(1107), 9));
}

#[test]
fn every_changed_byte_of_a_header_is_seen() {
    let whole = header().encode();
    let snapshot = fixture("snapshot");
    for change in 1..=255 {
        for position in 0..whole.len() {
            let mut bytes = whole;
            bytes[position] ^= change;
            assert!(!matches!(SegmentHeader::parse(&bytes), Ok(Some(_))), "byte {position}");
        }
        for position in 0..snapshot.len() {
            let mut bytes = snapshot.clone();
            bytes[position] ^= change;
            assert!(!matches!(SnapshotHeader::parse(&bytes), Ok(Some(_))), "byte {position}");
        }
    }
    for length in 0..snapshot.len() {
        assert_eq!(SnapshotHeader::parse(&snapshot[..length]), Ok(None));
    }
}

/// A batch as a storage in memory seals it; its seed is that of the store's epoch.
fn sealed(records: &[(u8, Vec<u8>)]) -> (Bytes, SegmentHeader) {
    let (mut storage, _) = fanfare_broker::testing::open_memory(5);
    let mut batch = fanfare_broker::journal::BatchBuf::new();
    for (kind, body) in records {
        batch.push_bytes(*kind, body);
    }
    let lsn = storage.append(&mut batch, Class::Event).unwrap();
    let found = storage.reader().batches(lsn).unwrap().next().unwrap().unwrap();
    (found.bytes().clone(), SegmentHeader { store: 5, generation: 0, base: Lsn::ZERO })
}

fn records() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 1..8)
}

proptest! {
    #[test]
    fn a_batch_reads_as_it_was_built(records in records()) {
        let (bytes, header) = sealed(&records);
        let batch = Batch::parse(&bytes, Lsn::ZERO, header.seed()).unwrap();
        let found: Vec<_> = batch.records().map(|r| (r.kind, r.body.to_vec())).collect();
        prop_assert_eq!(&found, &records);
        prop_assert_eq!(batch.end().0 as usize, bytes.len());
        for record in batch.records() {
            let at = record.lsn.0 as usize;
            prop_assert_eq!(&bytes[at..at + record.body.len()], record.body);
            prop_assert_eq!(batch.body(&record), record.body);
        }
    }

    #[test]
    fn every_changed_byte_of_a_batch_is_seen(records in records(), change in 1_u8..) {
        let (bytes, header) = sealed(&records);
        for position in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[position] ^= change;
            prop_assert!(Batch::parse(&damaged.into(), Lsn::ZERO, header.seed()).is_err(), "byte {}", position);
        }
    }

    #[test]
    fn every_truncation_of_a_batch_is_seen(records in records()) {
        let (bytes, header) = sealed(&records);
        for length in 0..bytes.len() {
            prop_assert!(Batch::parse(&bytes.slice(..length), Lsn::ZERO, header.seed()).is_err());
        }
    }

    #[test]
    fn a_batch_of_another_place_is_seen(records in records(), lsn in 1_u64.., generation in 1_u64..) {
        let (bytes, header) = sealed(&records);
        prop_assert!(Batch::parse(&bytes, Lsn(lsn), header.seed()).is_err());
        let other = SegmentHeader { generation, ..header };
        prop_assert!(Batch::parse(&bytes, Lsn::ZERO, other.seed()).is_err());
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = SegmentHeader::parse(&bytes);
        let _ = SnapshotHeader::parse(&bytes);
        let _ = Meta::parse(&bytes);
        let _ = Batch::parse(&bytes.into(), Lsn::ZERO, header().seed());
    }
}
