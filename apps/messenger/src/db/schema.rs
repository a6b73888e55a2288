//! The tables, and how an older file becomes a newer one.

use super::DbError;
use rusqlite::Connection;

/// Each step brings a file from its index to the next version.
const STEPS: [&str; 1] = [include_str!("accounts.sql")];

pub(super) fn migrate(connection: &mut Connection) -> Result<(), DbError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(DbError::Newer { found, known });
    }
    for (version, step) in (1i64..).zip(STEPS).filter(|(version, _)| *version > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
