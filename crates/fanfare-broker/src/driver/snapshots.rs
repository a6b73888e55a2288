use bytes::Bytes;
use fanfare_core::{Epoch, Error, ErrorKind};

use std::sync::Arc;

use crate::{
    bugs::{Bug, has_bug},
    index::Index,
    journal::Lsn,
    machine::{Limits, Machine},
    record::Malformed,
    storage::{Batches, Reader},
};

use super::store::lift;

/// A snapshot that is on the disk, and its body.
#[derive(Clone, Debug)]
pub(crate) struct Last {
    pub(crate) lsn: Lsn,
    pub(crate) body: Bytes,
}

/// The state at a batch's end, made of an older snapshot and the journal: the writer has nothing to do with it.
pub(crate) fn state_at(
    last: Option<Last>,
    reader: &dyn Reader,
    cut: Lsn,
    epoch: Epoch,
    limits: Limits,
) -> Result<Bytes, Error> {
    let index = Arc::new(Index::new());
    let (from, mut machine) = match last {
        None => (Lsn::ZERO, Machine::new(epoch, limits, index)),
        Some(last) => (
            last.lsn,
            Machine::decode(&last.body, epoch, limits, index).map_err(|error| damaged(last.lsn, error))?,
        ),
    };
    let batches = reader.batches(from).map_err(lift)?;
    let mut batches = before(batches, cut).peekable();
    while let Some(batch) = batches.next() {
        let batch = batch?;
        if has_bug(Bug::SnapshotWithoutLast) && batches.peek().is_none() {
            break;
        }
        for record in batch.records() {
            let body = batch.body(&record);
            machine
                .replay_state(record.kind, record.lsn, &body)
                .map_err(|error| damaged(record.lsn, error))?;
        }
    }
    Ok(machine.encode().into())
}

/// Batches that end at `cut` or before.
fn before(batches: Batches, cut: Lsn) -> impl Iterator<Item = Result<crate::journal::Batch, Error>> {
    batches
        .map(|batch| batch.map_err(lift))
        .take_while(move |batch| batch.as_ref().map_or(true, |batch| batch.end() <= cut))
}

pub(crate) fn damaged(lsn: Lsn, error: Malformed) -> Error {
    let text =
        format!("{error}; the folder was damaged, or written by a newer version: restore it from a backup");
    Error::new(ErrorKind::Corrupt, text).with("LSN", lsn)
}
