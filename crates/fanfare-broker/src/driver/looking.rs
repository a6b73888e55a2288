//! What an operator sees of records, read where it may take long.

use fanfare_core::{DeadLetter, Error, GroupStatus, Start, Timestamp};

use crate::{
    index::Source,
    machine::{DeadEntry, Standing},
};

/// Bytes of dead letters that are answered at once, about; one comes whatever it has.
const DEAD_LETTERS_BYTES_MAX: usize = 16 << 20;

/// Where a group stands. May read the disk.
pub(super) fn status_of(source: &Source, standing: Standing) -> GroupStatus {
    let mut status = GroupStatus::new(standing.name, standing.cursor);
    status.lag = standing.lag;
    status.oldest = standing.oldest.and_then(|position| recorded_at(source, position));
    status.retrying = standing.retrying;
    status.dead = standing.dead;
    status.held = standing.held;
    status.is_active = standing.is_active;
    status
}

/// Dead letters with their records. May read the disk.
pub(super) fn dead_letters(source: &Source, dead: Vec<(u64, DeadEntry)>) -> Result<Vec<DeadLetter>, Error> {
    let (mut letters, mut bytes) = (Vec::new(), 0);
    for (position, dead) in dead {
        let Some(record) = source.load_one(position)? else { continue };
        bytes += record.message.payload.len();
        letters.push(DeadLetter::new(record, dead.reason, dead.at, dead.history));
        if bytes >= DEAD_LETTERS_BYTES_MAX {
            break;
        }
    }
    Ok(letters)
}

/// When a record was taken. May read the disk.
pub(super) fn recorded_at(source: &Source, position: u64) -> Option<Timestamp> {
    let record = source.load_one(position).ok()??;
    Some(record.place.recorded_at)
}

/// Where a new group starts. May read the disk.
pub(super) fn position_of(source: &Source, end: u64, start: Start) -> u64 {
    let first = source.index.read().start();
    match start {
        Start::Latest => end,
        // One of another epoch was refused.
        Start::Position(cursor) => cursor.position,
        Start::Time(time) => {
            let (mut low, mut high) = (first, end);
            while low < high {
                let middle = low + (high - low) / 2;
                let record = source.load_one(middle).ok().flatten();
                if record.is_some_and(|record| record.place.recorded_at < time) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        }
        _ => first,
    }
}
