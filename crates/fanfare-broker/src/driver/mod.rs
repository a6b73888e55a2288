//! What makes the state machine a running broker: commands go in, batches are written, answers go out.
//!
//! [`Engine`] is the same for files and memory. Memory runs it inline, under a lock.

mod answer;
mod command;
mod core;
mod engine;
mod hub;
mod open;
mod seats;
mod stats;
mod store;

pub(crate) use self::core::{Core, Policy};
pub(crate) use command::{Command, Receipts, closed, outgoing_size_max, refuse_all};
pub(crate) use engine::Engine;
pub(crate) use hub::Hub;
pub(crate) use open::open_memory;
pub(crate) use seats::{Mail, Seat};
