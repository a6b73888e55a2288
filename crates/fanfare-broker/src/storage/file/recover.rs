//! What is in the folder, which segments count, and the tail written again.

use std::io;
use std::sync::Arc;

use super::names::{self, Name};
use super::shared::Segment;
use super::survey::{self, Survey};
use super::{Disk, DiskFile, Options, failure};
use crate::journal::{Lsn, SEGMENT_HEADER_LEN, SegmentHeader};
use crate::storage::{Error, is_full};

/// The files in the folder, by kind.
#[derive(Default)]
pub(super) struct Folder {
    pub(super) has_meta: bool,
    pub(super) has_reserve: bool,
    pub(super) temps: Vec<String>,
    pub(super) segments: Vec<(Lsn, u64)>,
    /// Newest first.
    pub(super) snapshots: Vec<Lsn>,
    pub(super) unknown: Vec<String>,
}

impl Folder {
    pub(super) fn list(disk: &dyn Disk) -> Result<Self, Error> {
        let names =
            disk.list().map_err(|error| Error::io("list the data folder", error).in_file(disk.path()))?;
        let mut folder = Self::default();
        for name in names {
            match names::parse(&name) {
                Name::Meta => folder.has_meta = true,
                Name::Lock => {}
                Name::Reserve => folder.has_reserve = true,
                Name::Temp => folder.temps.push(name),
                Name::Segment { base, generation } => folder.segments.push((base, generation)),
                Name::Snapshot(lsn) => folder.snapshots.push(lsn),
                Name::Unknown => folder.unknown.push(name),
            }
        }
        folder.snapshots.sort_unstable_by(|a, b| b.cmp(a));
        folder.unknown.sort_unstable();
        Ok(folder)
    }
}

/// A segment that counts.
pub(super) struct Found {
    pub(super) segment: Arc<Segment>,
    /// Where it ends: where the next one begins, or with its file.
    pub(super) to: Lsn,
    pub(super) len: u64,
    pub(super) has_header: bool,
}

impl Found {
    pub(super) fn base(&self) -> Lsn {
        self.segment.header.base
    }

    pub(super) fn open(&self, disk: &dyn Disk) -> Result<Arc<dyn DiskFile>, Error> {
        open(disk, &self.segment)
    }
}

/// The segments that count, in order, and those that do not.
pub(super) struct Layout {
    pub(super) segments: Vec<Found>,
    pub(super) superseded: Vec<String>,
    pub(super) generation_next: u64,
}

/// Finds out which segments count: one overrides everything from its base on in those of smaller
/// generations, and what ends before `start` was released.
pub(super) fn lay_out(disk: &dyn Disk, folder: &Folder, store: u64, start: Lsn) -> Result<Layout, Error> {
    let mut by_generation = folder.segments.clone();
    by_generation.sort_unstable_by_key(|(base, generation)| (*generation, *base));
    let generation_next = by_generation.last().map_or(1, |(_, generation)| generation.saturating_add(1));
    let mut kept: Vec<(Lsn, u64)> = Vec::new();
    let mut superseded = Vec::new();
    for (base, generation) in by_generation {
        while let Some(before) = kept.pop_if(|before| before.0 >= base) {
            superseded.push(names::segment(before.0, before.1));
        }
        kept.push((base, generation));
    }
    let released = kept.partition_point(|(base, _)| *base <= start).saturating_sub(1);
    superseded.extend(kept.drain(..released).map(|(base, generation)| names::segment(base, generation)));
    let mut segments = Vec::new();
    for (base, generation) in kept {
        segments.push(find(disk, Segment::new(store, generation, base))?);
    }
    let bases: Vec<Lsn> = segments.iter().skip(1).map(Found::base).collect();
    for (found, next) in segments.iter_mut().zip(bases) {
        found.to = next;
    }
    Ok(Layout { segments, superseded, generation_next })
}

