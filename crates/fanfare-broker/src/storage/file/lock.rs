#![allow(
    clippy::disallowed_methods,
    reason = "waits for another process before the application's clock counts"
)]

use std::time::{Duration, Instant};

use super::{Disk, DiskLock, Locked};
use crate::storage::{Error, ErrorKind};

/// Takes the folder's lock; waits for the process that has it now.
pub(super) fn acquire(disk: &dyn Disk, wait: Duration) -> Result<DiskLock, Error> {
    let deadline = Instant::now() + wait;
    loop {
        match disk.lock() {
            Ok(Locked::Held(lock)) => return Ok(lock),
            Ok(Locked::ByOther(pid)) if Instant::now() >= deadline => return Err(in_use(disk, pid)),
            Ok(Locked::ByOther(_)) => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(Error::io("lock the data folder", error).in_file(disk.path())),
        }
    }
}

fn in_use(disk: &dyn Disk, pid: Option<u32>) -> Error {
    let holder = match pid {
        Some(pid) if pid == std::process::id() => format!("this process (pid {pid}) has it open already"),
        Some(pid) => format!("process {pid} has it open"),
        None => "another process has it open".to_owned(),
    };
    let text = format!("open the data folder: {holder}; stop it, or choose another folder");
    Error::new(ErrorKind::InUse, text).in_file(disk.path())
}
