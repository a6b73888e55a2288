//! The tables, and how an older file becomes a newer one.

use super::DbError;
use rusqlite::Connection;

/// Each step brings a file from its index to the next version.
const STEPS: [&str; 3] =
    [include_str!("accounts.sql"), include_str!("recovery.sql"), include_str!("hidden.sql")];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_first_version_becomes_one_of_this_and_keeps_its_people() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        let person = "INSERT INTO person (id, name, folded, password, created_at) VALUES (x'01', 'Ada', 'ada', 'x', 0)";
        connection.execute_batch(person).unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        let has_code: bool =
            connection.query_row("SELECT recovery IS NOT NULL FROM person", [], |row| row.get(0)).unwrap();
        assert!(!has_code);
    }

    #[test]
    fn a_file_of_a_newer_messenger_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&mut connection), Err(DbError::Newer { found: 99, .. })));
    }
}
