//! What the benches share: a folder on a real disk, interleaved rounds with medians, publishers that each
//! await their own receipt, and the two lower bounds that figures are compared with: the disk itself
//! ([`raw`]) and a log that does nothing else ([`bare`]).
#![allow(clippy::disallowed_methods, reason = "a bench measures the wall clock")]

pub mod bare;
pub mod chosen;
pub mod cpu;
pub mod load;
pub mod place;
pub mod raw;
pub mod rounds;
pub mod sqlite;
pub mod system;
