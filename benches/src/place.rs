//! Where a bench writes: a folder on a disk that really syncs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate};

/// A folder for one run, removed afterwards.
#[derive(Debug)]
pub struct Place {
    folder: tempfile::TempDir,
    file_system: String,
    fdatasync: Duration,
}

impl Place {
    /// Makes a folder inside `FANFARE_BENCH_DIR`, or inside `target`. Refuses file systems in memory.
    ///
    /// # Errors
    /// There is no disk under the folder, or it cannot be written.
    pub fn open() -> anyhow::Result<Self> {
        let above = match std::env::var_os("FANFARE_BENCH_DIR") {
            Some(above) => PathBuf::from(above),
            None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        };
        std::fs::create_dir_all(&above)?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(above)?;
        let file_system = file_system(folder.path())?;
        if matches!(file_system.as_str(), "tmpfs" | "ramfs") {
            anyhow::bail!(
                "{} is on {file_system}, where a sync costs nothing; set FANFARE_BENCH_DIR to a folder on a disk",
                folder.path().display()
            );
        }
        let fdatasync = median_fdatasync(folder.path())?;
        Ok(Self { folder, file_system, fdatasync })
    }

    /// An empty folder of this name inside it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.path().join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir(&path)?;
        Ok(path)
    }

    /// The line that says what the figures below it were measured on.
    #[must_use]
    pub fn describe(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        format!(
            "file system {}, median fdatasync of 4 KiB {:.0} us, {cores} cores",
            self.file_system,
            self.fdatasync.as_secs_f64() * 1e6
        )
    }
}

/// A file with this much space, in one piece.
///
/// # Errors
/// The file system refuses.
pub fn preallocated(path: &Path, bytes: u64) -> anyhow::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
    fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
    Ok(file)
}

fn median_fdatasync(folder: &Path) -> anyhow::Result<Duration> {
    const TIMES: u64 = 300;
    let path = folder.join("fdatasync");
    let file = preallocated(&path, TIMES * 4096)?;
    let mut took = Vec::new();
    for index in 0..TIMES {
        file.write_all_at(&[1; 4096], index * 4096)?;
        let begin = Instant::now();
        file.sync_data()?;
        took.push(begin.elapsed());
    }
    std::fs::remove_file(path)?;
    took.sort_unstable();
    Ok(took.get(took.len() / 2).copied().unwrap_or_default())
}

/// The type of the mount that holds the folder.
fn file_system(folder: &Path) -> anyhow::Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let holding = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (point, kind) = (fields.nth(1)?, fields.next()?);
        folder.starts_with(point).then(|| (point.len(), kind.to_owned()))
    });
    let longest = holding.max_by_key(|(len, _)| *len).map(|(_, kind)| kind);
    Ok(longest.unwrap_or_else(|| "unknown".to_owned()))
}
