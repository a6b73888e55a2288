//! Connections that only read, each used by one caller at a time.

use super::DbError;
use super::open::open_reader;
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Semaphore;

pub(super) struct Readers {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Connection>>>,
    places: Arc<Semaphore>,
}

impl Readers {
    /// So many reads at a time; over it callers wait.
    pub(super) fn new(path: Arc<Path>, readers_max: usize) -> Self {
        Self { path, idle: Arc::default(), places: Arc::new(Semaphore::new(readers_max)) }
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.places.available_permits()
    }

    pub(super) async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| DbError::Gone)?;
        let (idle, path) = (Arc::clone(&self.idle), Arc::clone(&self.path));
        let reading = tokio::task::spawn_blocking(move || {
            let taken = idle.lock().pop();
            let mut connection = match taken {
                Some(connection) => connection,
                None => open_reader(&path).map_err(DbError::from)?,
            };
            let done = {
                let transaction = connection.transaction().map_err(DbError::from)?;
                work(&transaction)
            };
            idle.lock().push(connection);
            drop(place);
            done
        });
        reading.await.map_err(|_| DbError::Gone)?
    }
}
