//! An application: what it is built of, how it starts, and how it ends.
//!
//! `builder` collects, `registration` keeps what one `.on` said, `check` finds every mistake at once, `start` brings
//! it up, `running` is the handle, `signals` waits for the operating system.

mod builder;
mod check;
mod error;
mod registration;
mod running;
mod signals;
mod start;

pub use builder::App;
pub use error::{Mistake, RunError, StartError};
pub use running::Running;
