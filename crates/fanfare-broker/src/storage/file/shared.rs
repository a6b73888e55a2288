use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::{Disk, DiskFile, DiskLock, failure, meta, names};
use crate::journal::{Lsn, Meta, SEGMENT_HEADER_LEN, SegmentHeader, Stop};
use crate::storage::Error;

/// Open files that readers keep for the next read.
const HANDLES_MAX: usize = 64;

/// A segment file of the journal as it stands. It ends where the next one begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) header: SegmentHeader,
}

impl Segment {
    pub(super) fn new(store: u64, generation: u64, base: Lsn) -> Self {
        Self { name: names::segment(base, generation), header: SegmentHeader { store, generation, base } }
    }

    /// Where the byte at `lsn` is in the file.
    pub(super) fn position(&self, lsn: Lsn) -> u64 {
        SEGMENT_HEADER_LEN as u64 + lsn.since(self.header.base)
    }
}

/// What the writer, the syncer, readers and writers of snapshots have in common.
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) store: u64,
    segments: RwLock<Vec<Arc<Segment>>>,
    handles: Mutex<VecDeque<(u64, Arc<dyn DiskFile>)>>,
    start: AtomicU64,
    end: AtomicU64,
    synced: AtomicU64,
    newest_snapshot: AtomicU64,
    is_poisoned: AtomicBool,
    is_closed: AtomicBool,
    dirty: Mutex<Dirty>,
    meta: Mutex<Meta>,
    pub(super) syncing: Mutex<()>,
    pub(super) snapshotting: Mutex<()>,
    lock: Mutex<Option<DiskLock>>,
}

/// What a sync has to bring to the disk.
struct Dirty {
    active: Arc<dyn DiskFile>,
    rolled: Vec<Arc<dyn DiskFile>>,
    has_new_names: bool,
}

/// What one sync brings to the disk.
pub(super) struct Pending {
    pub(super) end: Lsn,
    pub(super) files: Vec<Arc<dyn DiskFile>>,
    pub(super) has_new_names: bool,
}

/// The state in which a storage is opened.
pub(super) struct Opened {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) lock: DiskLock,
    pub(super) meta: Meta,
    pub(super) segments: Vec<Segment>,
    pub(super) active: Arc<dyn DiskFile>,
    pub(super) end: Lsn,
    pub(super) newest_snapshot: Lsn,
}

impl Shared {
    pub(super) fn new(opened: Opened) -> Self {
        let Opened { disk, lock, meta, segments, active, end, newest_snapshot } = opened;
        Self {
            disk,
            store: meta.store,
            segments: RwLock::new(segments.into_iter().map(Arc::new).collect()),
            handles: Mutex::default(),
            start: AtomicU64::new(meta.start.0),
            end: AtomicU64::new(end.0),
            synced: AtomicU64::new(end.0),
            newest_snapshot: AtomicU64::new(newest_snapshot.0),
            is_poisoned: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            dirty: Mutex::new(Dirty { active, rolled: Vec::new(), has_new_names: false }),
            meta: Mutex::new(meta),
            syncing: Mutex::default(),
            snapshotting: Mutex::default(),
            lock: Mutex::new(Some(lock)),
        }
    }

    pub(super) fn start(&self) -> Lsn {
        Lsn(self.start.load(Ordering::Acquire))
    }

    pub(super) fn end(&self) -> Lsn {
        Lsn(self.end.load(Ordering::Acquire))
    }

    /// Up to where the journal is on the disk.
    pub(super) fn synced_to(&self) -> Lsn {
        Lsn(self.synced.load(Ordering::Acquire))
    }

    pub(super) fn newest_snapshot(&self) -> Lsn {
        Lsn(self.newest_snapshot.load(Ordering::Acquire))
    }

    pub(super) fn set_end(&self, end: Lsn) {
        self.end.store(end.0, Ordering::Release);
    }

    pub(super) fn set_synced(&self, synced: Lsn) {
        self.synced.store(synced.0, Ordering::Release);
    }

    pub(super) fn set_newest_snapshot(&self, lsn: Lsn) {
        self.newest_snapshot.store(lsn.0, Ordering::Release);
    }

