//! The door to the network: plain or TLS.

mod door;
mod tls;

pub use door::Door;
pub use tls::acceptor;
