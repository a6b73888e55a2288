//! The disk itself: one block after the other, each synced, by our own loop and by fio.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::place::preallocated;

/// Bytes of a file, as of a segment.
const FILE: u64 = 64 << 20;

/// Writes blocks in sequence into preallocated files and syncs each; returns bytes per second.
///
/// # Errors
/// The file system refuses.
pub fn sequential(folder: &Path, block: usize, run_for: Duration) -> anyhow::Result<f64> {
    let bytes = vec![7; block];
    let begin = Instant::now();
    let mut written = 0;
    for number in 0.. {
        let path = folder.join(format!("raw-{number}"));
        let file = preallocated(&path, FILE)?;
        let mut at = 0;
        while at + block as u64 <= FILE && begin.elapsed() < run_for {
            file.write_all_at(&bytes, at)?;
            file.sync_data()?;
            at += block as u64;
        }
        written += at;
        if begin.elapsed() >= run_for {
            break;
        }
    }
    let rate = written as f64 / begin.elapsed().as_secs_f64();
    empty(folder)?;
    Ok(rate)
}

/// What fio makes of the same; `None` if it is not installed.
///
/// # Errors
/// It failed.
pub fn fio(folder: &Path, block: usize, run_for: Duration) -> anyhow::Result<Option<f64>> {
    if Command::new("fio").arg("--version").output().is_err() {
        return Ok(None);
    }
    let output = Command::new("fio")
        .args(["--name=sequential", "--rw=write", "--ioengine=psync", "--fdatasync=1"])
        .args(["--fallocate=native", "--size=4g", "--output-format=json", "--thread"])
        .arg(format!("--bs={block}"))
        .arg(format!("--runtime={}ms", run_for.as_millis()))
        .arg(format!("--directory={}", folder.display()))
        .output()?;
    let rate = serde_json::from_slice::<serde_json::Value>(&output.stdout)
        .ok()
        .and_then(|report| report.pointer("/jobs/0/write/bw_bytes").and_then(serde_json::Value::as_f64));
    empty(folder)?;
    rate.map(Some)
        .ok_or_else(|| anyhow::anyhow!("fio gave no figure: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Removes all files in the folder.
pub(crate) fn empty(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        std::fs::remove_file(entry?.path())?;
    }
    Ok(())
}
