//! The delivery whose handler runs on this thread now, so that what the handler publishes belongs to its chain.

use std::{cell::RefCell, sync::Arc};

use fanfare_core::Recorded;

/// A delivery and the name of its handler.
#[derive(Clone)]
pub(crate) struct Handling {
    pub(crate) record: Arc<Recorded>,
    pub(crate) handler: Arc<str>,
}

thread_local! {
    static CURRENT: RefCell<Option<Handling>> = const { RefCell::new(None) };
}

impl Handling {
    /// The one on this thread.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Makes what `handling` holds the one on this thread, until the guard is dropped and puts it back.
    pub(crate) fn enter(handling: &mut Option<Self>) -> Entered<'_> {
        let before = CURRENT.replace(handling.take());
        Entered { handling, before }
    }
}

/// See [`Handling::enter`].
pub(crate) struct Entered<'a> {
    handling: &'a mut Option<Handling>,
    before: Option<Handling>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.handling = CURRENT.replace(self.before.take());
    }
}
