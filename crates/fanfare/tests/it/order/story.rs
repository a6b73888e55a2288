//! What is published when, and what each handling does.

use proptest::prelude::*;

/// How one attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Succeeds,
    Fails,
    Panics,
    FailsForGood,
    /// It goes on until the ack timeout drops it.
    Hangs,
}

/// One record: when it is published, of which key, and how its attempts go. After the last one listed every
/// attempt succeeds.
#[derive(Clone, Debug)]
pub struct Step {
    pub at_secs: u64,
    pub key: u8,
    pub ends: Vec<End>,
    pub takes_secs: u64,
}

pub type Story = Vec<Step>;

pub fn stories() -> impl Strategy<Value = Story> {
    let end = prop_oneof![
        4 => Just(End::Fails),
        1 => Just(End::Panics),
        1 => Just(End::FailsForGood),
        1 => Just(End::Hangs),
        2 => Just(End::Succeeds),
    ];
    let step = (0..20u64, 0..4u8, prop::collection::vec(end, 0..4), 0..3u64)
        .prop_map(|(at_secs, key, ends, takes_secs)| Step { at_secs, key, ends, takes_secs });
    prop::collection::vec(step, 1..24).prop_map(|mut steps| {
        steps.sort_by_key(|step| step.at_secs);
        steps
    })
}
