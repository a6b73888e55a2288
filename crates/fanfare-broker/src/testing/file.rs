use std::io;
use std::sync::{Arc, Mutex};

use super::Plant;
use super::disk::lock;
use super::inode::Inode;
use super::world::World;
use crate::storage::file::DiskFile;

/// A file that one process has open.
pub(super) struct FaultFile {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) process: u64,
    pub(super) id: u64,
}

impl FaultFile {
    /// Makes the file at least so long, if the quota allows it.
    fn grow(world: &mut World, id: u64, len: u64) -> io::Result<()> {
        let size = inode(world, id)?.seen().len() as u64;
        world.reserve(len.saturating_sub(size))?;
        if len > size {
            inode(world, id)?.set_len(index(len)?);
        }
        Ok(())
    }
}

impl DiskFile for FaultFile {
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut world = lock(&self.world);
        world.admit(self.process, false)?;
        let seen = inode(&mut world, self.id)?.seen();
        let bytes = seen.get(index(offset)?..).unwrap_or_default();
        for (place, byte) in into.iter_mut().zip(bytes) {
            *place = *byte;
        }
        Ok(bytes.len().min(into.len()))
    }

    fn write_at(&self, mut bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut world = lock(&self.world);
        let is_last = world.admit(self.process, true)?;
        if is_last {
            let part = world.rng.below(bytes.len() as u64 + 1);
            bytes = bytes.get(..index(part)?).unwrap_or_default();
        }
        Self::grow(&mut world, self.id, offset + bytes.len() as u64)?;
        inode(&mut world, self.id)?.write(bytes, index(offset)?);
        if is_last { Err(io::Error::other("the process was stopped")) } else { Ok(()) }
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut world = lock(&self.world);
        world.admit(self.process, true)?;
        Self::grow(&mut world, self.id, len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut world = lock(&self.world);
        world.admit(self.process, true)?;
        inode(&mut world, self.id)?.set_len(index(len)?);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let mut world = lock(&self.world);
        world.admit(self.process, false)?;
        Ok(inode(&mut world, self.id)?.seen().len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut world = lock(&self.world);
        world.admit(self.process, true)?;
        let covered = inode(&mut world, self.id)?.begin_sync();
        if let Some(run) = world.during_sync.take() {
            drop(world);
            run();
            world = lock(&self.world);
        }
        if world.is_stopped || world.process != self.process {
            return Err(io::Error::other("the process was stopped"));
        }
        let World { files, rng, syncs_fail, plant, .. } = &mut *world;
        let file = files.get_mut(&self.id).ok_or(io::ErrorKind::NotFound)?;
        if *syncs_fail {
            file.fail_sync(&covered, rng);
            return Err(io::Error::from_raw_os_error(5));
        }
        if *plant != Some(Plant::FileSyncDoesNothing) {
            file.finish_sync(&covered);
        }
        Ok(())
    }
}

fn inode(world: &mut World, id: u64) -> io::Result<&mut Inode> {
    world.files.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn index(position: u64) -> io::Result<usize> {
    usize::try_from(position).map_err(io::Error::other)
}
