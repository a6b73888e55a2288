//! What the rest of the program must hear of when an event was applied.

use uuid::Uuid;

/// A change of who may read what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Somebody may read a room from now on, or was invited to.
    Added {
        /// The room.
        room: Uuid,
        /// Who.
        person: Uuid,
    },
    /// Somebody may not read a room any more, or is not invited any more.
    Removed {
        /// The room.
        room: Uuid,
        /// Who.
        person: Uuid,
        /// `left`, `kicked` or `declined`.
        why: &'static str,
    },
}
