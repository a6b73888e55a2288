//! What passes through the messenger, for administrators to look at.
//!
//! Events are seen twice: when they are published (by a tail of the journal) and each time a handler has had one. The newest
//! few thousand are remembered. Of direct messages nothing but the type is.

mod passing;
mod recorder;
#[cfg(test)]
mod tests;

pub(crate) use passing::is_direct;
pub use passing::{Passing, Stage};
pub use recorder::{Flow, Window};
