//! Fanfare: event-driven and real-time applications in Rust.
//!
//! What it is: typed events and plain async handlers, written once, that run in process, on the durable broker that is
//! embedded in the binary, or on a server, chosen by a URL. What it is not: a distributed log, a
//! stream-processing language, a web framework.

// The derives name this crate `::fanfare`, in its own tests too.
#[allow(unused_extern_crates, reason = "only the expansions of the derives name it")]
extern crate self as fanfare;

pub mod app;
pub mod clock;
mod consume;
pub mod dispatch;
pub mod extract;
pub mod handler;
pub mod logging;
mod metrics;
pub mod middleware;
pub mod publish;
pub mod testing;
mod transports;

pub use app::{App, Running};
pub use extract::{Attempt, Context, State};
pub use fanfare_core::{
    DeadLetter, Envelope, Event, Events, ExpectedRevision, Extension, Failure, GroupName, GroupStatus, Input,
    IntoOutcome, Operator, Outputs, Portable, Publishable, RawEvent, Receipt, Retry, Selection, Start, Topic,
    TopicFilter,
};
pub use fanfare_macros::{Event, Events};
pub use handler::{BlockingExt, HandlerExt};
pub use publish::{PublishError, PublishOptions, Publisher};

#[doc(hidden)]
pub use fanfare_core::__private;
