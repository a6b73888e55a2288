//! The gateway over real sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod connecting;
mod draining;
mod jwks;
mod leaving;
mod lifecycle;
mod limits;
mod live;
mod owasp;
mod recovery;
mod requests;
mod sdk;
mod server_side;
mod support;
mod taken_away;
mod tokens;
mod views;
