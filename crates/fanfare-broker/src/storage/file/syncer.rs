use std::sync::Arc;

use super::shared::{Shared, lock};
use crate::journal::Lsn;
use crate::storage::{Error, ErrorKind, Syncer};

/// Brings a journal in files to the disk.
pub(super) struct FileSyncer(pub(super) Arc<Shared>);

impl Syncer for FileSyncer {
    fn sync(&self) -> Result<Lsn, Error> {
        sync(&self.0)
    }

    fn synced(&self) -> Lsn {
        self.0.synced_to()
    }
}

/// Syncs every file with unsynced bytes, then the names of those that are new.
///
/// What is taken from the pending list and fails to sync is not put back: after a failed fdatasync the
/// kernel calls the lost pages clean, so that a second one would succeed and prove nothing.
pub(super) fn sync(shared: &Shared) -> Result<Lsn, Error> {
    let _one_at_a_time = lock(&shared.syncing);
    shared.check()?;
    let pending = shared.take_pending();
    for file in &pending.files {
        file.sync_data().map_err(|error| {
            shared.poison();
            let text = "sync the journal: what was written since the last sync may be lost; \
                        check the disk and start again";
            Error::failed_write(ErrorKind::Poisoned, text, error).in_file(shared.disk.path())
        })?;
    }
    if pending.has_new_names {
        shared.sync_dir()?;
    }
    shared.set_synced(pending.end);
    Ok(pending.end)
}
