//! The words of the failures that have to say what to do.

use std::io;

use super::Disk;
use crate::journal::{Damage, FORMAT_VERSION, Lsn};
use crate::storage::{Error, ErrorKind};

pub(super) fn newer_format(disk: &dyn Disk, name: &str, version: u32) -> Error {
    let text = format!(
        "open the data folder: it has format version {version}, this program reads up to {FORMAT_VERSION}; \
         run the newer version of the program that wrote it, or restore a backup from before the upgrade"
    );
    Error::new(ErrorKind::NewerFormat, text).in_file(disk.path().join(name))
}

/// A batch that had been on the disk is not there, or not as it was.
pub(super) fn damaged_batch(disk: &dyn Disk, name: &str, position: u64, lsn: Lsn, damage: Damage) -> Error {
    let text = format!(
        "read the journal: {damage}, though a batch had been synced there; everything before it is intact: \
         check the disk, and restore the folder from a backup"
    );
    Error::new(ErrorKind::Corrupt, text).in_file(disk.path().join(name)).at(position).at_lsn(lsn)
}

pub(super) fn corrupt(disk: &dyn Disk, name: &str, what: &str) -> Error {
    let text = format!(
        "open the data folder: {what}; nothing was changed: check the disk, and restore the folder from a backup"
    );
    Error::new(ErrorKind::Corrupt, text).in_file(disk.path().join(name))
}

pub(super) fn folder_sync(disk: &dyn Disk, error: io::Error) -> Error {
    let text =
        "sync the data folder: it is not known which files are on the disk; check the disk and start again";
    Error::failed_write(ErrorKind::Poisoned, text, error).in_file(disk.path())
}

pub(super) fn poisoned() -> Error {
    Error::new(
        ErrorKind::Poisoned,
        "use the journal: a write or a sync failed before, so it is not known what is on the disk; \
         check the disk and start again",
    )
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "use the journal: it was closed")
}

pub(super) fn out_of_range(lsn: Lsn) -> Error {
    Error::new(ErrorKind::OutOfRange, "read the journal: nothing is kept at this position").at_lsn(lsn)
}
