//! People: who they are, how they sign in, what ends their sessions.
//!
//! Passwords are hashed with Argon2id beside the runtime, a few at a time. Whether a name exists shows neither in the words nor in the
//! time of an answer. Tokens (sessions, invitations, resets) are 32 random bytes and recovery codes about 100 random bits, kept as
//! their SHA-256 only.

mod attempts;
mod error;
mod hashing;
mod people;
mod resets;
mod secret;
mod service;
mod sessions;
#[cfg(test)]
mod tests;

pub use error::AccountError;
pub use hashing::Cost;
pub(crate) use people::by_id as find;
pub use people::{Listed, Person, fold, is_name};
pub use resets::{Link, Notice};
pub use service::{Accounts, SignUp};
pub use sessions::{Session, SignedIn};
