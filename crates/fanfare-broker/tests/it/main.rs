//! What the embedded broker promises, tested from outside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod broker;
mod crash;
mod damage;
mod files;
mod format;
mod full;
mod threads;
mod world;
