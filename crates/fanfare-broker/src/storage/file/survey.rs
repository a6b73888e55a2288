//! Finds where the journal ends, and tells a torn tail from corruption.

use std::io;
use std::sync::Arc;

use super::recover::Found;
use super::scan::{NoBatch, Scan};
use super::{Disk, DiskFile, failure};
use crate::journal::{BATCH_HEADER_LEN, Batch, Damage, Header, Lsn};
use crate::storage::{Cut, Error};

/// Where the journal ends.
pub(super) struct Survey {
    /// The end of the last batch of the whole prefix.
    pub(super) end: Lsn,
    /// The highest synced mark.
    pub(super) mark: Lsn,
    /// What was found behind the end.
    pub(super) cut: Option<Cut>,
}

/// Reads the journal from the segment in which `known` lies to its end. Everything before `known` had been
/// synced.
pub(super) fn survey(disk: &dyn Disk, segments: &[Found], start: Lsn, known: Lsn) -> Result<Survey, Error> {
    let first = segments.partition_point(|found| found.base() <= known).saturating_sub(1);
    let mut mark = known;
    let mut end = start;
    for (index, found) in segments.iter().enumerate().skip(first) {
        let mut scan = Scan::new(found.open(disk)?, found.segment.clone(), found.base(), found.to);
        let damage = loop {
            let next = if found.has_header { scan.next() } else { Err(Damage::NoBatch.into()) };
            match next {
                Ok(Some(batch)) => mark = mark.max(batch.synced()),
                Ok(None) => break None,
                Err(NoBatch::Damaged(damage)) => break Some(damage),
                Err(NoBatch::Io(error)) => return Err(unreadable(disk, found, error)),
            }
        };
        end = scan.position();
        if let Some(damage) = damage {
            let rest = segments.get(index..).unwrap_or_default();
            return judge(disk, rest, Survey { end, mark, cut: None }, damage);
        }
    }
    if end < mark {
        let name = segments.last().map_or("", |found| found.segment.name.as_str());
        return Err(failure::corrupt(disk, name, "the journal ends before what had been synced").at_lsn(end));
    }
    Ok(Survey { end, mark, cut: None })
}

/// The first of `rest` has no batch at the survey's end: is that a torn tail?
fn judge(disk: &dyn Disk, rest: &[Found], mut survey: Survey, damage: Damage) -> Result<Survey, Error> {
    let end = survey.end;
    let mut bytes = 0;
    for found in rest {
        let file = found.open(disk)?;
        let remains =
            search(&*file, found, end.max(found.base())).map_err(|error| unreadable(disk, found, error))?;
        bytes += remains.bytes;
        survey.mark = survey.mark.max(remains.mark);
    }
    let Some(found) = rest.first() else { return Ok(survey) };
    let position = found.segment.position(end);
    if survey.mark > end {
        return Err(failure::damaged_batch(disk, &found.segment.name, position, end, damage));
    }
    if bytes > 0 {
        survey.cut = Some(Cut { lsn: end, file: found.segment.name.clone(), position, bytes });
    }
    Ok(survey)
}

/// What stands behind the end of the journal.
struct Remains {
    /// The highest synced mark of a whole batch.
    mark: Lsn,
    /// Bytes up to the last that is not zero.
    bytes: u64,
}

/// Looks for whole batches at every position from `from` on.
fn search(file: &dyn DiskFile, found: &Found, from: Lsn) -> io::Result<Remains> {
    const STEP: usize = 1 << 20;
    const BLOCK: usize = 4096;
    let begin = found.segment.position(from);
    let limit = found.segment.position(found.to);
    let mut remains = Remains { mark: Lsn::ZERO, bytes: 0 };
    let mut at = begin;
    let mut window = vec![0; STEP + BATCH_HEADER_LEN];
    while at < limit {
        let read = file.read_at(&mut window, at)?;
        let seen = window.get(..read).unwrap_or_default();
        let mut skip_to = 0;
        for (index, block) in seen.chunks(BLOCK).take(STEP / BLOCK).enumerate() {
            let Some(last) = block.iter().rposition(|byte| *byte != 0) else { continue };
            let block_at = index * BLOCK;
            remains.bytes = (at + (block_at + last) as u64 + 1).min(limit).saturating_sub(begin);
            for offset in block_at.max(skip_to)..block_at + last + 1 {
                let position = at + offset as u64;
                let lsn = found.base().advance(position.saturating_sub(found.segment.position(found.base())));
                let Ok(header) = Header::parse(seen.get(offset..).unwrap_or_default(), lsn) else { continue };
                if let Some(batch) = whole_batch(file, found, &header)? {
                    remains.mark = remains.mark.max(batch.synced());
                    skip_to = offset + header.batch_len();
                }
            }
        }
        at += STEP as u64;
    }
    Ok(remains)
}

/// The batch with this header, if it is whole.
fn whole_batch(file: &dyn DiskFile, found: &Found, header: &Header) -> io::Result<Option<Batch>> {
    if header.lsn.advance(header.batch_len() as u64) > found.to {
        return Ok(None);
    }
    let mut bytes = vec![0; header.batch_len()];
    let read = file.read_at(&mut bytes, found.segment.position(header.lsn))?;
    bytes.truncate(read);
    Ok(Batch::parse(&bytes.into(), header.lsn, found.segment.header.seed()).ok())
}

fn unreadable(disk: &dyn Disk, found: &Found, error: io::Error) -> Error {
    Error::io("read the journal", error).in_file(disk.path().join(&found.segment.name))
}

/// Copies the batches between `mark` and `end`, which must begin exactly at `mark`.
pub(super) fn tail(
    disk: &dyn Disk,
    segments: &[Found],
    mark: Lsn,
    end: Lsn,
    mut copy: impl FnMut(&Batch) -> Result<(), Error>,
) -> Result<(), Error> {
    let first = segments.partition_point(|found| found.base() <= mark).saturating_sub(1);
    for found in segments.iter().skip(first).take_while(|found| found.base() < end) {
        let segment = Arc::clone(&found.segment);
        let mut scan = Scan::new(found.open(disk)?, segment, found.base(), found.to.min(end));
        loop {
            let at = scan.position();
            match scan.next() {
                Ok(Some(batch)) if batch.end() <= mark => {}
                Ok(Some(batch)) if batch.lsn() < mark => {
                    let what = "a synced mark lies inside a batch";
                    return Err(failure::corrupt(disk, &found.segment.name, what).at_lsn(mark));
                }
                Ok(Some(batch)) => copy(&batch)?,
                Ok(None) => break,
                Err(NoBatch::Io(error)) => return Err(unreadable(disk, found, error)),
                Err(NoBatch::Damaged(damage)) => {
                    let position = found.segment.position(at);
                    return Err(failure::damaged_batch(disk, &found.segment.name, position, at, damage));
                }
            }
        }
    }
    Ok(())
}
