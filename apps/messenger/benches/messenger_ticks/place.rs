//! Where the bench writes: a folder on a disk that really syncs.

use anyhow::Result;
use std::path::PathBuf;

pub(crate) struct Place {
    folder: tempfile::TempDir,
    file_system: String,
}

impl Place {
    /// Inside `FANFARE_BENCH_DIR`, or inside `target`. Refuses file systems in memory.
    pub(crate) fn open() -> Result<Self> {
        let above = std::env::var_os("FANFARE_BENCH_DIR").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")),
            PathBuf::from,
        );
        std::fs::create_dir_all(&above)?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(above)?;
        let path = folder.path().canonicalize()?;
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let holding = mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ');
            let (point, kind) = (fields.nth(1)?, fields.next()?);
            path.starts_with(point).then(|| (point.len(), kind.to_owned()))
        });
        let file_system = holding.max_by_key(|(len, _)| *len).map_or("unknown".into(), |(_, kind)| kind);
        if matches!(file_system.as_str(), "tmpfs" | "ramfs") {
            anyhow::bail!(
                "a sync costs nothing on {file_system}; set FANFARE_BENCH_DIR to a folder on a disk"
            );
        }
        Ok(Self { folder, file_system })
    }

    /// An empty folder of this name.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        Ok(path)
    }

    pub(crate) fn describe(&self) -> String {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        format!("file system {}, {cores} cores", self.file_system)
    }
}
