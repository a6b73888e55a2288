use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::journal::{BATCH_HEADER_LEN, BODY_MAX, Batch, BatchBuf, FORMAT_VERSION, Lsn, Seed, SegmentHeader};
use crate::storage::{
    Batches, Class, Error, ErrorKind, Reader, Recovered, Report, Snapshots, Space, Storage, Syncer,
};

/// Makes an empty storage with this epoch: the port alone, nothing survives, every sync is done at once.
#[must_use]
pub fn open_memory(epoch: u64) -> (MemoryStorage, Recovered) {
    let seed = SegmentHeader { store: epoch, generation: 0, base: Lsn::ZERO }.seed();
    let storage = MemoryStorage { epoch, kept: Arc::new(Kept { seed, journal: Mutex::default() }) };
    let report = Report {
        created: true,
        clean: true,
        same_boot: true,
        epoch,
        format_version: FORMAT_VERSION,
        ..Report::default()
    };
    (storage, Recovered { snapshot: None, batches: Batches::new(std::iter::empty()), report })
}

/// A journal in memory. The caller bounds it by [`Storage::release`].
#[derive(Debug)]
pub struct MemoryStorage {
    epoch: u64,
    kept: Arc<Kept>,
}

impl Storage for MemoryStorage {
    fn append(&mut self, batch: &mut BatchBuf, _class: Class) -> Result<Lsn, Error> {
        if batch.len() > BATCH_HEADER_LEN + BODY_MAX {
            return Err(Error::new(ErrorKind::TooLarge, "append a batch of more than 256 MiB"));
        }
        let mut journal = self.kept.lock();
        let lsn = journal.end;
        if batch.is_empty() {
            return Ok(lsn);
        }
        let bytes = Bytes::copy_from_slice(batch.seal(lsn, lsn, self.kept.seed));
        journal.end = lsn.advance(bytes.len() as u64);
        journal.batches.push_back((lsn, bytes));
        Ok(lsn)
    }

    fn prepare(&mut self, _len: u64, _class: Class) -> Result<(), Error> {
        Ok(())
    }

    fn end(&self) -> Lsn {
        self.kept.lock().end
    }

    fn syncer(&self) -> Arc<dyn Syncer> {
        self.kept.clone()
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.kept.clone()
    }

    fn snapshots(&self) -> Arc<dyn Snapshots> {
        self.kept.clone()
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn set_epoch(&mut self, epoch: u64) -> Result<(), Error> {
        self.epoch = epoch;
        Ok(())
    }

    fn release(&mut self, before: Lsn) -> Result<Lsn, Error> {
        let mut journal = self.kept.lock();
        while let Some((lsn, bytes)) = journal.batches.front() {
            let end = lsn.advance(bytes.len() as u64);
            if end > before {
                break;
            }
            journal.start = end;
            journal.batches.pop_front();
        }
        Ok(journal.start)
    }

    fn space(&self) -> Space {
        let journal = self.kept.lock();
        Space { journal_bytes: journal.end.since(journal.start), segments: 0, has_reserve: true }
    }

    fn close_clean(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}

#[derive(Debug)]
struct Kept {
    seed: Seed,
    journal: Mutex<Journal>,
}

#[derive(Debug, Default)]
struct Journal {
    batches: VecDeque<(Lsn, Bytes)>,
    start: Lsn,
    end: Lsn,
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    /// The batch in which `lsn` lies.
    fn batch_at(&self, lsn: Lsn) -> Option<&(Lsn, Bytes)> {
        let after = self.batches.partition_point(|(start, _)| *start <= lsn);
        self.batches.get(after.checked_sub(1)?)
    }
}

impl Syncer for Kept {
    fn sync(&self) -> Result<Lsn, Error> {
        Ok(self.lock().end)
    }

    fn synced(&self) -> Lsn {
        self.lock().end
    }
}

impl Snapshots for Kept {
    fn snapshot(&self, _lsn: Lsn, _body: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}

impl Reader for Kept {
    fn read(&self, lsn: Lsn, len: usize) -> Result<Bytes, Error> {
        let journal = self.lock();
        let found = journal.batch_at(lsn).and_then(|(start, bytes)| {
            let from = usize::try_from(lsn.since(*start)).ok()?;
            let part = bytes.get(from..from.checked_add(len)?)?;
            Some(bytes.slice_ref(part))
        });
        found.ok_or_else(|| out_of_range(lsn))
    }

    fn batches(&self, from: Lsn) -> Result<Batches, Error> {
        let journal = self.lock();
        if from < journal.start || from > journal.end {
            return Err(out_of_range(from));
        }
        let first = journal.batches.partition_point(|(lsn, _)| *lsn < from);
        let rest: Vec<_> = journal.batches.range(first..).cloned().collect();
        let seed = self.seed;
        Ok(Batches::new(rest.into_iter().map(move |(lsn, bytes)| {
            Batch::parse(&bytes, lsn, seed).map_err(|damage| {
                Error::new(ErrorKind::Corrupt, format!("read a batch: {damage}")).at_lsn(lsn)
            })
        })))
    }

    fn start(&self) -> Lsn {
        self.lock().start
    }

    fn end(&self) -> Lsn {
        self.lock().end
    }
}

fn out_of_range(lsn: Lsn) -> Error {
    Error::new(ErrorKind::OutOfRange, "read the journal: nothing is kept at this position").at_lsn(lsn)
}