fn find(disk: &dyn Disk, segment: Segment) -> Result<Found, Error> {
    let failed =
        |error: io::Error| Error::io("read a journal file", error).in_file(disk.path().join(&segment.name));
    let file = open(disk, &segment)?;
    let len = file.size().map_err(failed)?;
    let mut header = [0; SEGMENT_HEADER_LEN];
    let read = file.read_at(&mut header, 0).map_err(failed)?;
    let header = SegmentHeader::parse(header.get(..read).unwrap_or_default())
        .map_err(|version| failure::newer_format(disk, &segment.name, version))?;
    let to = segment.header.base.advance(len.saturating_sub(SEGMENT_HEADER_LEN as u64));
    let has_header = header == Some(segment.header);
    Ok(Found { segment: Arc::new(segment), to, len, has_header })
}

fn open(disk: &dyn Disk, segment: &Segment) -> Result<Arc<dyn DiskFile>, Error> {
    disk.open(&segment.name)
        .map_err(|error| Error::io("open a journal file", error).in_file(disk.path().join(&segment.name)))
}

/// Refuses a journal of which a beginning, or the header of a synced segment, is missing.
pub(super) fn check_layout(disk: &dyn Disk, layout: &Layout, start: Lsn, mark: Lsn) -> Result<(), Error> {
    if let Some(first) = layout.segments.first()
        && first.base() > start
    {
        let what = format!("the journal should begin at LSN {start}, the first file begins later");
        return Err(failure::corrupt(disk, &first.segment.name, &what).at_lsn(start));
    }
    for found in &layout.segments {
        if !found.has_header && found.base() < mark {
            let what = "the header of a journal file is damaged";
            return Err(failure::corrupt(disk, &found.segment.name, what).at(0).at_lsn(found.base()));
        }
    }
    Ok(())
}

/// Bytes written at once.
const WRITE: usize = 1 << 20;

/// Writes what follows the last synced mark into a fresh segment; durable on return. The segment becomes
/// the one that is appended to, so that nothing that stood behind the end can ever be read as new.
pub(super) fn rewrite_tail(
    disk: &dyn Disk,
    layout: &Layout,
    survey: &Survey,
    store: u64,
    options: &Options,
) -> Result<Found, Error> {
    let segment = Segment::new(store, layout.generation_next, survey.mark);
    let failed =
        |error: io::Error| Error::io("write a journal file", error).in_file(disk.path().join(&segment.name));
    let header_len = SEGMENT_HEADER_LEN as u64;
    let needed = header_len + survey.end.since(survey.mark);
    let (file, len) = create_tail(disk, needed, options.segment_bytes).map_err(failed)?;
    let mut pending = segment.header.encode().to_vec();
    let mut at = 0;
    survey::tail(disk, &layout.segments, survey.mark, survey.end, |batch| {
        batch.reseal_into(segment.header.seed(), &mut pending);
        if pending.len() >= WRITE {
            file.write_at(&pending, at).map_err(failed)?;
            at += pending.len() as u64;
            pending.clear();
        }
        Ok(())
    })?;
    file.write_at(&pending, at).map_err(failed)?;
    file.sync_data().map_err(failed)?;
    disk.rename(names::SEGMENT_TEMP, &segment.name).map_err(failed)?;
    disk.sync_dir().map_err(failed)?;
    let to = segment.header.base.advance(len - header_len);
    Ok(Found { segment: Arc::new(segment), to, len, has_header: true })
}

/// A file for the tail. On a full disk it is only as long as it must be, so that what is stored can be read.
fn create_tail(disk: &dyn Disk, needed: u64, wanted: u64) -> io::Result<(Arc<dyn DiskFile>, u64)> {
    let create = |len| {
        let file = disk.create(names::SEGMENT_TEMP)?;
        file.allocate(len).map(|()| (file, len))
    };
    let wanted = wanted.max(needed);
    match create(wanted) {
        Err(error) if is_full(&error) && needed < wanted => {
            disk.remove(names::SEGMENT_TEMP)?;
            create(needed)
        }
        created => created,
    }
}
