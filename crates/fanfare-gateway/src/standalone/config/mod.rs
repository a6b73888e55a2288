//! The configuration file.
//!
//! `file` is its shape as serde reads it, `check` says what does not fit together and makes a [`Config`] of it, `mistake`
//! says where. Secrets come from the environment first.

mod channel;
mod check;
mod file;
mod keys;
mod mistake;
#[cfg(test)]
mod tests;
mod value;

pub(super) use channel::{JoinLeave, KeyRule, Namespace, Who, WhoSubscribes};
pub(super) use check::{Config, topic_of};
pub(super) use value::Secret;

/// A file that explains every option.
pub(super) const EXAMPLE: &str = include_str!("example.toml");
