//! What a transport can do, so that an application is refused or told at start, never surprised later.

use crate::Durability;

/// Whether a transport does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// By itself.
    Native,
    /// Within the transport, in the way that the text says.
    Emulated(&'static str),
    /// Not at all: what asks for it is refused by name.
    No,
}

impl Support {
    /// Whether it works at all.
    pub fn is_available(self) -> bool {
        self != Self::No
    }
}

/// What a transport can do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Capabilities {
    /// The transport's name, for errors and logs: `embedded`, `memory`, `kafka`.
    pub transport: &'static str,
    /// What a receipt promises.
    pub durability: Durability,
    /// Events published with `notbefore`.
    pub delay: Support,
    /// Attempts and due retries are remembered across restarts of the consumer.
    pub attempts: Support,
    /// Settlements out of order; without it acknowledgements move a cursor.
    pub range_acks: Support,
    /// Dead letters that can be listed and redriven.
    pub dead_letters: Support,
    /// Revisions per key, and publishing with an expected one.
    pub revisions: Support,
    /// Acknowledgement and outputs as one write.
    pub atomic_outputs: Support,
    /// `.in_order()` over all shards.
    pub in_order: Support,
    /// Holding one key that a newer build wrote, or parking one behind a dead letter.
    pub hold: Support,
    /// Repeats of a publish are recognised.
    pub deduplication: Support,
    /// Reading what was kept, from the earliest record.
    pub replay: Support,
}

impl Capabilities {
    /// A transport that does nothing but deliver; set what it can.
    pub fn none(transport: &'static str, durability: Durability) -> Self {
        Self {
            transport,
            durability,
            delay: Support::No,
            attempts: Support::No,
            range_acks: Support::No,
            dead_letters: Support::No,
            revisions: Support::No,
            atomic_outputs: Support::No,
            in_order: Support::No,
            hold: Support::No,
            deduplication: Support::No,
            replay: Support::No,
        }
    }
}
