use std::sync::Arc;

use bytes::Bytes;

use super::failure;
use super::scan::{NoBatch, Scan};
use super::shared::Shared;
use crate::journal::{Batch, Lsn};
use crate::storage::{Batches, Error, ErrorKind, Reader};

/// Reads a journal in files.
pub(super) struct FileReader(pub(super) Arc<Shared>);

impl Reader for FileReader {
    fn read(&self, lsn: Lsn, len: usize) -> Result<Bytes, Error> {
        let shared = &self.0;
        if lsn < shared.start() {
            return Err(failure::out_of_range(lsn));
        }
        let (segment, to) = shared.segment_at(lsn).ok_or_else(|| failure::out_of_range(lsn))?;
        if lsn.advance(len as u64) > to {
            return Err(failure::out_of_range(lsn));
        }
        let failed = |error| {
            Error::io("read the journal", error)
                .in_file(shared.disk.path().join(&segment.name))
                .at(segment.position(lsn))
                .at_lsn(lsn)
        };
        let mut bytes = vec![0; len];
        let file = shared.file(&segment).map_err(failed)?;
        let read = file.read_at(&mut bytes, segment.position(lsn)).map_err(failed)?;
        if read < len {
            let text = "read the journal: the file is shorter than it was; restore the folder from a backup";
            let file = shared.disk.path().join(&segment.name);
            return Err(Error::new(ErrorKind::Corrupt, text).in_file(file).at_lsn(lsn));
        }
        Ok(Bytes::from(bytes))
    }

    fn batches(&self, from: Lsn) -> Result<Batches, Error> {
        let end = self.0.end();
        if from < self.0.start() || from > end {
            return Err(failure::out_of_range(from));
        }
        Ok(batches(self.0.clone(), from, end))
    }

    fn start(&self) -> Lsn {
        self.0.start()
    }

    fn end(&self) -> Lsn {
        self.0.end()
    }
}

/// The batches from `from` to `end`.
pub(super) fn batches(shared: Arc<Shared>, from: Lsn, end: Lsn) -> Batches {
    let mut walk = Walk { shared, next: from, end, scan: None };
    Batches::new(std::iter::from_fn(move || walk.next().transpose()))
}

/// Goes from segment to segment.
struct Walk {
    shared: Arc<Shared>,
    next: Lsn,
    end: Lsn,
    scan: Option<Scan>,
}

impl Walk {
    fn next(&mut self) -> Result<Option<Batch>, Error> {
        while self.next < self.end {
            let scan = match &mut self.scan {
                Some(scan) => scan,
                None => {
                    let scan = self.enter()?;
                    self.scan.insert(scan)
                }
            };
            match scan.next() {
                Ok(Some(batch)) => {
                    self.next = batch.end();
                    return Ok(Some(batch));
                }
                Ok(None) => self.scan = None,
                Err(stop) => return Err(describe(&self.shared, scan, stop)),
            }
        }
        Ok(None)
    }

    fn enter(&self) -> Result<Scan, Error> {
        let shared = &self.shared;
        let (segment, to) = shared.segment_at(self.next).ok_or_else(|| failure::out_of_range(self.next))?;
        if self.next < shared.start() || to <= self.next {
            return Err(failure::out_of_range(self.next));
        }
        let file = shared.file(&segment).map_err(|error| {
            Error::io("open a journal file", error).in_file(shared.disk.path().join(&segment.name))
        })?;
        Ok(Scan::new(file, segment, self.next, to.min(self.end)))
    }
}

fn describe(shared: &Shared, scan: &Scan, stop: NoBatch) -> Error {
    let (segment, lsn) = (scan.segment(), scan.position());
    match stop {
        NoBatch::Damaged(damage) => {
            failure::damaged_batch(&*shared.disk, &segment.name, segment.position(lsn), lsn, damage)
        }
        NoBatch::Io(error) => Error::io("read the journal", error)
            .in_file(shared.disk.path().join(&segment.name))
            .at(segment.position(lsn))
            .at_lsn(lsn),
    }
}
