//! Events that a handler publishes through its context, until its acknowledgement takes them along.

use fanfare_core::Output;
use parking_lot::Mutex;

use crate::publish::PublishOptions;

/// One buffered event.
pub(crate) struct Buffered {
    pub(crate) output: Output,
    pub(crate) options: Option<Box<PublishOptions>>,
}

impl Buffered {
    pub(crate) fn plain(output: Output) -> Self {
        Self { output, options: None }
    }
}

/// The buffer of one handler call. A context that outlives its call finds it closed.
#[derive(Default)]
pub(crate) struct Buffer(Mutex<State>);

#[derive(Default)]
struct State {
    events: Vec<Buffered>,
    is_closed: bool,
}

impl Buffer {
    /// Adds an event; answers whether the call it belongs to still runs.
    pub(crate) fn push(&self, event: Buffered) -> bool {
        let mut state = self.0.lock();
        if !state.is_closed {
            state.events.push(event);
        }
        !state.is_closed
    }

    /// Takes what was buffered; the call goes on.
    pub(crate) fn take(&self) -> Vec<Buffered> {
        std::mem::take(&mut self.0.lock().events)
    }

    /// Takes what was buffered and refuses what comes later.
    pub(crate) fn close(&self) -> Vec<Buffered> {
        let mut state = self.0.lock();
        state.is_closed = true;
        std::mem::take(&mut state.events)
    }
}
