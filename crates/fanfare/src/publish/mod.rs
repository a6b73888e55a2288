//! Publishing: what may be said of an event beside its payload, how it becomes a message, and what comes back.
//!
//! `encode` makes messages, of a publisher's events and of a handler's outputs alike; `publisher` hands them over.

mod batch;
mod chain;
mod encode;
mod error;
mod future;
mod handling;
mod options;
mod publisher;
mod types;

pub use batch::{PublishAll, PublishingAll};
pub(crate) use chain::Storms;
pub(crate) use encode::{Cause, Encoder, Made, NotMade};
pub use error::PublishError;
pub use future::Publishing;
pub(crate) use handling::Handling;
pub use options::PublishOptions;
pub use publisher::{Publish, Publisher};
pub(crate) use types::Types;
