//! WebSocket connections: the upgrade, and the one task that each connection has.
//!
//! The task owns the socket and the [`crate::session::Session`], and waits for all of these at once: bytes that can be
//! written, what the hub queued, finished work, a message, a time that is due. While the peer takes no bytes, what is
//! published stays in the bounded outbox, which closes the connection as slow when it overflows.

#![allow(clippy::disallowed_methods, reason = "this is the driver: it has the timers")]

mod connection;
mod decoder;
#[cfg(test)]
mod decoding;
mod handshake;
mod io;
#[cfg(test)]
mod tests;
mod upgrade;

pub use upgrade::ClientAddress;
pub(crate) use upgrade::upgrade;
