//! The durable broker that is embedded in a Fanfare application: one directory, one lock, one journal.
//!
//! Read the modules in this order: `journal` says what the bytes mean and does no I/O, `storage` keeps
//! them in files and says after a crash what is left of them; `record` is what the broker writes into
//! them, `machine` its state and how it changes, `index` the look-ups derived from it; `driver` runs all of it, and
//! `transport` is what applications see: [`Broker`].

#![allow(
    clippy::result_large_err,
    reason = "a refused publish hands its message back, by value as the port says"
)]

mod driver;
mod index;
pub mod journal;
mod machine;
mod record;
pub mod storage;
mod transport;

pub use transport::{Broker, Options, SyncPolicy};

#[cfg_attr(feature = "testing", path = "bugs/planted.rs")]
#[cfg_attr(not(feature = "testing"), path = "bugs/none.rs")]
mod bugs;

#[cfg(feature = "testing")]
pub use bugs::{Bug, plant};

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(all(test, feature = "testing"))]
mod simulation;
