use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::DiskFile;
use super::shared::Segment;
use crate::journal::{BATCH_HEADER_LEN, Batch, Damage, Header, Lsn};

/// Bytes read at once.
const WINDOW: usize = 1 << 20;

/// Reads the batches of one segment in order, each checked.
pub(super) struct Scan {
    file: Arc<dyn DiskFile>,
    segment: Arc<Segment>,
    next: Lsn,
    to: Lsn,
    window: Bytes,
    window_at: u64,
}

/// Why there is no batch where one should be.
pub(super) enum NoBatch {
    Damaged(Damage),
    Io(io::Error),
}

impl From<Damage> for NoBatch {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl Scan {
    /// The batches from the one that begins at `from` up to `to`.
    pub(super) fn new(file: Arc<dyn DiskFile>, segment: Arc<Segment>, from: Lsn, to: Lsn) -> Self {
        Self { file, segment, next: from, to, window: Bytes::new(), window_at: 0 }
    }

    /// Where the next batch should begin.
    pub(super) fn position(&self) -> Lsn {
        self.next
    }

    pub(super) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// The next batch; `None` at the end. After an error it stays where it is.
    pub(super) fn next(&mut self) -> Result<Option<Batch>, NoBatch> {
        if self.next >= self.to {
            return Ok(None);
        }
        let at = self.segment.position(self.next);
        let header = Header::parse(&self.view(at, BATCH_HEADER_LEN)?, self.next)?;
        if self.next.advance(header.batch_len() as u64) > self.to {
            return Err(Damage::CutOff.into());
        }
        let bytes = self.view(at, header.batch_len())?;
        let batch = Batch::parse(&bytes, self.next, self.segment.header.seed())?;
        self.next = batch.end();
        Ok(Some(batch))
    }

    /// `need` bytes of the file, or fewer where it ends, and maybe more behind them.
    fn view(&mut self, at: u64, need: usize) -> Result<Bytes, NoBatch> {
        let skip = at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        let seen = skip.and_then(|skip| self.window.get(skip..)).filter(|rest| rest.len() >= need);
        if let Some(rest) = seen {
            return Ok(self.window.slice_ref(rest));
        }
        let left = usize::try_from(self.to.since(self.next)).unwrap_or(usize::MAX);
        let mut window = vec![0; need.max(left.min(WINDOW))];
        let read = self.file.read_at(&mut window, at).map_err(NoBatch::Io)?;
        window.truncate(read);
        self.window = Bytes::from(window);
        self.window_at = at;
        Ok(self.window.clone())
    }
}