    /// Refuses what may not be done any more.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_poisoned.load(Ordering::Acquire) {
            return Err(failure::poisoned());
        }
        if self.is_closed.load(Ordering::Acquire) {
            return Err(failure::closed());
        }
        Ok(())
    }

    /// From now on nothing is appended or synced. Leaves a note of it in the meta file, if that still works.
    pub(super) fn poison(&self) {
        if !self.is_poisoned.swap(true, Ordering::AcqRel) {
            let mut meta = lock(&self.meta);
            meta.stop = Stop::SyncFailed;
            meta.synced = self.synced_to();
            let _ = meta::write(&*self.disk, &meta);
        }
    }

    /// Changes the meta file.
    pub(super) fn update_meta(&self, change: impl FnOnce(&mut Meta)) -> Result<(), Error> {
        let mut meta = lock(&self.meta);
        self.check()?;
        let mut changed = *meta;
        changed.synced = self.synced_to();
        change(&mut changed);
        match meta::write(&*self.disk, &changed) {
            Ok(()) => {
                *meta = changed;
                Ok(())
            }
            Err(error) => {
                drop(meta);
                if error.is_fatal {
                    self.poison();
                }
                Err(error.error)
            }
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        lock(&self.meta).epoch
    }

    /// Brings the names in the folder to the disk. A failure poisons: no name may be taken for durable.
    pub(super) fn sync_dir(&self) -> Result<(), Error> {
        self.disk.sync_dir().map_err(|error| {
            self.poison();
            failure::folder_sync(&*self.disk, error)
        })
    }

    /// The writer goes on in another segment, whose name is not synced yet.
    pub(super) fn switch_to(&self, segment: Segment, file: Arc<dyn DiskFile>) {
        let mut dirty = lock(&self.dirty);
        let before = std::mem::replace(&mut dirty.active, file);
        dirty.rolled.push(before);
        dirty.has_new_names = true;
        drop(dirty);
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        // A segment without a batch has the same base as the one that follows it, which stands for it.
        segments.retain(|before| before.header.base < segment.header.base);
        segments.push(Arc::new(segment));
    }

    /// How many segments that the writer has left wait for a sync.
    pub(super) fn unsynced_segments(&self) -> usize {
        lock(&self.dirty).rolled.len()
    }

    /// Takes over what is to be synced now.
    pub(super) fn take_pending(&self) -> Pending {
        let mut dirty = lock(&self.dirty);
        let end = self.end();
        let has_new_names = std::mem::take(&mut dirty.has_new_names);
        let mut files = std::mem::take(&mut dirty.rolled);
        if end != self.synced_to() || has_new_names {
            files.push(dirty.active.clone());
        }
        Pending { end, files, has_new_names }
    }

    /// The segment in which `lsn` lies, and where it ends.
    pub(super) fn segment_at(&self, lsn: Lsn) -> Option<(Arc<Segment>, Lsn)> {
        // The end is read first: a segment that is added later only lies behind it.
        let end = self.end();
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.header.base <= lsn);
        let segment = segments.get(after.checked_sub(1)?)?.clone();
        let to = segments.get(after).map_or(end, |next| next.header.base);
        Some((segment, to))
    }

    pub(super) fn segment_count(&self) -> usize {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A file of a segment for reading.
    pub(super) fn file(&self, segment: &Segment) -> io::Result<Arc<dyn DiskFile>> {
        let generation = segment.header.generation;
        let mut handles = lock(&self.handles);
        if let Some((_, file)) = handles.iter().find(|(open, _)| *open == generation) {
            return Ok(file.clone());
        }
        let file = self.disk.open(&segment.name)?;
        if handles.len() >= HANDLES_MAX {
            handles.pop_front();
        }
        handles.push_back((generation, file.clone()));
        Ok(file)
    }

    /// Takes the segments out of the journal that end at `before` or earlier.
    pub(super) fn drop_segments(&self, start: Lsn) -> Vec<Arc<Segment>> {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let kept = segments.partition_point(|segment| segment.header.base < start);
        self.start.store(start.0, Ordering::Release);
        let dropped: Vec<_> = segments.drain(..kept).collect();
        lock(&self.handles).clear();
        dropped
    }

    /// The base of the segment in which `lsn` lies.
    pub(super) fn base_of(&self, lsn: Lsn) -> Option<Lsn> {
        self.segment_at(lsn).map(|(segment, _)| segment.header.base)
    }

    /// Ends what others are doing, and gives the folder free.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let _syncing = lock(&self.syncing);
        let _snapshotting = lock(&self.snapshotting);
        lock(&self.lock).take();
    }
}

/// Locks; what a panicking holder left is consistent, since every change is made in one step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
