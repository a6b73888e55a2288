//! The broker behind the ports of `fanfare-core`.

mod broker;
mod consumer;
mod filter;
mod log;
mod operator;
mod options;
mod registry;
mod tail;
#[cfg(test)]
mod tests;
mod timer;
mod walk;

pub use broker::Broker;
pub use options::{Options, SyncPolicy};
