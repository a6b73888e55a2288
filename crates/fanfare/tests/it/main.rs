//! What the crate does, seen from outside.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod allocations;
mod basics;
mod dispatch;
mod emulated;
mod mistakes;
mod order;
mod outcomes;
mod publishing;
mod starting;
mod support;
