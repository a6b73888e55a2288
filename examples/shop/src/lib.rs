//! What the three shops share: the facts that they speak of, and the shelf.
//!
//! The programs are in `src/bin`, to be read in this order: `sync` (synchronous handlers, no runtime), `async` (the
//! same on tokio, concurrently), `broker` (the same on the embedded broker: retries, a dead letter, redrive).

mod events;
mod stock;

pub use events::{CustomerNotified, OrderPlaced, StockReserved};
pub use stock::{Stock, StockError};
