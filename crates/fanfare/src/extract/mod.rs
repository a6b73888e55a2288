//! Handler arguments behind the event. Each is prepared once, when the application starts, and extracted for each delivery.

mod args;
mod attempt;
mod buffer;
mod context;
mod registry;
mod state;

pub use args::{Args, Extract, Missing};
pub use attempt::Attempt;
pub(crate) use buffer::{Buffer, Buffered};
pub use context::Context;
pub(crate) use context::{Origin, Site};
pub use registry::Registry;
pub use state::State;
