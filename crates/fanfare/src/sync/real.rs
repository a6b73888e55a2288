//! What the dispatcher's concurrent part is made of. `shuttled.rs` stands in its place under the model checker.

pub(crate) use arc_swap::{ArcSwap, Guard};
pub(crate) use parking_lot::Mutex;
pub(crate) use std::{sync::atomic::AtomicU8, thread_local};
