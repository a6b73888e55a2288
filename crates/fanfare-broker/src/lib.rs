//! The durable broker that is embedded in a Fanfare application: one directory, one lock, one journal.
//!
//! Read the modules in this order: [`journal`] says what the bytes mean and does no I/O, [`storage`] keeps
//! them (on files or in memory) and says after a crash what is left of them.

pub mod journal;
pub mod storage;

#[cfg(feature = "testing")]
pub mod testing;
