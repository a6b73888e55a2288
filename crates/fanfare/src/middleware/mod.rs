//! What stands around a handler: logging, timing, retry, limits, a circuit breaker, and one's own in five lines.
//!
//! A middleware takes a [`Call`] and what comes [`Next`], and answers with an [`Outcome`]. Synchronous handlers take
//! those that never wait; one that waits is refused when the handler subscribes. The handler keeps its name
//! through any wrapping, and state is kept per handler.
//!
//! The same go around the handlers of a [`crate::dispatch::Dispatcher`] and of an [`crate::App`]. On an application they go around each
//! attempt: what waits in a limit counts against the ack timeout, an error is retried and dead-lettered as the
//! handler's own is, and the event is decoded within. [`Retrying`] is refused there by name, since `.retry(..)` is kept
//! by the transport; [`Resequence`] asks for `.unordered()`.
//!
//! ```
//! use fanfare::{Event, HandlerExt, dispatch::Dispatcher, middleware::{Call, Next, Outcome, from_fn}};
//! # #[derive(Event, Clone)]
//! # #[event(type = "order.placed", local)]
//! # struct OrderPlaced;
//!
//! async fn audited(call: Call, next: Next) -> Outcome {
//!     let outcome = next.run().await;
//!     println!("{} on {}: {}", call.handler(), call.event_type(), outcome.is_ok());
//!     outcome
//! }
//!
//! async fn reserve_stock(_: OrderPlaced) {}
//!
//! Dispatcher::new().on(reserve_stock.wrap(from_fn(audited)));
//! ```

mod breaker;
mod call;
mod concurrency;
mod dedup;
mod from_fn;
mod key_order;
mod logging;
mod rate;
mod resequence;
mod retry;
mod row;
mod spans;
mod timeout;
mod timing;
mod tower;

pub use breaker::{BreakerOpen, BreakerState, CircuitBreaker};
pub use call::{Call, Fits, Middleware, Next, NextSync, Outcome};
pub(crate) use call::{Chain, Panicked, Source, refusal, refusal_on_app, run_sync, split};
pub use concurrency::ConcurrencyLimit;
pub use dedup::Dedup;
pub use from_fn::{FromFn, FromFnSync, from_fn, from_fn_sync};
pub(crate) use key_order::KeyOrder;
pub use logging::Logging;
pub use rate::{RateExceeded, RateLimit};
pub use resequence::{GapTooLong, Resequence};
pub use retry::Retrying;
pub(crate) use row::{Arrival, Row};
pub use spans::Spans;
pub use timeout::{TimedOut, Timeout};
pub use timing::{Latencies, Timing};
pub use tower::{HandlerService, Tower, tower};
