//! A copy of everything, also while the messenger runs.
//!
//! The database is copied first, as one state of it; then the journal's snapshots, then its segments, the newest first and
//! each from its end to its beginning. The journal is written from its beginning to its end: so whatever the copy has of
//! it, it has everything before, and is what a crash at some moment would have left, which opening mends. So the journal of a
//! backup is never behind its database, and holds every message that had its tick when the backup began.

use crate::data::Folder;
use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// Copies a messenger's folder into a new one. Answers with words for people.
///
/// # Errors
/// When there is no messenger, the target exists with something in it, or a file cannot be copied.
pub fn backup(data: &Path, to: &Path) -> Result<String> {
    if !data.join("messenger.db").exists() {
        bail!("{} holds no messenger", data.display());
    }
    let (source, target) = (Folder::open(data)?, empty(to)?);
    copy(&data.join("secret"), &to.join("secret"))?;
    copy_database(&source.database(), &target.database())?;
    let bytes = copy_journal(&source.journal(), &target.journal())?;
    File::open(to)?.sync_all()?;
    Ok(format!(
        "The backup is in {} ({} KiB of journal). `messenger restore` makes a messenger of it.",
        to.display(),
        bytes / 1024
    ))
}

/// Makes a messenger's folder of a backup. Answers with words for people.
///
/// # Errors
/// When there is no backup, the folder is in use, or a file cannot be copied.
pub fn restore(from: &Path, data: &Path) -> Result<String> {
    if !from.join("messenger.db").exists() || !from.join("journal").exists() {
        bail!("{} holds no backup", from.display());
    }
    let (source, target) = (Folder::open(from)?, empty(data)?);
    copy(&from.join("secret"), &data.join("secret"))?;
    copy_database(&source.database(), &target.database())?;
    copy_journal(&source.journal(), &target.journal())?;
    // What was written after the backup is gone, and its positions are given again: nobody may go on from them.
    fanfare::renew_epoch(&format!("file:{}", target.journal().display()))?;
    File::open(data)?.sync_all()?;
    Ok(format!("{} is restored. Start the messenger with --data {}.", data.display(), data.display()))
}

fn empty(path: &Path) -> Result<Folder> {
    if path.exists() && fs::read_dir(path)?.next().is_some() {
        bail!("{} is not empty; give a folder that does not exist", path.display());
    }
    Folder::open(path)
}

fn copy_database(from: &Path, to: &Path) -> Result<()> {
    let say = || format!("failed to copy {}", from.display());
    let connection =
        Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE).with_context(say)?;
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    // The file is made first, so that it is never readable by others.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).with_context(say)?;
    let target = to.to_str().context("the path is not text")?;
    connection.execute("VACUUM INTO ?", [target]).with_context(say)?;
    File::open(to)?.sync_all()?;
    Ok(())
}

/// Snapshots before segments: a snapshot speaks of what was synced, which must be in the copy. One that goes away
/// meanwhile has a newer one in its place.
fn copy_journal(from: &Path, to: &Path) -> Result<u64> {
    Folder::open(to)?;
    copy(&from.join("fanfare.meta"), &to.join("fanfare.meta"))?;
    while let Some(name) = names(from, "snapshot-")?.pop() {
        match copy(&from.join(&name), &to.join(&name)) {
            Ok(_) => break,
            Err(error) if from.join(&name).exists() => return Err(error),
            Err(_) => drop(fs::remove_file(to.join(&name))),
        }
    }
    let mut bytes = 0;
    for name in names(from, "journal-")?.iter().rev().filter(|name| !name.ends_with(".tmp")) {
        let (source, target) = (from.join(name), to.join(name));
        let say = || format!("failed to copy {}", source.display());
        bytes += copy_backwards(&source, &target).with_context(say)?;
    }
    File::open(to)?.sync_all()?;
    Ok(bytes)
}

/// Copies from the end to the beginning, page by page; leaves out pages of zeros. Answers how much was written.
fn copy_backwards(from: &Path, to: &Path) -> io::Result<u64> {
    const PAGE: u64 = 4096;
    let source = File::open(from)?;
    let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let len = source.metadata()?.len();
    target.set_len(len)?;
    let (mut page, mut written) = ([0; PAGE as usize], 0);
    for number in (0..len.div_ceil(PAGE)).rev() {
        let at = number * PAGE;
        let size = usize::try_from((len - at).min(PAGE)).unwrap_or_default();
        let page = page.get_mut(..size).unwrap_or_default();
        source.read_exact_at(page, at)?;
        if page.iter().any(|byte| *byte != 0) {
            target.write_all_at(page, at)?;
            written += size as u64;
        }
    }
    target.sync_all()?;
    Ok(written)
}

/// Files whose names begin like this, in the order of their names.
fn names(folder: &Path, prefix: &str) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("failed to look into {}", folder.display()))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<io::Result<_>>().context("failed to list the journal")?;
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    Ok(names)
}

fn copy(from: &Path, to: &Path) -> Result<u64> {
    let copied = || -> io::Result<u64> {
        let mut source = File::open(from)?;
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
        let bytes = io::copy(&mut source, &mut target)?;
        target.sync_all()?;
        Ok(bytes)
    };
    copied().with_context(|| format!("failed to copy {} to {}", from.display(), to.display()))
}
