use super::bytes::{put, u32_at, u64_at};
use super::{FORMAT_VERSION, Lsn};

/// Bytes of a snapshot file before its body.
pub const SNAPSHOT_HEADER_LEN: usize = 40;

const MAGIC: &[u8; 8] = b"FANFSNAP";
const AT_CRC: usize = 12;

/// The header of a snapshot file: the machine's state after every batch before `lsn`.
///
/// ```text
///  0                8         12        16               24               32               40
///  +----------------+---------+---------+----------------+----------------+----------------+------
///  | "FANFSNAP"     | version | crc32   | store id       | LSN            | body length    | body
///  +----------------+---------+---------+----------------+----------------+----------------+------
///
///  crc32  of bytes 0..12, 16..40 and the body
/// ```
///
/// The file gets its name after it and the journal up to its LSN were synced: its name is a synced mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SnapshotHeader {
    /// The store it belongs to.
    pub store: u64,
    /// The batches before this position are in it, those after are not.
    pub lsn: Lsn,
    /// Bytes of the body.
    pub length: u64,
}

impl SnapshotHeader {
    /// The bytes a snapshot file with this body begins with.
    #[must_use]
    pub fn encode(store: u64, lsn: Lsn, body: &[u8]) -> [u8; SNAPSHOT_HEADER_LEN] {
        let mut bytes = [0; SNAPSHOT_HEADER_LEN];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 16, &store.to_le_bytes());
        put(&mut bytes, 24, &lsn.0.to_le_bytes());
        put(&mut bytes, 32, &(body.len() as u64).to_le_bytes());
        let crc = checksum(&bytes, body);
        put(&mut bytes, AT_CRC, &crc.to_le_bytes());
        bytes
    }

    /// Reads a whole snapshot file. `None`: it is damaged.
    ///
    /// # Errors
    /// The format version, if it is newer than what this build reads.
    pub fn parse(file: &[u8]) -> Result<Option<Self>, u32> {
        let Some((header, body)) = file.split_first_chunk::<SNAPSHOT_HEADER_LEN>() else { return Ok(None) };
        if header.first_chunk() != Some(MAGIC) {
            return Ok(None);
        }
        match u32_at(header, 8) {
            Some(version) if version > FORMAT_VERSION => return Err(version),
            Some(FORMAT_VERSION) => {}
            _ => return Ok(None),
        }
        if u32_at(header, AT_CRC) != Some(checksum(header, body)) {
            return Ok(None);
        }
        Ok(fields(header).filter(|found| found.length == body.len() as u64))
    }
}

fn checksum(header: &[u8; SNAPSHOT_HEADER_LEN], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header.get(..AT_CRC).unwrap_or_default());
    crc.update(header.get(AT_CRC + 4..).unwrap_or_default());
    crc.update(body);
    crc.finalize()
}

fn fields(header: &[u8]) -> Option<SnapshotHeader> {
    Some(SnapshotHeader {
        store: u64_at(header, 16)?,
        lsn: Lsn(u64_at(header, 24)?),
        length: u64_at(header, 32)?,
    })
}
