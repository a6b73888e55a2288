use super::bytes::{put, u32_at, u64_at};
use super::{FORMAT_VERSION, Lsn};

/// Bytes of a segment file before its first batch.
pub const SEGMENT_HEADER_LEN: usize = 64;

const MAGIC: &[u8; 8] = b"FANFJRNL";
const AT_CRC: usize = 12;

/// The start value of the checksums of a segment's batches.
///
/// It is made of the store's random id, the segment's generation and its base: bytes of another segment,
/// also those that stood in a recycled file before, or batches forged inside a payload, never check out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed(u32);

impl Seed {
    pub(crate) const fn value(self) -> u32 {
        self.0
    }
}

/// The header of a segment file.
///
/// ```text
///  0                8         12        16               24               32               40      64
///  +----------------+---------+---------+----------------+----------------+----------------+-------+--------
///  | "FANFJRNL"     | version | crc32   | store id       | generation     | base LSN       | zeros | batches
///  +----------------+---------+---------+----------------+----------------+----------------+-------+--------
/// ```
///
/// The byte at LSN `n` is in the file at `64 + n - base`. A segment overrides everything at its base and
/// after it in segments of smaller generations; that is how the tail is rewritten after an unclean stop.
/// A file is longer than what is written in it: it was allocated in one piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// The store it belongs to: random, and never told outside the folder.
    pub store: u64,
    /// Raised with each new segment.
    pub generation: u64,
    /// The LSN of the first batch.
    pub base: Lsn,
}

impl SegmentHeader {
    /// The start value of its batches' checksums.
    #[must_use]
    pub fn seed(&self) -> Seed {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.store.to_le_bytes());
        crc.update(&self.generation.to_le_bytes());
        crc.update(&self.base.0.to_le_bytes());
        Seed(crc.finalize())
    }

    /// The bytes a segment file begins with.
    #[must_use]
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_LEN] {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 16, &self.store.to_le_bytes());
        put(&mut bytes, 24, &self.generation.to_le_bytes());
        put(&mut bytes, 32, &self.base.0.to_le_bytes());
        let crc = crc32fast::hash(&bytes);
        put(&mut bytes, AT_CRC, &crc.to_le_bytes());
        bytes
    }

    /// Reads the header of a segment file. `None`: it is torn or damaged.
    ///
    /// # Errors
    /// The format version, if it is newer than what this build reads.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, u32> {
        let Some(bytes) = bytes.first_chunk::<SEGMENT_HEADER_LEN>() else { return Ok(None) };
        if bytes.first_chunk() != Some(MAGIC) {
            return Ok(None);
        }
        match u32_at(bytes, 8) {
            Some(version) if version > FORMAT_VERSION => return Err(version),
            Some(FORMAT_VERSION) => {}
            _ => return Ok(None),
        }
        let mut blank = *bytes;
        put(&mut blank, AT_CRC, &[0; 4]);
        if u32_at(bytes, AT_CRC) != Some(crc32fast::hash(&blank)) {
            return Ok(None);
        }
        Ok(fields(bytes))
    }
}

fn fields(bytes: &[u8]) -> Option<SegmentHeader> {
    Some(SegmentHeader {
        store: u64_at(bytes, 16)?,
        generation: u64_at(bytes, 24)?,
        base: Lsn(u64_at(bytes, 32)?),
    })
}
