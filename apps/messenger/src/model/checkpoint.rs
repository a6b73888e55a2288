//! How far the model came, of which journal, in which form.

use fanfare_core::Epoch;
use rusqlite::{OptionalExtension, Transaction, params};

/// The form of the tables. Another one makes the model anew.
const VERSION: i64 = 4;

/// The position of the first event that the model lacks, after making it anew when it is of another journal or form.
pub(super) fn open(tx: &Transaction<'_>, epoch: Epoch, end: u64) -> Result<u64, rusqlite::Error> {
    let known: bool =
        tx.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'checkpoint')", [], |row| {
            row.get(0)
        })?;
    if known {
        let next = tx
            .query_row(
                "SELECT next FROM checkpoint WHERE version = ? AND epoch = ?",
                params![VERSION, epoch.0.cast_signed()],
                |row| row.get::<_, i64>(0),
            )
            .optional()?
            .map(i64::cast_unsigned);
        // A model that is ahead has seen a journal that this one is not.
        if let Some(next) = next.filter(|next| *next <= end) {
            return Ok(next);
        }
        tracing::warn!(%epoch, "the read model is of another journal or form; it is made anew");
    }
    tx.execute_batch(include_str!("model.sql"))?;
    tx.execute(
        "INSERT INTO checkpoint (one, version, epoch, next) VALUES (1, ?, ?, 0)",
        params![VERSION, epoch.0.cast_signed()],
    )?;
    Ok(0)
}

/// Moves it behind this position; false when the model is there already.
pub(super) fn advance(tx: &Transaction<'_>, epoch: Epoch, position: u64) -> Result<bool, rusqlite::Error> {
    let moved = tx
        .prepare_cached("UPDATE checkpoint SET next = ?1 + 1 WHERE epoch = ?2 AND next <= ?1")?
        .execute(params![position.cast_signed(), epoch.0.cast_signed()])?;
    Ok(moved == 1)
}
