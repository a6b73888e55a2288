//! The messenger from outside: HTTP and the gateway, against a server of this process.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests say what they expect, against a server that runs in real time"
)]

mod accounts;
mod bounds;
mod ending;
mod membership;
mod messages;
mod nobody_else;
mod program;
mod reading;
mod restart;
mod support;
mod workers;
