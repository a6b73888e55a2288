//! gateway
pub mod auth;
mod protocol;
pub use protocol::*;
