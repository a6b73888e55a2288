use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use super::recover::{self, Folder, Found, Layout};
use super::shared::{Opened, Shared};
use super::survey::{self, Survey};
use super::{Disk, FileStorage, Options, RealDisk, failure, lock, meta, names, reader, roll, snapshots};
use crate::journal::{FORMAT_VERSION, Lsn, Meta, SEGMENT_HEADER_LEN, Stop};
use crate::storage::{Error, Recovered, Report, Snapshot};

/// Opens the storage in this folder; makes both if they are not there.
///
/// After an unclean stop what follows the last synced mark has been written again and synced when this
/// returns.
///
/// # Errors
/// `InUse`, `NewerFormat`, `Corrupt`, `Full` and `Io`; each says what to do, and the journal is as it was.
pub fn open(path: impl AsRef<Path>, options: Options) -> Result<(FileStorage, Recovered), Error> {
    let path = path.as_ref();
    let disk =
        RealDisk::open(path).map_err(|error| Error::io("open the data folder", error).in_file(path))?;
    open_on(Arc::new(disk), options)
}

/// As [`open`], on any disk.
///
/// # Errors
/// As [`open`].
pub fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<(FileStorage, Recovered), Error> {
    let lock = lock::acquire(&*disk, options.lock_wait)?;
    let mut folder = Folder::list(&*disk)?;
    let (last, is_created) = load_or_create_meta(&*disk, &folder, &options)?;
    let layout = recover::lay_out(&*disk, &folder, last.store, last.start)?;
    let known = folder.snapshots.first().map_or(last.synced, |newest| last.synced.max(*newest));
    recover::check_layout(&*disk, &layout, last.start, known)?;
    let survey = survey::survey(&*disk, &layout.segments, last.start, known)?;
    let (snapshot, damaged_snapshots) = newest_snapshot(&*disk, &folder, &last)?;

    let boot = disk.boot_id();
    let is_clean = last.stop == Stop::Clean && survey.end == last.synced && !layout.segments.is_empty();
    let same_boot = boot.is_some() && boot == last.boot;
    let was_safe = is_clean || (same_boot && last.stop != Stop::SyncFailed);
    let epoch_changed = last.lossy && !was_safe;
    let meta = Meta {
        epoch: if epoch_changed { other_than(last.epoch, options.entropy) } else { last.epoch },
        synced: survey.end,
        boot,
        stop: Stop::Unclean,
        lossy: options.is_lossy,
        ..last
    };
    let report = Report {
        created: is_created,
        clean: is_clean || is_created,
        same_boot,
        epoch: meta.epoch,
        epoch_changed,
        format_version: FORMAT_VERSION,
        cut: survey.cut.clone().filter(|_| !is_clean),
        rewritten_bytes: if is_clean { 0 } else { survey.end.since(survey.mark) },
        damaged_snapshots,
        unknown_files: std::mem::take(&mut folder.unknown),
    };

    tidy_up(&*disk, &mut folder, is_clean);
    let (segments, active) = settle_layout(&*disk, layout, &survey, &meta, &options, is_clean)?;
    roll::with_reserve(&*disk, &mut folder.has_reserve, || {
        meta::write(&*disk, &meta).map_err(|failed| failed.error)
    })?;
    let has_reserve = roll::ensure_reserve(&*disk, folder.has_reserve, options.reserve_bytes)?;

    let file = active.open(&*disk)?;
    let generation_next = active.segment.header.generation + 1;
    let shared = Arc::new(Shared::new(Opened {
        disk,
        lock,
        meta,
        segments,
        active: file.clone(),
        end: survey.end,
        newest_snapshot: snapshot.as_ref().map_or(Lsn::ZERO, |snapshot| snapshot.lsn),
    }));
    let batches = reader::batches(shared.clone(), last.start, survey.end);
    let storage = FileStorage::new(shared, options, active, file, generation_next, has_reserve);
    Ok((storage, Recovered { snapshot, batches, report }))
}

