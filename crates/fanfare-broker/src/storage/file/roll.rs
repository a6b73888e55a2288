//! The next segment, on a full disk made of the reserve.

use std::io;
use std::sync::Arc;

use super::shared::Segment;
use super::{Disk, DiskFile, names};
use crate::storage::{Error, is_full};

/// A new segment file with its header. Its name is not synced yet.
pub(super) fn create(disk: &dyn Disk, segment: &Segment, len: u64) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(&segment.name)?;
    match file.allocate(len).and_then(|()| file.write_at(&segment.header.encode(), 0)) {
        Ok(()) => Ok(file),
        Err(error) => {
            let _ = disk.remove(&segment.name);
            Err(error)
        }
    }
}

/// Makes the reserve this segment's file. Its name is not synced yet.
pub(super) fn from_reserve(disk: &dyn Disk, segment: &Segment) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.open(names::RESERVE)?;
    file.write_at(&segment.header.encode(), 0)?;
    disk.rename(names::RESERVE, &segment.name)?;
    Ok(file)
}

/// Makes the reserve if it is not there. `false`: there is no space for it.
pub(super) fn ensure_reserve(disk: &dyn Disk, is_there: bool, bytes: u64) -> Result<bool, Error> {
    let made = if is_there { keep(disk, bytes) } else { make(disk, bytes) };
    match made {
        Ok(()) => Ok(true),
        Err(error) if is_full(&error) => Ok(false),
        Err(error) => Err(Error::io("make the reserve", error).in_file(disk.path().join(names::RESERVE))),
    }
}

fn keep(disk: &dyn Disk, bytes: u64) -> io::Result<()> {
    if disk.open(names::RESERVE)?.size()? == bytes {
        return Ok(());
    }
    disk.remove(names::RESERVE)?;
    make(disk, bytes)
}

fn make(disk: &dyn Disk, bytes: u64) -> io::Result<()> {
    match disk.create(names::RESERVE)?.allocate(bytes) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = disk.remove(names::RESERVE);
            Err(error)
        }
    }
}
