//! What should happen, worked out key by key without any of the code under test.

use std::collections::BTreeMap;

use super::story::{End, Step};

/// One attempt, as it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    pub key: u8,
    pub number: usize,
    pub attempt: u32,
    pub at_secs: u64,
}

pub const ATTEMPTS_MAX: u32 = 3;
pub const ACK_TIMEOUT_SECS: u64 = 10;
/// The delay before the second and the third attempt.
pub const DELAYS_SECS: [u64; 2] = [4, 8];

/// What happens of a story: every start, in order of key, record and attempt; and the records given up.
pub fn expected(story: &[Step]) -> (Vec<Start>, Vec<usize>) {
    let mut free_at: BTreeMap<u8, u64> = BTreeMap::new();
    let (mut starts, mut dead) = (Vec::new(), Vec::new());
    for (number, step) in story.iter().enumerate() {
        let free_at = free_at.entry(step.key).or_default();
        let mut at_secs = step.at_secs.max(*free_at);
        for attempt in 1.. {
            starts.push(Start { key: step.key, number, attempt, at_secs });
            let end = step.ends.get(attempt as usize - 1).copied().unwrap_or(End::Succeeds);
            at_secs += if end == End::Hangs { ACK_TIMEOUT_SECS } else { step.takes_secs };
            if end == End::Succeeds {
                break;
            }
            if end == End::FailsForGood || attempt == ATTEMPTS_MAX {
                dead.push(number);
                break;
            }
            at_secs += DELAYS_SECS[attempt as usize - 1];
        }
        *free_at = at_secs;
    }
    starts.sort_unstable();
    (starts, dead)
}