/// Gives the store in a folder another epoch: after this, cursors from before are of another store. Answers it.
///
/// # Errors
/// As [`open`], and when there is no store.
pub fn renew_epoch(path: impl AsRef<Path>, options: &Options) -> Result<u64, Error> {
    let path = path.as_ref();
    let disk =
        RealDisk::open(path).map_err(|error| Error::io("open the data folder", error).in_file(path))?;
    let _lock = lock::acquire(&disk, options.lock_wait)?;
    let last = meta::read(&disk)?;
    let renewed = Meta { epoch: other_than(last.epoch, options.entropy), ..last };
    meta::write(&disk, &renewed).map_err(|failed| failed.error)?;
    Ok(renewed.epoch)
}

fn load_or_create_meta(disk: &dyn Disk, folder: &Folder, options: &Options) -> Result<(Meta, bool), Error> {
    if folder.has_meta {
        return Ok((meta::read(disk)?, false));
    }
    if !folder.segments.is_empty() || !folder.snapshots.is_empty() {
        return Err(failure::corrupt(disk, names::META, "there is a journal, but its meta file is missing"));
    }
    let created = Meta {
        store: options.entropy,
        epoch: first_epoch(options.entropy),
        start: Lsn::ZERO,
        synced: Lsn::ZERO,
        boot: disk.boot_id(),
        stop: Stop::Unclean,
        lossy: false,
    };
    meta::write(disk, &created).map_err(|failed| failed.error)?;
    Ok((created, true))
}

/// The newest snapshot that is whole, and the names of newer ones that are not.
fn newest_snapshot(
    disk: &dyn Disk,
    folder: &Folder,
    meta: &Meta,
) -> Result<(Option<Snapshot>, Vec<String>), Error> {
    let mut damaged = Vec::new();
    for lsn in &folder.snapshots {
        match snapshots::read(disk, meta.store, *lsn)? {
            Some(snapshot) => return Ok((Some(snapshot), damaged)),
            None => damaged.push(names::snapshot(*lsn)),
        }
    }
    match damaged.first() {
        Some(name) if meta.start > Lsn::ZERO => Err(failure::corrupt(
            disk,
            name,
            "the snapshot is damaged, and the journal before it was released",
        )),
        _ => Ok((None, damaged)),
    }
}

/// Removes what no longer counts. After an unclean stop also the reserve: it may have been a segment whose
/// new name was lost.
fn tidy_up(disk: &dyn Disk, folder: &mut Folder, is_clean: bool) {
    for name in folder.temps.drain(..) {
        let _ = disk.remove(&name);
    }
    if folder.has_reserve && !is_clean {
        folder.has_reserve = disk.remove(names::RESERVE).is_err();
    }
}

/// The journal's segments from now on, the last of them the one to append to.
fn settle_layout(
    disk: &dyn Disk,
    mut layout: Layout,
    survey: &Survey,
    meta: &Meta,
    options: &Options,
    is_clean: bool,
) -> Result<(Vec<super::shared::Segment>, Found), Error> {
    let active = match layout.segments.pop_if(|_| is_clean) {
        Some(last) => last,
        None => recover::rewrite_tail(disk, &layout, survey, meta.store, options)?,
    };
    let base = active.base();
    while let Some(found) = layout.segments.pop_if(|found| found.base() >= base) {
        layout.superseded.push(found.segment.name.clone());
    }
    for name in &layout.superseded {
        let _ = disk.remove(name);
    }
    for found in &mut layout.segments {
        found.to = found.to.min(base);
        let used = SEGMENT_HEADER_LEN as u64 + found.to.since(found.base());
        if found.len > used {
            // Space only: what stands there counts no more.
            let _ = found.open(disk)?.set_len(used);
        }
    }
    let mut segments: Vec<_> = layout.segments.iter().map(|found| (*found.segment).clone()).collect();
    segments.push((*active.segment).clone());
    Ok((segments, active))
}

/// The epoch goes out in cursors, the store's id must not become known with it: who knew it could forge a
/// batch inside a payload. So the one cannot be told from the other.
fn first_epoch(store: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    store.hash(&mut hasher);
    hasher.finish()
}

/// A new epoch, which is not the old one.
fn other_than(old: u64, entropy: u64) -> u64 {
    if entropy == old { old.wrapping_add(1) } else { entropy }
}
