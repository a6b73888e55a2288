//! The socket that a program with a gateway listens on, plain or TLS.
//!
//! It bounds what comes before anybody is known: how long a handshake and a request's head may take, and how many connections
//! there are that are not WebSockets, in all and from one address.

mod listener;
mod places;
#[cfg(test)]
mod tests;
mod tls;

pub use listener::{Door, Peer};
pub use tls::{TlsError, tls};
