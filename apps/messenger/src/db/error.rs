//! How the database fails.

/// A failed access to the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// What SQLite says.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It was closed, or the work panicked.
    #[error("the database gave no answer")]
    Gone,
    /// The file is of a newer messenger.
    #[error(
        "the database is of a newer messenger (version {found}, this one knows {known}); start that one, or restore a backup"
    )]
    Newer {
        /// The file's version.
        found: i64,
        /// This program's version.
        known: i64,
    },
    /// Another failure of the operating system.
    #[error("failed to use the database file: {0}")]
    Io(#[from] std::io::Error),
}

impl DbError {
    /// Whether a unique column had the value already.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(
            self,
            Self::Sqlite(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::ConstraintViolation
        )
    }
}
