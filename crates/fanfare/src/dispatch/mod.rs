//! The in-process dispatcher: publishers and subscribers in one process, sync and async, without a broker.
//!
//! An emit finds its type's node in a table that is only added to, takes a snapshot of who listens, and runs them:
//!
//! ```text
//! Dispatcher -> Table: event type -> Node -> Lists (replaced as a whole when somebody subscribes)
//!                                              refs:  |&E| ..   on the emitter's thread, in order
//!                                              tasks: async fn  all at once, in slots that are used again
//! ```
//!
//! The invariant: an emit calls those of its snapshot that have not unsubscribed meanwhile, and waits for nobody who changes
//! subscriptions. `emit_sync` of an event to `|&E|` takes no lock at all; async handlers run in slots behind a lock that is tried
//! and never waited for, and while another emit has those, in others from behind one that is held for a moment; an event known by
//! name alone is counted behind one, and an emit that met someone who is gone sweeps afterwards, once.

mod ask;
mod bridge;
mod builder;
mod cause;
mod counter;
mod dispatcher;
mod emit;
mod emit_sync;
mod handler;
mod here;
mod hooks;
mod ids;
mod inner;
mod listen;
mod local;
mod named;
mod node;
mod others;
mod pool;
mod queue;
mod ref_handler;
mod registration;
mod report;
mod run;
mod snapshot;
mod stats;
mod storm;
mod subject;
mod subscription;
mod table;
mod task_handler;
mod timer;
mod tuned;
mod weak;
mod wild;
mod wrapped;

pub use ask::{Answers, Expired};
pub use bridge::{Forwards, Receiver, Receives};
pub use builder::Builder;
pub use dispatcher::Dispatcher;
pub use listen::{Asynchronous, ByRef, ByValue, Listener, Returns, SyncOutcome, Synchronous, Takes};
pub use local::{LocalBuilder, LocalDispatcher, LocalFuture, LocalGuard, LocalSubscription};
pub use queue::{EnqueueError, Full, Queue};
#[doc(hidden)]
pub use registration::Registration;
pub use report::{EmitError, FailureKind, HandlerFailure, Report};
pub use snapshot::{HandlerSnapshot, Snapshot, TypeSnapshot};
pub use storm::{Storm, StormGuard};
pub use subscription::{Subscription, SubscriptionGuard};
pub use tuned::{Adjusted, SubscribeExt, SyncExt, Tuned};

pub(crate) use cause::{Cause, Whereabouts, current_emit};
pub(crate) use ids::{SOURCE, random};
pub(crate) use pool::spawn as spawn_blocking;
pub(crate) use report::panic_text;
