//! Publishing: what may be said of an event beside its payload.

mod options;

pub use options::PublishOptions;
