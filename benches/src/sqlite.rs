//! SQLite as a log: one writer thread, one transaction for what came together, `synchronous = FULL` on a
//! write-ahead log.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

/// An event and where its receipt goes.
type Job = (Vec<u8>, oneshot::Sender<i64>);

/// Events that share a transaction, at most.
const GROUP_MAX: usize = 4096;

/// A table of events with a thread of its own.
#[derive(Debug)]
pub struct Sqlite {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Sqlite {
    /// A new database in an empty folder.
    ///
    /// # Errors
    /// SQLite refuses.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        let connection = Connection::open(folder.join("events.db"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "create table event (position integer primary key, topic text, key text, revision integer, payload blob)",
        )?;
        let (sender, jobs) = channel();
        let thread = std::thread::spawn(move || run(connection, &jobs));
        Ok(Self { jobs: Some(sender), thread: Some(thread) })
    }

    /// Appends an event; ready when its transaction was committed.
    ///
    /// # Errors
    /// The thread has ended.
    pub async fn publish(&self, payload: &[u8]) -> anyhow::Result<i64> {
        let (promise, receipt) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            jobs.send((payload.to_vec(), promise))?;
        }
        Ok(receipt.await?)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the thread does not panic").expect("the database was written");
        }
    }
}

fn run(mut connection: Connection, jobs: &Receiver<Job>) -> anyhow::Result<()> {
    let mut receipts = Vec::new();
    while let Ok(first) = jobs.recv() {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "insert into event (topic, key, revision, payload) values ('bench', ?1, 1, ?2)",
            )?;
            for (payload, promise) in std::iter::once(first).chain(jobs.try_iter()).take(GROUP_MAX) {
                insert.execute(params!["key", payload])?;
                receipts.push((transaction.last_insert_rowid(), promise));
            }
        }
        transaction.commit()?;
        for (position, promise) in receipts.drain(..) {
            let _ = promise.send(position);
        }
    }
    Ok(())
}
