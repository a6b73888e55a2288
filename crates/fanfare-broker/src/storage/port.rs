use std::sync::Arc;

use bytes::Bytes;

use super::{Batches, Error};
use crate::journal::{BatchBuf, Lsn};

/// The journal as its one writer sees it. The writer's thread owns it.
///
/// Dropped without [`close_clean`](Self::close_clean) it is as if the process had been killed.
pub trait Storage: Send {
    /// Writes a batch at the end of the journal and returns its LSN. On return the operating system has it:
    /// it survives the process, and readers see it. An empty batch writes nothing. When nobody syncs, the
    /// storage does it itself now and then, so that what is unsynced stays bounded.
    ///
    /// # Errors
    /// `Full`: nothing of it was written; the journal goes on, and the same batch may be tried again.
    /// `TooLarge`, `Io`: nothing of it was written. `Poisoned`: the write failed, now or earlier; nothing can
    /// be appended until it is opened again, and it is not known whether this batch will be there.
    fn append(&mut self, batch: &mut BatchBuf, class: Class) -> Result<Lsn, Error>;

    /// Makes sure that there is space for a batch of up to `len` bytes, header included, so that the
    /// [`append`](Self::append) that follows is not refused as `Full`.
    ///
    /// # Errors
    /// `Full`, `Io`, `Poisoned` as `append`; nothing was changed.
    fn prepare(&mut self, len: u64, class: Class) -> Result<(), Error>;

    /// Where the next batch will begin.
    fn end(&self) -> Lsn;

    /// What a second thread makes the journal durable with while this one appends.
    fn syncer(&self) -> Arc<dyn Syncer>;

    /// What any thread reads with.
    fn reader(&self) -> Arc<dyn Reader>;

    /// What any thread writes snapshots with.
    fn snapshots(&self) -> Arc<dyn Snapshots>;

    /// The epoch that cursors carry.
    fn epoch(&self) -> u64;

    /// Changes the epoch; durable on return.
    ///
    /// # Errors
    /// `Full`, `Io`: the epoch is as before.
    fn set_epoch(&mut self, epoch: u64) -> Result<(), Error>;

    /// Gives up what lies before `before`, as far as whole batches or segments can be dropped, and returns
    /// where the journal starts now. A snapshot at or after that position must exist.
    ///
    /// # Errors
    /// `Full`, `Io`: nothing was dropped.
    fn release(&mut self, before: Lsn) -> Result<Lsn, Error>;

    /// The space that is in use.
    fn space(&self) -> Space;

    /// Syncs everything, leaves the mark of a clean stop, and gives the folder free. Syncers and writers of
    /// snapshots that are still around get `Closed` from now on.
    ///
    /// # Errors
    /// The next open will find an unclean stop.
    fn close_clean(self: Box<Self>) -> Result<(), Error>;
}

/// Makes the journal durable, from another thread than the writer's.
pub trait Syncer: Send + Sync {
    /// Brings to the disk everything whose append returned before this call, and returns up to where
    /// the journal is on the disk now. Calls wait for each other.
    ///
    /// # Errors
    /// Any failure poisons the storage: it is not known what is on the disk, so no sync is ever tried again
    /// and nothing can be appended until the storage is opened again.
    fn sync(&self) -> Result<Lsn, Error>;

    /// Up to where the last completed sync brought the journal.
    fn synced(&self) -> Lsn;
}

/// Reads what was appended, synced or not. Who may see it is the caller's business.
pub trait Reader: Send + Sync {
    /// The `len` bytes at `lsn`, which lie inside one batch: the body of a record. Of a part of a batch
    /// no checksum can be checked.
    ///
    /// # Errors
    /// `OutOfRange`: they were released, or not yet appended.
    fn read(&self, lsn: Lsn, len: usize) -> Result<Bytes, Error>;

    /// The batches from the one that begins at `from` on, up to what is appended now; each is checked.
    ///
    /// # Errors
    /// `OutOfRange` as for [`read`](Self::read); and each batch may be found damaged.
    fn batches(&self, from: Lsn) -> Result<Batches, Error>;

    /// The first batch that is kept.
    fn start(&self) -> Lsn;

    /// Where the next batch will begin.
    fn end(&self) -> Lsn;
}

/// Writes snapshots, from any thread.
pub trait Snapshots: Send + Sync {
    /// Stores the state after every batch before `lsn`; durable on return, and older ones are gone. First
    /// it syncs the journal up to `lsn`, if nobody has.
    ///
    /// # Errors
    /// `OutOfRange`: `lsn` is behind the end, or before the newest snapshot. `Full`, `Io`: the older
    /// snapshot is still there. `Poisoned` if the journal could not be synced.
    fn snapshot(&self, lsn: Lsn, body: &[u8]) -> Result<(), Error>;
}

/// What a batch is allowed to use on a full disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Events: refused when the disk is full.
    Event,
    /// Attempts, settlements and the like: may use the reserve, so that what is stored can be worked off.
    Bookkeeping,
}

/// The space that a storage uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Space {
    /// Bytes of batches that are kept.
    pub journal_bytes: u64,
    /// Segments that are kept.
    pub segments: usize,
    /// Whether the reserve for bookkeeping is there. While it is not, events are refused as `Full`.
    pub has_reserve: bool,
}
