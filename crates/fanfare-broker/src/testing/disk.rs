use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::FaultFile;
use super::world::World;
use crate::storage::file::{Disk, DiskFile, DiskLock, Locked};

/// A machine with one folder, in memory, whose power can be cut.
///
/// Clones are the same machine. [`disk`](Self::disk) is the folder as a process sees it; after
/// [`kill`](Self::kill) or [`power_cut`](Self::power_cut) that process is gone: its handles only fail.
#[derive(Clone)]
pub struct FaultDisk {
    world: Arc<Mutex<World>>,
}

/// A fault planted into the disk, which tests must find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plant {
    /// Syncing a file does nothing.
    FileSyncDoesNothing,
    /// Syncing the folder does nothing.
    FolderSyncDoesNothing,
}

impl FaultDisk {
    /// An empty folder; the seed determines what is forgotten.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(seed))) }
    }

    /// The folder, for a process that starts now.
    #[must_use]
    pub fn disk(&self) -> Arc<dyn Disk> {
        let process = self.lock().process;
        Arc::new(Connection { world: self.world.clone(), process })
    }

    /// Kills the process: what it handed to the operating system stays.
    pub fn kill(&self) {
        self.lock().next_process();
    }

    /// Cuts the power: of what was not synced, a random part stays. The machine boots again.
    pub fn power_cut(&self) {
        let mut world = self.lock();
        world.next_process();
        world.forget();
    }

    /// Stops the process at the operation that follows so many others that change something; that one
    /// happens in part. Then [`kill`](Self::kill) or [`power_cut`](Self::power_cut) it.
    pub fn stop_after(&self, operations: u64) {
        self.lock().stop_after = Some(operations);
    }

    /// Whether the process was stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// How many operations have changed something.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// The bytes that fit on the disk.
    pub fn set_quota(&self, bytes: Option<u64>) {
        self.lock().quota = bytes;
    }

    /// The bytes that are in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.lock().used()
    }

    /// From now on each sync of a file fails, or no longer.
    pub fn fail_syncs(&self, fail: bool) {
        self.lock().syncs_fail = fail;
    }

    /// From now on each sync of the folder fails, or no longer.
    pub fn fail_folder_syncs(&self, fail: bool) {
        self.lock().dir_syncs_fail = fail;
    }

    /// Plants a fault.
    pub fn plant(&self, plant: Plant) {
        self.lock().plant = Some(plant);
    }

    /// Runs this in the middle of the next sync of a file, after it was decided what that sync covers.
    pub fn during_next_sync(&self, run: impl FnOnce() + Send + 'static) {
        self.lock().during_sync = Some(Box::new(run));
    }

    /// The names in the folder.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.lock().names()
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let world = self.lock();
        let file = world.find(name)?;
        Ok(world.files.get(&file).map(|file| file.seen().to_vec()).unwrap_or_default())
    }

    /// Replaces the bytes of a file, or makes it; both are on the disk.
    ///
    /// # Errors
    /// It could not be made.
    pub fn write(&self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
        let mut world = self.lock();
        let file = match world.find(name) {
            Ok(file) => file,
            Err(_) => world.create(name)?,
        };
        world.sync_names();
        if let Some(file) = world.files.get_mut(&file) {
            file.replace(bytes);
        }
        Ok(())
    }

    /// Removes a file; that is on the disk.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let mut world = self.lock();
        world.remove(name)?;
        world.sync_names();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }
}

pub(super) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folder as one process sees it.
struct Connection {
    world: Arc<Mutex<World>>,
    process: u64,
}

impl Connection {
    /// The machine, if the process may still do something with it.
    fn admit(&self, changes: bool) -> io::Result<MutexGuard<'_, World>> {
        let mut world = lock(&self.world);
        if world.admit(self.process, changes)? && world.rng.percent(50) {
            return Err(io::Error::other("the process was stopped"));
        }
        Ok(world)
    }

    fn file(&self, id: u64) -> Arc<dyn DiskFile> {
        Arc::new(FaultFile { world: self.world.clone(), process: self.process, id })
    }
}

impl Disk for Connection {
    fn path(&self) -> &Path {
        Path::new("/fault-disk")
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.admit(false)?.names())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let id = self.admit(false)?.find(name)?;
        Ok(self.file(id))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let id = self.admit(true)?.create(name)?;
        Ok(self.file(id))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.admit(true)?.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.admit(true)?.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut world = self.admit(true)?;
        if world.is_stopped {
            return Err(io::Error::other("the process was stopped"));
        }
        if world.dir_syncs_fail {
            return Err(io::Error::from_raw_os_error(5));
        }
        if world.plant != Some(Plant::FolderSyncDoesNothing) {
            world.sync_names();
        }
        Ok(())
    }

    fn lock(&self) -> io::Result<Locked> {
        let mut world = self.admit(false)?;
        if world.lock_holder.is_some() {
            return Ok(Locked::ByOther(Some(std::process::id())));
        }
        let holder = world.lock_next;
        world.lock_next += 1;
        world.lock_holder = Some(holder);
        Ok(Locked::Held(DiskLock::new(Holder { world: self.world.clone(), holder })))
    }

    fn boot_id(&self) -> Option<[u8; 16]> {
        Some(u128::from(lock(&self.world).boot).to_le_bytes())
    }
}

struct Holder {
    world: Arc<Mutex<World>>,
    holder: u64,
}

impl Drop for Holder {
    fn drop(&mut self) {
        let mut world = lock(&self.world);
        if world.lock_holder == Some(self.holder) {
            world.lock_holder = None;
        }
    }
}
