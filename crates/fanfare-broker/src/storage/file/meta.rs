//! Reading and replacing the meta file.

use super::{Disk, failure, names};
use crate::journal::{META_LEN, Meta};
use crate::storage::Error;

/// The meta file could not be replaced.
pub(super) struct MetaFailure {
    pub(super) error: Error,
    /// It is not known which of the two is on the disk.
    pub(super) is_fatal: bool,
}

/// Replaces the meta file; durable on return.
pub(super) fn write(disk: &dyn Disk, meta: &Meta) -> Result<(), MetaFailure> {
    let passing = |what: &str, source| MetaFailure {
        error: Error::io(format!("{what} the meta file"), source).in_file(disk.path().join(names::META)),
        is_fatal: false,
    };
    let _ = disk.remove(names::META_TEMP);
    let file = disk.create(names::META_TEMP).map_err(|error| passing("create", error))?;
    let written = file.write_at(&meta.encode(), 0).and_then(|()| file.sync_data());
    if let Err(error) = written {
        let _ = disk.remove(names::META_TEMP);
        return Err(passing("write", error));
    }
    disk.rename(names::META_TEMP, names::META).map_err(|error| passing("rename", error))?;
    disk.sync_dir().map_err(|error| MetaFailure { error: failure::folder_sync(disk, error), is_fatal: true })
}

/// Reads the meta file, which must be there.
pub(super) fn read(disk: &dyn Disk) -> Result<Meta, Error> {
    let failed = |error| Error::io("read the meta file", error).in_file(disk.path().join(names::META));
    let file = disk.open(names::META).map_err(failed)?;
    let mut bytes = [0; META_LEN];
    let read = file.read_at(&mut bytes, 0).map_err(failed)?;
    match Meta::parse(bytes.get(..read).unwrap_or_default()) {
        Ok(Some(meta)) => Ok(meta),
        Ok(None) => Err(failure::corrupt(disk, names::META, "the meta file is damaged")),
        Err(version) => Err(failure::newer_format(disk, names::META, version)),
    }
}
