//! The next segment, on a full disk made of the reserve.

use std::io;
use std::sync::Arc;

use super::shared::Segment;
use super::{Disk, DiskFile, names};
use crate::storage::{Error, ErrorKind, is_full};

/// A file that can become this segment under the name that is returned with it.
///
/// It must not have the segment's own name before it is certain that the journal goes on in it: a segment
/// overrides what older ones hold at its base, and after a crash a name that was removed may be back.
pub(super) fn create(disk: &dyn Disk, segment: &Segment, len: u64) -> io::Result<Prepared> {
    let _ = disk.remove(names::SEGMENT_TEMP);
    let file = disk.create(names::SEGMENT_TEMP)?;
    match file.allocate(len).and_then(|()| file.write_at(&segment.header.encode(), 0)) {
        Ok(()) => Ok(Prepared { file, name: names::SEGMENT_TEMP, len }),
        Err(error) => {
            let _ = disk.remove(names::SEGMENT_TEMP);
            Err(error)
        }
    }
}

/// The reserve, to become this segment.
pub(super) fn from_reserve(disk: &dyn Disk, segment: &Segment, len: u64) -> io::Result<Prepared> {
    let file = disk.open(names::RESERVE)?;
    file.write_at(&segment.header.encode(), 0)?;
    Ok(Prepared { file, name: names::RESERVE, len })
}

/// A file with a segment's header that does not have its name yet.
pub(super) struct Prepared {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) name: &'static str,
    pub(super) len: u64,
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

/// Writes what even a full disk has space for: that of the reserve.
pub(super) fn with_reserve<T>(
    disk: &dyn Disk,
    has_reserve: &mut bool,
    write: impl Fn() -> Result<T, Error>,
) -> Result<T, Error> {
    match write() {
        Err(error) if error.kind() == ErrorKind::Full && *has_reserve => {
            *has_reserve = disk.remove(names::RESERVE).is_err();
            write()
        }
        result => result,
    }
}

fn keep(disk: &dyn Disk, bytes: u64) -> io::Result<()> {
    if disk.open(names::RESERVE)?.size()? == bytes {
        return Ok(());
    }
    make(disk, bytes)
}

fn make(disk: &dyn Disk, bytes: u64) -> io::Result<()> {
    let _ = disk.remove(names::RESERVE);
    match disk.create(names::RESERVE)?.allocate(bytes) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = disk.remove(names::RESERVE);
            Err(error)
        }
    }
}
