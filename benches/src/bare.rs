//! A log that does nothing else: records with length and checksum, preallocated segments, group commit.
//!
//! It is written for the benches only, as the upper bound for a durable publish: no topics, no positions,
//! nobody reads it. One thread writes what came together and syncs it; publishers that arrive meanwhile
//! share the next sync.

use std::future::Future;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;

use crate::place::preallocated;

/// Bytes of a segment.
const SEGMENT: u64 = 64 << 20;
/// Bytes of a record before its payload: length and checksum.
pub const FRAME: usize = 8;

/// Segments that are written one after the other.
#[derive(Debug)]
pub struct Segments {
    folder: PathBuf,
    file: std::fs::File,
    at: u64,
    number: u64,
}

impl Segments {
    /// The first segment.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let file = segment(folder, 0)?;
        Ok(Self { folder: folder.to_owned(), file, at: 0, number: 0 })
    }

    /// Writes a block and syncs it.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn commit(&mut self, block: &[u8]) -> anyhow::Result<()> {
        if self.at + block.len() as u64 > SEGMENT {
            self.number += 1;
            self.file = segment(&self.folder, self.number)?;
            self.at = 0;
        }
        self.file.write_all_at(block, self.at)?;
        self.file.sync_data()?;
        self.at += block.len() as u64;
        Ok(())
    }
}

fn segment(folder: &Path, number: u64) -> anyhow::Result<std::fs::File> {
    let file = preallocated(&folder.join(format!("segment-{number}")), SEGMENT)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(file)
}

/// Appends a record to a block.
pub fn frame(block: &mut Vec<u8>, payload: &[u8]) {
    block.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    block.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    block.extend_from_slice(payload);
}

/// A log with a thread of its own.
#[derive(Debug)]
pub struct BareLog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    has_work: Condvar,
    committed: AtomicU64,
    commits: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Inbox {
    block: Vec<u8>,
    wakers: Vec<Waker>,
    /// The number that the commit of this block will have, from 1.
    number: u64,
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BareLog {
    /// Starts a log in an empty folder.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let segments = Segments::open(folder)?;
        let shared = Arc::new(Shared::default());
        shared.lock().number = 1;
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || run(&shared, segments)
        });
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Appends a record; ready when it was synced.
    pub fn publish<'a>(&'a self, payload: &'a [u8]) -> impl Future<Output = ()> + Send + 'a {
        Publish { shared: &self.shared, payload, commit: None }
    }

    /// The mean length of the blocks that were synced.
    #[must_use]
    pub fn mean_block(&self) -> usize {
        let commits = self.shared.commits.load(Ordering::Relaxed).max(1);
        (self.shared.bytes.load(Ordering::Relaxed) / commits) as usize
    }
}

impl Drop for BareLog {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.has_work.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the log's thread does not panic").expect("the log was written");
        }
    }
}

fn run(shared: &Shared, mut segments: Segments) -> anyhow::Result<()> {
    let (mut block, mut wakers) = (Vec::new(), Vec::new());
    loop {
        let mut inbox = shared.lock();
        while inbox.block.is_empty() {
            if inbox.is_closed {
                return Ok(());
            }
            inbox = shared.has_work.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut inbox.block, &mut block);
        std::mem::swap(&mut inbox.wakers, &mut wakers);
        let number = inbox.number;
        inbox.number += 1;
        drop(inbox);
        segments.commit(&block)?;
        shared.commits.fetch_add(1, Ordering::Relaxed);
        shared.bytes.fetch_add(block.len() as u64, Ordering::Relaxed);
        shared.committed.store(number, Ordering::Release);
        block.clear();
        wakers.drain(..).for_each(Waker::wake);
    }
}

struct Publish<'a> {
    shared: &'a Shared,
    payload: &'a [u8],
    commit: Option<u64>,
}

impl Future for Publish<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared;
        if self.commit.is_some_and(|commit| commit <= shared.committed.load(Ordering::Acquire)) {
            return Poll::Ready(());
        }
        let mut inbox = shared.lock();
        inbox.wakers.push(cx.waker().clone());
        match self.commit {
            None => {
                let was_empty = inbox.block.is_empty();
                frame(&mut inbox.block, self.payload);
                self.commit = Some(inbox.number);
                drop(inbox);
                if was_empty {
                    shared.has_work.notify_one();
                }
                Poll::Pending
            }
            // The commit may have ended between the look and the lock.
            Some(commit) if commit <= shared.committed.load(Ordering::Acquire) => Poll::Ready(()),
            Some(_) => Poll::Pending,
        }
    }
}
