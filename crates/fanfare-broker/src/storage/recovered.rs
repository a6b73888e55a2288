use bytes::Bytes;

use super::Batches;
use crate::journal::Lsn;

/// What was found when a storage was opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recovered {
    /// The newest snapshot that is whole.
    pub snapshot: Option<Snapshot>,
    /// All batches that are kept, in order, those before the snapshot's LSN too. Open itself has checked
    /// those behind the last synced mark; a batch before it that does not check out comes as an error
    /// here, and then the storage must not be served from.
    pub batches: Batches,
    /// How the last run ended, and what was done about it.
    pub report: Report,
}

/// The machine's state after every batch before `lsn`.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Batches from here on are not in it.
    pub lsn: Lsn,
    /// As it was given to [`Snapshots::snapshot`](super::Snapshots::snapshot).
    pub body: Bytes,
}

/// How the last run ended, and what was done about it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// The storage was created just now.
    pub created: bool,
    /// The last run stopped cleanly, or there was none.
    pub clean: bool,
    /// The last run was in the same boot of the machine, so what the operating system had is not lost.
    pub same_boot: bool,
    /// The epoch that cursors carry from now on.
    pub epoch: u64,
    /// The epoch was changed, because receipts of the last run may have been lost with the machine.
    pub epoch_changed: bool,
    /// Version of the format that was found.
    pub format_version: u32,
    /// A torn tail was cut off.
    pub cut: Option<Cut>,
    /// Bytes at the end that may not have been on the disk, and were written again and synced.
    pub rewritten_bytes: u64,
    /// Names of snapshot files that are damaged; they were passed over and left where they are.
    pub damaged_snapshots: Vec<String>,
    /// Names in the folder that are not the storage's; they were left alone.
    pub unknown_files: Vec<String>,
}

/// A torn tail: bytes behind every synced mark that do not make a batch, told to nobody as durable.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Cut {
    /// The journal ends here now.
    pub lsn: Lsn,
    /// The file in which it was cut.
    pub file: String,
    /// Position in that file.
    pub position: u64,
    /// Bytes that were cut off, up to the last that was not zero.
    pub bytes: u64,
}
