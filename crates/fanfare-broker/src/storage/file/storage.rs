use std::fmt;
use std::sync::Arc;

use super::reader::FileReader;
use super::recover::Found;
use super::shared::{Segment, Shared};
use super::snapshots::FileSnapshots;
use super::syncer::{self, FileSyncer};
use super::{DiskFile, Options, roll};
use crate::journal::{BATCH_HEADER_LEN, BODY_MAX, BatchBuf, Lsn, Meta, SEGMENT_HEADER_LEN, Stop};
use crate::storage::{Class, Error, ErrorKind, Reader, Snapshots, Space, Storage, Syncer, is_full};

/// Segments that may wait for a sync, each an open file; then the writer syncs itself. It bounds what an
/// open after an unclean stop has to write again, when nobody syncs.
const UNSYNCED_SEGMENTS_MAX: usize = 16;

/// A journal in files, as its writer sees it.
pub struct FileStorage {
    shared: Arc<Shared>,
    options: Options,
    active: Active,
    generation_next: u64,
    has_reserve: bool,
}

/// The segment that is appended to.
struct Active {
    segment: Segment,
    file: Arc<dyn DiskFile>,
    /// Up to here there is space in its file.
    to: Lsn,
}

impl FileStorage {
    pub(super) fn new(
        shared: Arc<Shared>,
        options: Options,
        active: Found,
        file: Arc<dyn DiskFile>,
        generation_next: u64,
        has_reserve: bool,
    ) -> Self {
        let active = Active { segment: (*active.segment).clone(), file, to: active.to };
        Self { shared, options, active, generation_next, has_reserve }
    }

    /// Events need a reserve behind them: without it, tries whether there is space for one again.
    fn require_reserve(&mut self) -> Result<(), Error> {
        if !self.has_reserve {
            self.has_reserve = roll::ensure_reserve(&*self.shared.disk, false, self.options.reserve_bytes)?;
        }
        if self.has_reserve { Ok(()) } else { Err(self.full()) }
    }

    /// Goes on in a new segment with space for a batch of this length.
    fn roll(&mut self, batch_len: u64, class: Class) -> Result<(), Error> {
        if self.shared.unsynced_segments() >= UNSYNCED_SEGMENTS_MAX {
            syncer::sync(&self.shared)?;
        }
        let shared = &self.shared;
        let needed = SEGMENT_HEADER_LEN as u64 + batch_len;
        let len = self.options.segment_bytes.max(needed);
        let segment = Segment::new(shared.store, self.generation_next, shared.end());
        let failed =
            |error| Error::io("make a journal file", error).in_file(shared.disk.path().join(&segment.name));
        let prepared = match roll::create(&*shared.disk, &segment, len) {
            Ok(prepared) => prepared,
            Err(error) if !is_full(&error) => return Err(failed(error)),
            Err(_) => {
                let is_allowed = class == Class::Bookkeeping && self.has_reserve;
                if !is_allowed || needed > self.options.reserve_bytes {
                    return Err(self.full());
                }
                let reserve = self.options.reserve_bytes;
                self.has_reserve = false;
                roll::from_reserve(&*shared.disk, &segment, reserve).map_err(failed)?
            }
        };
        let roll::Prepared { file, name, len } = prepared;
        shared.disk.rename(name, &segment.name).map_err(|error| {
            shared.poison();
            let text =
                "make a journal file: it is not known whether it is there; check the disk and start again";
            Error::failed_write(ErrorKind::Poisoned, text, error)
                .in_file(shared.disk.path().join(&segment.name))
        })?;
        self.generation_next += 1;
        let to = segment.header.base.advance(len - SEGMENT_HEADER_LEN as u64);
        shared.switch_to(segment.clone(), file.clone());
        self.active = Active { segment, file, to };
        Ok(())
    }

    fn full(&self) -> Error {
        let text =
            "append to the journal: the disk is full; free space, nothing was written and nothing is lost";
        Error::new(ErrorKind::Full, text).in_file(self.shared.disk.path())
    }

    /// Changes the meta file, for which even a full disk has space: that of the reserve.
    fn update_meta(&mut self, change: impl Fn(&mut Meta)) -> Result<(), Error> {
        let shared = &*self.shared;
        roll::with_reserve(&*shared.disk, &mut self.has_reserve, || shared.update_meta(&change))
    }
}

impl Storage for FileStorage {
    fn append(&mut self, batch: &mut BatchBuf, class: Class) -> Result<Lsn, Error> {
        self.shared.check()?;
        let lsn = self.shared.end();
        if batch.is_empty() {
            return Ok(lsn);
        }
        if batch.len() > BATCH_HEADER_LEN + BODY_MAX {
            return Err(Error::new(ErrorKind::TooLarge, "append a batch of more than 256 MiB"));
        }
        self.prepare(batch.len() as u64, class)?;
        let end = lsn.advance(batch.len() as u64);
        let Active { segment, file, .. } = &self.active;
        let bytes = batch.seal(lsn, self.shared.synced_to(), segment.header.seed());
        match file.write_at(bytes, segment.position(lsn)) {
            Ok(()) => {}
            Err(error) if is_full(&error) => return Err(self.full()),
            Err(error) => {
                self.shared.poison();
                let text = "append to the journal: the write failed; check the disk and start again";
                let file = self.shared.disk.path().join(&segment.name);
                return Err(Error::failed_write(ErrorKind::Poisoned, text, error).in_file(file).at_lsn(lsn));
            }
        }
        self.shared.set_end(end);
        Ok(lsn)
    }

    fn prepare(&mut self, len: u64, class: Class) -> Result<(), Error> {
        self.shared.check()?;
        if class == Class::Event {
            self.require_reserve()?;
        }
        if self.shared.end().advance(len) > self.active.to {
            self.roll(len, class)?;
        }
        Ok(())
    }

    fn end(&self) -> Lsn {
        self.shared.end()
    }

    fn syncer(&self) -> Arc<dyn Syncer> {
        Arc::new(FileSyncer(self.shared.clone()))
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(FileReader(self.shared.clone()))
    }

    fn snapshots(&self) -> Arc<dyn Snapshots> {
        Arc::new(FileSnapshots(self.shared.clone()))
    }

    fn epoch(&self) -> u64 {
        self.shared.epoch()
    }

    fn set_epoch(&mut self, epoch: u64) -> Result<(), Error> {
        self.shared.check()?;
        self.update_meta(|meta| meta.epoch = epoch)
    }

    fn release(&mut self, before: Lsn) -> Result<Lsn, Error> {
        self.shared.check()?;
        let before = before.min(self.shared.newest_snapshot()).min(self.shared.synced_to());
        let start = match self.shared.base_of(before) {
            Some(base) if base > self.shared.start() => base,
            _ => return Ok(self.shared.start()),
        };
        self.update_meta(|meta| meta.start = start)?;
        for segment in self.shared.drop_segments(start) {
            let _ = self.shared.disk.remove(&segment.name);
        }
        Ok(start)
    }

    fn space(&self) -> Space {
        Space {
            journal_bytes: self.shared.end().since(self.shared.start()),
            segments: self.shared.segment_count(),
            has_reserve: self.has_reserve,
        }
    }

    fn close_clean(mut self: Box<Self>) -> Result<(), Error> {
        syncer::sync(&self.shared)?;
        self.update_meta(|meta| meta.stop = Stop::Clean)
    }
}

impl Drop for FileStorage {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl fmt::Debug for FileStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStorage")
            .field("path", &self.shared.disk.path())
            .field("end", &self.shared.end())
            .finish_non_exhaustive()
    }
}
