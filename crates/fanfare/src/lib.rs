//! Event-driven and real-time applications in Rust.
//!
//! What it is: typed events and plain async handlers, written once, that run in process, on the durable broker that is
//! embedded in the binary, or on a server, chosen by a URL. What it is not: a distributed log, a
//! stream-processing language, a web framework.
//!
//! ```
//! use fanfare::{App, Event, HandlerExt, Retry, State, testing::TestApp};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Event, Serialize, Deserialize, Clone)]
//! #[event(type = "order.placed", key = order_id)]
//! struct OrderPlaced {
//!     order_id: String,
//!     quantity: u32,
//! }
//!
//! #[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
//! #[event(type = "stock.reserved", key = order_id)]
//! struct StockReserved {
//!     order_id: String,
//! }
//!
//! #[derive(Clone)]
//! struct Stock(u32);
//!
//! // The event first, then extractors. What it returns is published with the acknowledgement.
//! async fn reserve(order: OrderPlaced, State(stock): State<Stock>) -> Result<StockReserved, String> {
//!     if order.quantity > stock.0 {
//!         return Err("sold out".into());
//!     }
//!     Ok(StockReserved { order_id: order.order_id })
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! // A program says `App::new("shop").transport("file:./data")` and `.run().await`.
//! let app = App::new("shop").state(Stock(5)).on(reserve.retry(Retry::exponential().attempts_max(3)));
//! let app = TestApp::start(app).await?;
//! app.publish(OrderPlaced { order_id: "7".into(), quantity: 2 }).await;
//! app.idle().await;
//! assert_eq!(app.events::<StockReserved>().await, [StockReserved { order_id: "7".into() }]);
//! # Ok::<(), fanfare::app::StartError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Then, in this order:
//! - [`App`]: an application, its transport, state and handlers; [`Running`] while it runs, [`Publisher`] to publish.
//! - [`HandlerExt`]: what may be said of a handler: retries, order, concurrency, names.
//! - [`extract`]: the arguments behind the event: [`State`], [`Context`], [`Attempt`].
//! - [`dispatch`]: events and handlers within the process, without a broker; [`middleware`] for it.
//! - [`testing`]: an application in a test, under paused time.

// The derives name this crate `::fanfare`, in its own tests too.
#[allow(unused_extern_crates, reason = "only the expansions of the derives name it")]
extern crate self as fanfare;

pub mod app;
pub mod clock;
mod consume;
pub mod dispatch;
pub mod extract;
mod fold;
pub mod handler;
pub mod logging;
mod metrics;
pub mod middleware;
pub mod publish;
#[cfg_attr(not(shuttle), path = "sync/real.rs")]
#[cfg_attr(shuttle, path = "sync/shuttled.rs")]
mod sync;
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
pub use transports::renew_epoch;

#[doc(hidden)]
pub use fanfare_core::__private;
