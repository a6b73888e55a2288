//! The one connection that writes, on its thread.

use super::DbError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::sync::{mpsc, oneshot};

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Writes that wait; over it callers wait for room.
const WAITING_MAX: usize = 1024;

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// The thread ends, and closes the file, when the last handle is dropped.
    pub(super) fn start(mut connection: Connection) -> Result<Self, DbError> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING_MAX);
        std::thread::Builder::new().name("sqlite-writer".into()).spawn(move || {
            while let Some(job) = waiting.blocking_recv() {
                // The transaction that a panic leaves is rolled back by its drop; the caller sees its answer missing.
                if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
                    tracing::error!("a write to the database panicked");
                }
            }
        })?;
        Ok(Self { jobs })
    }

    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| drop(answer.send(transact(connection, work))));
        self.jobs.send(job).await.map_err(|_| DbError::Gone)?;
        answered.await.map_err(|_| DbError::Gone)?
    }
}

fn transact<T, E: From<DbError>>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(DbError::from)?;
    let done = work(&transaction)?;
    transaction.commit().map_err(DbError::from)?;
    Ok(done)
}
