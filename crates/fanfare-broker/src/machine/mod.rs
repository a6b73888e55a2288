//! The broker's state and how it changes: no I/O, no clock, no randomness.
//!
//! A call decides, appends records to the batch, and changes the state by exactly these records; replaying
//! them leads to the same state. What a call answers is given out by the driver when the batch is written or
//! on the disk.

mod absorb;
mod catalog;
mod consume;
mod group;
mod hash;
mod identity;
mod keys;
mod operate;
mod plan;
mod publish;
mod ranges;
mod replay;
mod schedule;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use catalog::{Class, TopicIds};
pub(crate) use consume::Joined;
pub(crate) use group::{ByPosition, DeadEntry, Group, Pending};
pub(crate) use hash::Hasher;
pub(crate) use keys::KeyTable;
pub(crate) use operate::{Reopened, Standing};
pub(crate) use publish::Draft;
pub(crate) use ranges::RangeSet;
pub(crate) use state::{Limits, Machine};
