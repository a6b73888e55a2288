//! Calls into the user's code beside handlers: hooks and the texts of errors. A panic in them is the log's business alone,
//! and no hook of a dispatcher is called for what another one of it emitted, at once or through a queue: that may fail in turn,
//! without end.

use std::{
    cell::RefCell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{
    cause::{Cause, Parent, enter, is_nested},
    inner::Inner,
    report::panic_text,
};
use crate::sync::thread_local;

thread_local! {
    /// The dispatchers whose hooks this thread runs.
    static RUNNING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The dispatcher whose hook this thread runs, the innermost one; 0 for none.
pub(crate) fn running() -> u64 {
    RUNNING.try_with(|running| running.borrow().last().copied()).ok().flatten().unwrap_or(0)
}

/// Calls a hook about an event that was emitted by `parent`, unless one of the same dispatcher runs on this thread, or emitted
/// what led to it. It runs in a frame, so that what it emits is known to come from it.
pub(crate) fn call(of: &Inner, hook: &str, event_type: &str, parent: Option<&Parent>, call: impl FnOnce()) {
    if parent.is_some_and(|parent| parent.is_of_hook(of.id)) {
        tracing::debug!(hook, event_type, "not called: a hook of this dispatcher led to it");
        return;
    }
    let begins = RUNNING.try_with(|running| {
        let mut running = running.borrow_mut();
        let is_within = running.contains(&of.id);
        running.push(of.id);
        !is_within
    });
    match begins {
        Ok(true) => {
            let _frame = (!is_nested()).then(|| match parent {
                Some(parent) => (Some(parent.enter()), None),
                None => (None, Some(enter("", Some(&Cause::root(event_type.into()))))),
            });
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
