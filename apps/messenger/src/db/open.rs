//! Opening, and the handle that everybody shares.

use super::readers::Readers;
use super::writer::Writer;
use super::{DbError, schema};
use rusqlite::{Connection, OpenFlags, Transaction};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The database. Cloning gives another handle.
#[derive(Clone)]
pub struct Db {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    searchers: Arc<Readers>,
    path: Arc<Path>,
}

const READERS_MAX: usize = 4;
const SEARCHERS_MAX: usize = 2;

impl Db {
    /// Opens the file, creating it (mode 0600) and its tables.
    ///
    /// # Errors
    /// When the file cannot be used, or is of a newer messenger.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DbError> {
        let path: Arc<Path> = path.into().into();
        // SQLite gives its side files the mode of the main one.
        std::fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
        let mut connection = Connection::open(&path)?;
        prepare(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            writer: Arc::new(Writer::start(connection)?),
            readers: Arc::new(Readers::new(Arc::clone(&path), READERS_MAX)),
            searchers: Arc::new(Readers::new(Arc::clone(&path), SEARCHERS_MAX)),
            path,
        })
    }

    /// Writes in one transaction; what it did is durable when this returns.
    ///
    /// # Errors
    /// What the work fails with, when nothing was written.
    ///
    /// # Cancel safety
    /// Dropped, the write still takes place.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.writer.write(work).await
    }

    /// Reads one state of the database.
    ///
    /// # Errors
    /// What the work fails with.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.readers.read(work).await
    }

    /// The same for a question that may take long: such wait for each other, and no other for them.
    ///
    /// # Errors
    /// What the work fails with.
    pub async fn search<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        self.searchers.read(work).await
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Db").field(&self.path).finish()
    }
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "foreign_keys", "ON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn however_many_search_nobody_else_waits_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(folder.path().join("messenger.db")).unwrap();
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        let searches: Vec<_> = (0..10)
            .map(|_| {
                let (db, ended) = (db.clone(), Arc::clone(&ended));
                tokio::spawn(async move {
                    let until_the_end = move |_: &Transaction<'_>| {
                        let _ = ended.lock().unwrap().recv();
                        Ok::<_, DbError>(())
                    };
                    db.search(until_the_end).await
                })
            })
            .collect();
        while db.searchers.free() > 0 {
            tokio::task::yield_now().await;
        }
        let one = db.read(|tx| Ok::<i64, DbError>(tx.query_row("SELECT 1", [], |row| row.get(0))?)).await;
        assert_eq!(one.unwrap(), 1);
        drop(end);
        for search in searches {
            search.await.unwrap().unwrap();
        }
    }
}
