use bytes::Bytes;

use super::buf::{AT_COUNT, AT_CRC, AT_LENGTH, AT_LSN, AT_SYNCED, BATCH_MAGIC, checksum, reseal};
use super::bytes::{u32_at, u64_at};
use super::{BATCH_HEADER_LEN, BODY_MAX, Lsn, RECORD_HEADER_LEN, Seed};

/// What is wrong with bytes that should be a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// Nothing was ever written there.
    #[error("there is nothing but zeros")]
    Zeros,
    /// No batch begins there.
    #[error("no batch begins there")]
    NoBatch,
    /// A batch of another place.
    #[error("the batch says that it belongs to another position")]
    Misplaced,
    /// The bytes end before the batch does.
    #[error("the batch is cut off")]
    CutOff,
    /// The checksum does not fit.
    #[error("the checksum does not fit")]
    Checksum,
    /// The checksum fits, the records do not.
    #[error("the records do not fill the batch")]
    Records,
}

/// The header of a batch, before its checksum was compared. [`BatchBuf`](super::BatchBuf) draws it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Bytes of all records.
    pub length: u32,
    /// Number of records.
    pub count: u32,
    /// Where the batch says that it is.
    pub lsn: Lsn,
    /// Up to where syncs had completed when it was written.
    pub synced: Lsn,
    crc: u32,
}

impl Header {
    /// Reads the header of the batch that should be at `lsn`.
    ///
    /// # Errors
    /// What stands there instead.
    pub fn parse(bytes: &[u8], lsn: Lsn) -> Result<Self, Damage> {
        let header = bytes.get(..BATCH_HEADER_LEN).ok_or(Damage::CutOff)?;
        if header.iter().all(|byte| *byte == 0) {
            return Err(Damage::Zeros);
        }
        if u32_at(header, 0) != Some(BATCH_MAGIC) {
            return Err(Damage::NoBatch);
        }
        let found = Self::fields(header).ok_or(Damage::CutOff)?;
        if found.lsn != lsn {
            return Err(Damage::Misplaced);
        }
        if found.length as usize > BODY_MAX || found.count == 0 {
            return Err(Damage::NoBatch);
        }
        Ok(found)
    }

    fn fields(header: &[u8]) -> Option<Self> {
        Some(Self {
            length: u32_at(header, AT_LENGTH)?,
            crc: u32_at(header, AT_CRC)?,
            count: u32_at(header, AT_COUNT)?,
            lsn: Lsn(u64_at(header, AT_LSN)?),
            synced: Lsn(u64_at(header, AT_SYNCED)?),
        })
    }

    /// Bytes of the whole batch, this header included.
    #[must_use]
    pub fn batch_len(&self) -> usize {
        BATCH_HEADER_LEN + self.length as usize
    }
}

/// A batch that was read and whose checksum and records were checked.
#[derive(Clone, Debug)]
pub struct Batch {
    header: Header,
    bytes: Bytes,
}

impl Batch {
    /// Checks the batch that `bytes` begins with.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &Bytes, lsn: Lsn, seed: Seed) -> Result<Self, Damage> {
        let header = Header::parse(bytes, lsn)?;
        let whole = bytes.get(..header.batch_len()).ok_or(Damage::CutOff)?;
        if checksum(whole, seed) != header.crc {
            return Err(Damage::Checksum);
        }
        let batch = Self { header, bytes: bytes.slice_ref(whole) };
        let mut records = batch.records();
        let count = records.by_ref().count();
        if count != header.count as usize || !records.rest.is_empty() {
            return Err(Damage::Records);
        }
        Ok(batch)
    }

    /// Where it begins.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.header.lsn
    }

    /// Where the next one begins.
    #[must_use]
    pub fn end(&self) -> Lsn {
        self.header.lsn.advance(self.bytes.len() as u64)
    }

    /// Up to where syncs had completed when it was written.
    #[must_use]
    pub fn synced(&self) -> Lsn {
        self.header.synced
    }

    /// Number of records.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.header.count
    }

    /// The batch as it stands in the journal.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Appends the batch as it stands in a segment with another seed.
    pub(crate) fn reseal_into(&self, seed: Seed, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&self.bytes);
        reseal(into.get_mut(start..).unwrap_or_default(), seed);
    }

    /// Its records, in the order in which they were pushed.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records {
            lsn: self.header.lsn.advance(BATCH_HEADER_LEN as u64),
            rest: self.bytes.get(BATCH_HEADER_LEN..).unwrap_or_default(),
        }
    }

    /// A record's body as bytes that share the batch's memory.
    #[must_use]
    pub fn body(&self, record: &Record<'_>) -> Bytes {
        self.bytes.slice_ref(record.body)
    }
}

/// One record of a [`Batch`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// What kind of record it is; the machine gives it its meaning.
    pub kind: u8,
    /// Where its body begins: with the body's length enough to read it again.
    pub lsn: Lsn,
    /// The body.
    pub body: &'a [u8],
}

/// The records of a [`Batch`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    lsn: Lsn,
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let length = u32_at(self.rest, 0)? as usize;
        let kind = *self.rest.get(4)?;
        let (body, rest) = self.rest.get(RECORD_HEADER_LEN..)?.split_at_checked(length)?;
        let lsn = self.lsn.advance(RECORD_HEADER_LEN as u64);
        self.lsn = lsn.advance(length as u64);
        self.rest = rest;
        Some(Record { kind, lsn, body })
    }
}
