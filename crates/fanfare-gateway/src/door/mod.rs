//! The socket that a program with a gateway listens on, plain or TLS.
//!
//! It bounds what comes before anybody is known: how long a handshake, a request's head and its body may take, and how many
//! connections there are that are not WebSockets, in all and from one address.

mod body;
mod listener;
mod places;
#[cfg(test)]
mod tests;
mod tls;

pub use listener::{Door, Peer};
pub use tls::{TlsError, tls};
