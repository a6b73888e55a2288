//! A message that a transport keeps, and one attempt at handling it.

use std::{fmt, sync::Arc, time::Duration};

use bytestring::ByteString;
use jiff::Timestamp;

use crate::{Durability, Error, ErrorKind, EventId, Message, Outgoing};

/// Which incarnation of a store a position belongs to. A position of another epoch is refused by name,
/// never read as a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({:x})", self.0)
    }
}

/// Where to read on: a position, with the epoch that it belongs to. A store of another epoch refuses it with kind
/// [`ErrorKind::OtherEpoch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Cursor {
    /// The store's incarnation.
    pub epoch: Epoch,
    /// Global position, from 0.
    pub position: u64,
}

impl Cursor {
    /// A position of an epoch.
    pub fn new(epoch: Epoch, position: u64) -> Self {
        Self { epoch, position }
    }

    /// The position, for a store of this epoch.
    ///
    /// # Errors
    /// Kind [`ErrorKind::OtherEpoch`].
    pub fn position_in(self, epoch: Epoch) -> Result<u64, Error> {
        if self.epoch == epoch {
            return Ok(self.position);
        }
        let text = format!(
            "the cursor is of epoch {}, the store of epoch {epoch}: its positions stand for other events now; read from the start",
            self.epoch
        );
        Err(Error::new(ErrorKind::OtherEpoch, text))
    }
}

/// Where a recorded event stands.
///
/// ```text
/// store   0----1----2----3----4----5--   position: order over the whole store, from 0
/// topic a 0---------1----2-----------    offset: dense within the topic, from 0
/// key x   1--------------2-----------    revision: dense within (topic, key), from 1
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The store's incarnation.
    pub epoch: Epoch,
    /// Global position, from 0.
    pub position: u64,
    /// Offset within the topic, from 0.
    pub offset: u64,
    /// Revision within the key, from 1; 0 for an event without a key.
    pub revision: u64,
    /// When the transport took it.
    pub recorded_at: Timestamp,
}

impl Place {
    /// A place of these parts.
    pub fn new(epoch: Epoch, position: u64, offset: u64, revision: u64, recorded_at: Timestamp) -> Self {
        Self { epoch, position, offset, revision, recorded_at }
    }
}

/// A message with its place: what tails, logs and groups read. Shared, since many read the same one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// The message.
    pub message: Message,
    /// Where it stands.
    pub place: Place,
}

impl Recorded {
    /// A message at a place.
    pub fn new(message: Message, place: Place) -> Self {
        Self { message, place }
    }
}

/// What a publisher gets when its event is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The event's id.
    pub id: EventId,
    /// What the transport promises.
    pub durability: Durability,
    /// Where it stands; `None` for a delayed event and on transports without positions.
    pub place: Option<Place>,
    /// The id of the schedule, for a delayed event.
    pub schedule: Option<u64>,
    /// Whether this was a repeat: the receipt is then the first publish's.
    pub is_repeat: bool,
}

impl Receipt {
    /// A receipt of an event with this id, without a place.
    pub fn new(id: EventId, durability: Durability) -> Self {
        Self { id, durability, place: None, schedule: None, is_repeat: false }
    }
}

/// Names one attempt of one delivery. A settlement with an old token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Token {
    /// The record's global position, or the transport's own number for it.
    pub position: u64,
    /// Raised each time the record is handed to a consumer.
    pub lease: u64,
    /// The attempt, from 1, that [`crate::Consumer::begin`] starts next or started last.
    pub attempt: u32,
}

impl Token {
    /// A token of these parts.
    pub fn new(position: u64, lease: u64, attempt: u32) -> Self {
        Self { position, lease, attempt }
    }

    /// The token of the attempt after this one, under the same lease.
    pub fn next_attempt(self) -> Self {
        Self { attempt: self.attempt + 1, ..self }
    }
}

/// A record handed to a consumer of a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// The record.
    pub record: Arc<Recorded>,
    /// The token of the attempt that begins next: `token.attempt - 1` attempts were counted before.
    pub token: Token,
    /// Not to be started before this time: it waits for a retry.
    pub due: Option<Timestamp>,
    /// Its handler was running when the process ended uncleanly: it runs alone, before anything else.
    pub is_suspect: bool,
    /// The attempts that failed before, oldest first.
    pub history: Vec<AttemptRecord>,
}

impl Delivery {
    /// A first delivery.
    pub fn new(record: Arc<Recorded>, token: Token) -> Self {
        Self { record, token, due: None, is_suspect: false, history: Vec::new() }
    }
}

/// One failed attempt, kept with the dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// When it failed.
    pub at: Timestamp,
    /// What it failed with, cut to 1 KiB.
    pub error: ByteString,
}

impl AttemptRecord {
    /// Longest error text that is kept, in bytes.
    pub const ERROR_LEN_MAX: usize = 1024;

    /// A failed attempt; the text is cut to [`Self::ERROR_LEN_MAX`] at a character.
    pub fn new(attempt: u32, at: Timestamp, error: &str) -> Self {
        Self { attempt, at, error: ByteString::from(Self::cut(error)) }
    }

    /// The part of a text that is kept: [`Self::ERROR_LEN_MAX`] of it, cut at a character.
    pub fn cut(text: &str) -> &str {
        let mut end = text.len().min(Self::ERROR_LEN_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default()
    }
}

/// What becomes of a delivery.
#[derive(Debug)]
#[non_exhaustive]
pub enum Settle {
    /// Done. The outputs are published; on the embedded broker in one write with the acknowledgement.
    Ack {
        /// Events that the handler returned.
        outputs: Vec<Outgoing>,
    },
    /// Again later. The consumer keeps the delivery under the same lease and begins
    /// [`Token::next_attempt`] when it is due; a transport that can, remembers it across restarts.
    Retry {
        /// How long to wait.
        after: Duration,
        /// What failed; `None`: the attempt does not count (a drain, a full disk), and the same attempt
        /// begins again.
        failed: Option<AttemptRecord>,
    },
    /// Given up: becomes a dead letter with its history. Refused as `Full` where the group has as many as it may: it
    /// was not given up then.
    Reject {
        /// Why, in words; see [`AttemptRecord::cut`].
        reason: ByteString,
        /// The last attempt, if one ran.
        failed: Option<AttemptRecord>,
        /// Whether the records of its key that follow are parked until it is redriven.
        park: bool,
    },
    /// The record's version is newer than this build: its key is held from here on.
    Hold,
    /// Handed back untouched, as a drain does: the next consumer gets it.
    Release,
}
