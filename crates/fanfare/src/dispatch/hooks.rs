//! Calls into the user's code beside handlers: hooks and the texts of errors. A panic in them is the log's business alone,
//! and no hook of a dispatcher runs within another one of it: what a hook emits may fail in turn, without end.

use std::{
    cell::RefCell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{inner::Inner, report::panic_text};
use crate::sync::thread_local;

thread_local! {
    /// The dispatchers whose hooks this thread runs, by address; they live as long as their hooks run.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Calls a hook, unless one of the same dispatcher runs on this thread already.
pub(crate) fn call(of: &Inner, hook: &str, call: impl FnOnce()) {
    let at = std::ptr::from_ref(of).addr();
    let begins = RUNNING.try_with(|running| {
        let mut running = running.borrow_mut();
        let is_within = running.contains(&at);
        running.push(at);
        !is_within
    });
    match begins {
        Ok(true) => {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(call)) {
                tracing::error!(hook, "a hook panicked: {}", panic_text(&*panic));
            }
        }
        Ok(false) => tracing::debug!(hook, "not called: a hook of this dispatcher is running"),
        // A thread that is ending.
        Err(_) => return,
    }
    let _ = RUNNING.with(|running| running.borrow_mut().pop());
}

/// What something of the user's says of itself.
pub(crate) fn text(of: &impl fmt::Display) -> String {
    catch_unwind(AssertUnwindSafe(|| of.to_string()))
        .unwrap_or_else(|panic| format!("an error whose text panicked: {}", panic_text(&*panic)))
}
