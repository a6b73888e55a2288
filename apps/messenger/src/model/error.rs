//! How the read model fails.

use crate::db::DbError;

/// A failed access to the read model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The journal could not be read.
    #[error("failed to read the journal: {0}")]
    Journal(#[from] fanfare_core::Error),
    /// The model did not come that far in time.
    #[error("the model did not apply the event in time")]
    Late,
}

impl From<rusqlite::Error> for ModelError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}
