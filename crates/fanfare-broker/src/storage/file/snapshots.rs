use std::io;
use std::sync::Arc;

use super::shared::{Shared, lock};
use super::{Disk, failure, names, syncer};
use crate::journal::{Lsn, SNAPSHOT_HEADER_LEN, SnapshotHeader};
use crate::storage::{Error, Snapshot, Snapshots};

/// Bytes written at once.
const SLICE: usize = 1 << 20;

/// Writes the snapshots of a journal in files.
pub(super) struct FileSnapshots(pub(super) Arc<Shared>);

impl Snapshots for FileSnapshots {
    fn snapshot(&self, lsn: Lsn, body: &[u8]) -> Result<(), Error> {
        let shared = &self.0;
        let _one_at_a_time = lock(&shared.snapshotting);
        shared.check()?;
        if lsn > shared.end() || lsn < shared.newest_snapshot() {
            return Err(failure::out_of_range(lsn));
        }
        if lsn > shared.synced_to() {
            syncer::sync(shared)?;
        }
        write(shared, lsn, body)?;
        shared.set_newest_snapshot(lsn);
        remove_older(&*shared.disk, lsn);
        Ok(())
    }
}

fn write(shared: &Shared, lsn: Lsn, body: &[u8]) -> Result<(), Error> {
    let name = names::snapshot(lsn);
    let failed = |error| Error::io("write a snapshot", error).in_file(shared.disk.path().join(&name));
    if let Err(error) = write_file(&*shared.disk, shared.store, lsn, body) {
        let _ = shared.disk.remove(names::SNAPSHOT_TEMP);
        return Err(failed(error));
    }
    shared.disk.rename(names::SNAPSHOT_TEMP, &name).map_err(failed)?;
    shared.sync_dir()
}

fn write_file(disk: &dyn Disk, store: u64, lsn: Lsn, body: &[u8]) -> io::Result<()> {
    let _ = disk.remove(names::SNAPSHOT_TEMP);
    let file = disk.create(names::SNAPSHOT_TEMP)?;
    file.allocate((SNAPSHOT_HEADER_LEN + body.len()) as u64)?;
    file.write_at(&SnapshotHeader::encode(store, lsn, body), 0)?;
    let mut at = SNAPSHOT_HEADER_LEN as u64;
    for slice in body.chunks(SLICE) {
        file.write_at(slice, at)?;
        at += slice.len() as u64;
    }
    file.sync_data()
}

/// Removes what the snapshot at `newest` stands for. What cannot be removed now is removed by a later one.
fn remove_older(disk: &dyn Disk, newest: Lsn) {
    for name in disk.list().unwrap_or_default() {
        if matches!(names::parse(&name), names::Name::Snapshot(lsn) if lsn < newest) {
            let _ = disk.remove(&name);
        }
    }
}

/// Reads a snapshot. `None`: it is damaged.
pub(super) fn read(disk: &dyn Disk, store: u64, lsn: Lsn) -> Result<Option<Snapshot>, Error> {
    let name = names::snapshot(lsn);
    let bytes = read_file(disk, &name)
        .map_err(|error| Error::io("read a snapshot", error).in_file(disk.path().join(&name)))?;
    match SnapshotHeader::parse(&bytes) {
        Ok(Some(header)) if header.store == store && header.lsn == lsn => {
            let body = bytes::Bytes::from(bytes).slice(SNAPSHOT_HEADER_LEN..);
            Ok(Some(Snapshot { lsn, body }))
        }
        Ok(_) => Ok(None),
        Err(version) => Err(failure::newer_format(disk, &name, version)),
    }
}

fn read_file(disk: &dyn Disk, name: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(name)?;
    let len = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}
