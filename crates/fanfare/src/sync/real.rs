//! What the dispatcher's concurrent part is made of. `shuttled.rs` stands in its place under the model checker.

pub(crate) use arc_swap::{ArcSwap, Guard};
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
pub(crate) use std::{
    sync::atomic::{AtomicU8, AtomicU64, AtomicUsize},
    thread, thread_local,
};

/// What all threads share.
macro_rules! global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $init:expr;) => {
        $(#[$attribute])*
        static $name: $type = $init;
    };
}
pub(crate) use global;

#[allow(clippy::disallowed_methods, reason = "the driver of the Clock port")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}
