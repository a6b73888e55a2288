//! What a handler is: an async function of an event and up to eight extractors, and how it is configured.
//!
//! `shape` matches functions without bounds, so that `App::on` names the bound that fails; `configured` holds a function with
//! its [`Options`]; `blocking` and `permanent` wrap a function into another one of the same kind.

mod blocking;
mod configured;
mod into_handler;
mod name;
mod options;
mod permanent;
mod shape;
#[cfg(test)]
mod tests;

pub use blocking::{Blocking, BlockingCall, BlockingExt, BlockingShape, Runs};
pub use configured::{Configured, HandlerExt};
pub use into_handler::{Bare, Conf, IntoHandler};
pub(crate) use name::name_of;
pub(crate) use options::Wraps;
pub use options::{Options, Order};
pub use permanent::{Classified, Classifies, Fallible, PermanentIf};
pub use shape::Shape;
