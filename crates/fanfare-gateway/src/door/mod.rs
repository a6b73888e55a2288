//! The socket that a program with a gateway listens on, plain or TLS.

mod listener;
mod tls;

pub use listener::{Door, Peer};
pub use tls::{TlsError, tls};
