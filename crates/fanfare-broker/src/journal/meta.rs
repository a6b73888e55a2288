use super::bytes::{put, u32_at, u64_at};
use super::{FORMAT_VERSION, Lsn};

/// Bytes of the meta file.
pub const META_LEN: usize = 80;

const MAGIC: &[u8; 8] = b"FANFMETA";
const AT_CRC: usize = 12;

/// How the last run ended, as far as it could say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It is running, or it ended without a word: killed, or the power went.
    Unclean,
    /// It stopped cleanly: the synced mark is the end of the journal.
    Clean,
    /// A sync failed: what was written since may be gone also within the same boot.
    SyncFailed,
}

/// The meta file: what is known about the store as a whole. It is replaced as a whole (temporary file,
/// sync, rename, sync of the directory) at each open, clean stop and change of the epoch.
///
/// ```text
///  0                8         12        16               24               32               40
///  +----------------+---------+---------+----------------+----------------+----------------+
///  | "FANFMETA"     | version | crc32   | store id       | epoch          | start LSN      |
///  +----------------+---------+---------+----------------+----------------+----------------+
///  40               48                                   64     65     66           80
///  +----------------+------------------------------------+------+------+------------+
///  | synced mark    | boot id                            | stop | lossy| zeros      |
///  +----------------+------------------------------------+------+------+------------+
///
///  start LSN    the first batch that is still kept
///  synced mark  everything before it is on the disk, or the disk lost it
///  boot id      of the machine's run in which the store was opened; zeros: not known
///  stop         0 unclean, 1 clean, 2 a sync failed
///  lossy        1: receipts were given before the sync (durability `os` or `interval`)
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meta {
    /// Random, given at creation, never changed.
    pub store: u64,
    /// Part of every cursor that leaves the store; changed when positions may be given a second time.
    pub epoch: u64,
    /// The first batch that is still kept.
    pub start: Lsn,
    /// Up to where the journal is on the disk.
    pub synced: Lsn,
    /// The machine's boot in which the store was opened last.
    pub boot: Option<[u8; 16]>,
    /// How the last run ended.
    pub stop: Stop,
    /// Whether the last run gave receipts before the sync.
    pub lossy: bool,
}

impl Meta {
    /// The bytes of the meta file.
    #[must_use]
    pub fn encode(&self) -> [u8; META_LEN] {
        let mut bytes = [0; META_LEN];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 16, &self.store.to_le_bytes());
        put(&mut bytes, 24, &self.epoch.to_le_bytes());
        put(&mut bytes, 32, &self.start.0.to_le_bytes());
        put(&mut bytes, 40, &self.synced.0.to_le_bytes());
        put(&mut bytes, 48, &self.boot.unwrap_or_default());
        let stop = match self.stop {
            Stop::Unclean => 0,
            Stop::Clean => 1,
            Stop::SyncFailed => 2,
        };
        put(&mut bytes, 64, &[stop, u8::from(self.lossy)]);
        let crc = crc32fast::hash(&bytes);
        put(&mut bytes, AT_CRC, &crc.to_le_bytes());
        bytes
    }

    /// Reads the meta file. `None`: it is damaged.
    ///
    /// # Errors
    /// The format version, if it is newer than what this build reads.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, u32> {
        if bytes.first_chunk() != Some(MAGIC) {
            return Ok(None);
        }
        match u32_at(bytes, 8) {
            Some(version) if version > FORMAT_VERSION => return Err(version),
            Some(FORMAT_VERSION) => {}
            _ => return Ok(None),
        }
        let Ok(mut blank) = <[u8; META_LEN]>::try_from(bytes) else { return Ok(None) };
        put(&mut blank, AT_CRC, &[0; 4]);
        if u32_at(bytes, AT_CRC) != Some(crc32fast::hash(&blank)) {
            return Ok(None);
        }
        Ok(fields(bytes))
    }
}

fn fields(bytes: &[u8]) -> Option<Meta> {
    let boot: [u8; 16] = *bytes.get(48..)?.first_chunk()?;
    Some(Meta {
        store: u64_at(bytes, 16)?,
        epoch: u64_at(bytes, 24)?,
        start: Lsn(u64_at(bytes, 32)?),
        synced: Lsn(u64_at(bytes, 40)?),
        boot: Some(boot).filter(|boot| *boot != [0; 16]),
        stop: match bytes.get(64)? {
            0 => Stop::Unclean,
            1 => Stop::Clean,
            2 => Stop::SyncFailed,
            _ => return None,
        },
        lossy: *bytes.get(65)? != 0,
    })
}
