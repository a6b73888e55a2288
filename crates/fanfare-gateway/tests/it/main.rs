//! The gateway over real sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod connecting;
mod limits;
mod live;
mod recovery;
mod requests;
mod server_side;
mod support;
mod tokens;
