use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// One folder, as the file storage sees it. Names are plain file names inside it.
///
/// The contract is that of a POSIX file system: what was written is seen by every reader at once, but a
/// crash of the machine keeps only what was synced, and of the rest any part, in any order.
pub trait Disk: Send + Sync {
    /// The folder, for error texts.
    fn path(&self) -> &Path;

    /// The names of all files in it.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Makes an empty file that must not exist yet, readable by its owner only.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name; what had that name before is gone. Durable after [`sync_dir`](Self::sync_dir).
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name. Durable after [`sync_dir`](Self::sync_dir).
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Brings the names to the disk: files that were created, renamed, removed.
    fn sync_dir(&self) -> io::Result<()>;

    /// Takes the lock of the folder, or says who has it. Never waits.
    fn lock(&self) -> io::Result<Locked>;

    /// The id of the machine's boot, where that is known.
    fn boot_id(&self) -> Option<[u8; 16]>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: Send + Sync {
    /// Reads at `offset` until `into` is full or the file ends, and returns how many bytes there were.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the file at least `len` bytes long, with space on the disk for all of them.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Cuts the file off, or fills it up with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// How long the file is.
    fn size(&self) -> io::Result<u64>;

    /// Brings the file's bytes and length to the disk, not its name.
    fn sync_data(&self) -> io::Result<()>;
}

/// Whether the lock could be taken.
#[derive(Debug)]
pub enum Locked {
    /// It is held until this is dropped.
    Held(DiskLock),
    /// Someone else holds it: the process with this id, if it could be read.
    ByOther(Option<u32>),
}

/// Holds the lock of a folder until it is dropped.
#[derive(Debug)]
pub struct DiskLock(#[expect(dead_code, reason = "held for its drop")] Box<dyn Any + Send + Sync>);

impl DiskLock {
    /// A lock that is given up when `held` is dropped.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self(Box::new(held))
    }
}
