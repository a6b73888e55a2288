use super::bytes::put;
use super::{Lsn, Seed};

/// Bytes of a batch before its first record.
pub const BATCH_HEADER_LEN: usize = 32;
/// Bytes of a record before its body.
pub const RECORD_HEADER_LEN: usize = 5;
/// The largest body of one batch, records with their headers: 256 MiB.
pub const BODY_MAX: usize = 256 << 20;

pub(super) const BATCH_MAGIC: u32 = u32::from_le_bytes(*b"FBT1");

pub(super) const AT_LENGTH: usize = 4;
pub(super) const AT_CRC: usize = 8;
pub(super) const AT_COUNT: usize = 12;
pub(super) const AT_LSN: usize = 16;
pub(super) const AT_SYNCED: usize = 24;

/// Builds a batch: the records that become part of the journal together or not at all.
///
/// ```text
///  0        4        8        12       16               24               32
///  +--------+--------+--------+--------+----------------+----------------+---------
///  | "FBT1" | length | crc32  | count  | LSN            | synced mark    | records
///  +--------+--------+--------+--------+----------------+----------------+---------
///
///  length       bytes of all records, so the next batch is at LSN + 32 + length
///  crc32        of bytes 0..8, 12..32 and the records; its start value is the segment's seed
///  count        number of records, at least 1
///  LSN          of the first byte of this header
///  synced mark  LSN up to which syncs had completed when this batch was written
///
///  a record:  0        4    5
///             +--------+----+------------------
///             | length |type| body (length bytes)
///             +--------+----+------------------
/// ```
///
/// The buffer is used again after [`clear`](Self::clear), so that in steady state nothing is allocated.
#[derive(Debug)]
pub struct BatchBuf {
    bytes: Vec<u8>,
    count: u32,
}

impl BatchBuf {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: vec![0; BATCH_HEADER_LEN], count: 0 }
    }

    /// Adds a record whose body `write` appends, and returns the offset of that body inside the batch:
    /// its LSN is the batch's LSN plus this offset.
    ///
    /// `write` must only append.
    pub fn push(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0, 0, 0, 0, kind]);
        let body = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len().checked_sub(body).expect("a record's writer only appends");
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        put(&mut self.bytes, start, &length.to_le_bytes());
        self.count += 1;
        body as u64
    }

    /// Adds a record with this body, and returns the offset of the body inside the batch.
    pub fn push_bytes(&mut self, kind: u8, body: &[u8]) -> u64 {
        self.push(kind, |bytes| bytes.extend_from_slice(body))
    }

    /// Number of records.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether there is no record in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that the batch takes in the journal, its header included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes from this offset on.
    pub(crate) fn since(&self, offset: u64) -> &[u8] {
        self.bytes.get(offset as usize..).unwrap_or_default()
    }

    /// Takes out all records and keeps the memory, up to 1 MiB of it.
    pub fn clear(&mut self) {
        const KEPT_MAX: usize = 1 << 20;
        self.bytes.truncate(BATCH_HEADER_LEN);
        self.bytes.shrink_to(KEPT_MAX);
        self.count = 0;
    }

    /// A mark to come back to with [`truncate`](Self::truncate).
    #[must_use]
    pub fn checkpoint(&self) -> (usize, u32) {
        (self.bytes.len(), self.count)
    }

    /// Takes out what was pushed since this checkpoint.
    pub fn truncate(&mut self, (len, count): (usize, u32)) {
        debug_assert!(len >= BATCH_HEADER_LEN && count <= self.count, "the checkpoint is of this batch");
        self.bytes.truncate(len.max(BATCH_HEADER_LEN));
        self.count = count;
    }

    /// Fills the header in, and returns the bytes as they go into the journal.
    pub(crate) fn seal(&mut self, lsn: Lsn, synced: Lsn, seed: Seed) -> &[u8] {
        let length = (self.bytes.len() - BATCH_HEADER_LEN) as u32;
        put(&mut self.bytes, 0, &BATCH_MAGIC.to_le_bytes());
        put(&mut self.bytes, AT_LENGTH, &length.to_le_bytes());
        put(&mut self.bytes, AT_COUNT, &self.count.to_le_bytes());
        put(&mut self.bytes, AT_LSN, &lsn.0.to_le_bytes());
        put(&mut self.bytes, AT_SYNCED, &synced.0.to_le_bytes());
        reseal(&mut self.bytes, seed);
        &self.bytes
    }
}

impl Default for BatchBuf {
    fn default() -> Self {
        Self::new()
    }
}

/// Gives a batch the checksum that it has in the segment with this seed.
pub(crate) fn reseal(bytes: &mut [u8], seed: Seed) {
    let crc = checksum(bytes, seed);
    put(bytes, AT_CRC, &crc.to_le_bytes());
}

/// The checksum of a whole batch, its checksum field left out.
pub(super) fn checksum(bytes: &[u8], seed: Seed) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(seed.value());
    crc.update(bytes.get(..AT_CRC).unwrap_or_default());
    crc.update(bytes.get(AT_COUNT..).unwrap_or_default());
    crc.finalize()
}
