//! What makes the state machine a running broker: commands go in, batches are written, answers go out.
//!
//! [`Engine`] is the same for files and memory. Memory runs it inline, under a lock; files run it in one
//! writer thread, with a second thread that syncs, and a third that reads what is not in memory.
//!
//! ```text
//! callers --Command--> inbox --> writer: apply, append -----> attempts, settlements are answered
//!                                   |
//!                                   v
//!                                sync queue --> syncer -----> receipts are answered, events become visible
//! ```
//!
//! While a sync runs the writer applies and writes what comes, if it is many; the next sync begins at once and
//! covers it. Receipts lie in an [outbox](outbox::Outbox): the syncer gives them, and callers on their way help. Where
//! nobody consumes and few wait, the writer syncs by itself.

mod answer;
mod command;
mod core;
mod engine;
mod file;
mod guard;
mod hub;
mod inbox;
mod looking;
mod open;
mod outbox;
mod reader;
mod seats;
mod snapshots;
mod stats;
mod store;
mod syncer;

pub(crate) use self::core::{Core, OnFailure, Policy};
pub(crate) use command::{
    BATCH_MAX, Command, Units, closed, message_size_max, outgoing_size_max, refuse_all,
};
pub(crate) use open::{open_file, open_memory};
pub(crate) use seats::{Mail, Seat};
pub(crate) use store::lift;

/// What simulations drive themselves.
#[cfg(test)]
pub(crate) use self::{
    answer::Answer,
    command::Receipts,
    engine::Engine,
    open::{Started, start},
    snapshots::{Last, state_at},
    store::Store,
};
