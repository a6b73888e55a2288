use std::collections::BTreeMap;
use std::io;

use super::inode::Inode;
use super::{Plant, Rng};

/// The machine: its files, and the process that is running on it.
pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) files: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    disk_names: BTreeMap<String, u64>,
    pending: Vec<NameChange>,
    file_next: u64,
    /// Which process is running; handles of earlier ones are dead.
    pub(super) process: u64,
    pub(super) boot: u64,
    pub(super) lock_holder: Option<u64>,
    pub(super) lock_next: u64,
    pub(super) operations: u64,
    pub(super) stop_after: Option<u64>,
    pub(super) is_stopped: bool,
    pub(super) quota: Option<u64>,
    pub(super) syncs_fail: bool,
    pub(super) dir_syncs_fail: bool,
    pub(super) plant: Option<Plant>,
    pub(super) during_sync: Option<Box<dyn FnOnce() + Send>>,
}

/// A change of the directory that is not synced.
enum NameChange {
    Create { name: String, file: u64 },
    Rename { from: String, to: String, file: u64 },
    Remove { name: String, file: u64 },
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            disk_names: BTreeMap::new(),
            pending: Vec::new(),
            file_next: 0,
            process: 0,
            boot: 1,
            lock_holder: None,
            lock_next: 0,
            operations: 0,
            stop_after: None,
            is_stopped: false,
            quota: None,
            syncs_fail: false,
            dir_syncs_fail: false,
            plant: None,
            during_sync: None,
        }
    }

    /// Lets a process of this number go on. An operation that changes something counts, and may be the last.
    /// `true`: it is the last, and may happen in part.
    pub(super) fn admit(&mut self, process: u64, changes: bool) -> io::Result<bool> {
        if process != self.process || self.is_stopped {
            return Err(io::Error::other("the process was stopped"));
        }
        if changes {
            self.operations += 1;
            if let Some(left) = &mut self.stop_after {
                if *left == 0 {
                    self.is_stopped = true;
                    return Ok(true);
                }
                *left -= 1;
            }
        }
        Ok(false)
    }

    pub(super) fn next_process(&mut self) {
        self.process += 1;
        self.lock_holder = None;
        self.is_stopped = false;
        self.stop_after = None;
        self.during_sync = None;
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(super) fn find(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn create(&mut self, name: &str) -> io::Result<u64> {
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = self.file_next;
        self.file_next += 1;
        self.files.insert(file, Inode::default());
        self.names.insert(name.to_owned(), file);
        self.pending.push(NameChange::Create { name: name.to_owned(), file });
        Ok(file)
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.names.insert(to.to_owned(), file);
        self.pending.push(NameChange::Rename { from: from.to_owned(), to: to.to_owned(), file });
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        let file = self.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        self.pending.push(NameChange::Remove { name: name.to_owned(), file });
        Ok(())
    }

    pub(super) fn sync_names(&mut self) {
        self.disk_names = self.names.clone();
        self.pending.clear();
    }

    /// Whether so many more bytes have space.
    pub(super) fn reserve(&self, more: u64) -> io::Result<()> {
        let Some(quota) = self.quota else { return Ok(()) };
        let used: u64 = self.names.values().filter_map(|file| self.files.get(file)).map(size).sum();
        if more > 0 && used + more > quota { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    pub(super) fn used(&self) -> u64 {
        self.names.values().filter_map(|file| self.files.get(file)).map(size).sum()
    }

    /// The power goes: of what was not synced, a random part stays.
    pub(super) fn forget(&mut self) {
        let keep = [0, 30, 50, 70, 100].get(self.rng.below(5) as usize).copied().unwrap_or(50);
        for change in std::mem::take(&mut self.pending) {
            if self.rng.percent(keep) {
                apply(&mut self.disk_names, change);
            }
        }
        self.names = self.disk_names.clone();
        let names = &self.names;
        self.files.retain(|file, _| names.values().any(|named| named == file));
        for file in self.files.values_mut() {
            file.forget(&mut self.rng);
        }
        self.boot += 1;
    }
}

fn apply(names: &mut BTreeMap<String, u64>, change: NameChange) {
    match change {
        NameChange::Create { name, file } => {
            names.insert(name, file);
        }
        NameChange::Rename { from, to, file } => {
            remove_if(names, &from, file);
            names.insert(to, file);
        }
        NameChange::Remove { name, file } => remove_if(names, &name, file),
    }
}

fn remove_if(names: &mut BTreeMap<String, u64>, name: &str, file: u64) {
    if names.get(name) == Some(&file) {
        names.remove(name);
    }
}

fn size(file: &Inode) -> u64 {
    file.seen().len() as u64
}
