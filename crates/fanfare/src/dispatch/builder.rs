//! How a dispatcher is set up.

use std::sync::Arc;

use fanfare_core::{BoxFuture, Clock};

use super::{
    Dispatcher, HandlerFailure,
    inner::{Inner, Settings},
    queue::Queue,
    storm::StormGuard,
    timer::ThreadClock,
};
use crate::{
    extract::Registry,
    middleware::{Middleware, Spans, Timing},
};

/// Sets up a [`Dispatcher`].
#[must_use = "a builder does nothing until `.build()`"]
pub struct Builder {
    registry: Registry,
    settings: Settings,
}

impl Default for Builder {
    fn default() -> Self {
        let clock = Arc::new(ThreadClock::default());
        let settings = Settings {
            clock,
            on_error: None,
            on_unhandled: None,
            spawner: None,
            chain: Vec::new(),
            storms: StormGuard::default(),
            queue: Queue::default(),
            is_local: false,
            has_spans: false,
            is_watched: false,
        };
        Self { registry: Registry::default(), settings }
    }
}

impl Builder {
    /// For handlers that stay on this thread.
    pub(super) fn local() -> Self {
        let mut builder = Self::default();
        builder.settings.is_local = true;
        builder
    }

    /// A value that handlers ask for with `State<T>`. A second one of its type takes the first one's place.
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.registry.insert(value);
        self
    }

    /// Called with every failure of a handler, on the thread that ran it.
    ///
    /// What it emits there belongs to the chain that failed, and is cut where that was cut. What goes wrong while a hook of this
    /// dispatcher runs, or with what it has emitted or enqueued and with all that leads to, calls no hook: it is in the log
    /// alone, since it could go on without end.
    ///
    /// A task that the hook spawns by itself is not known to come from it: an event emitted there whose handler fails calls the
    /// hook anew, which may go on without end. Hand such events over with [`Dispatcher::try_enqueue`] instead, or
    /// set a [`StormGuard::rate_max`]: the hook is told once when a rate is passed, and so that ends.
    pub fn on_error(mut self, hook: impl Fn(&HandlerFailure) + Send + Sync + 'static) -> Self {
        self.settings.on_error = Some(Box::new(hook));
        self
    }

    /// Called with the event type of every event that nobody heard; not within another hook, as with
    /// [`Builder::on_error`].
    pub fn on_unhandled(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.settings.on_unhandled = Some(Box::new(hook));
        self
    }

    /// The tokio runtime on which `emit_sync` runs async handlers. Without it: the one that the caller runs in.
    pub fn runtime(self, handle: tokio::runtime::Handle) -> Self {
        self.spawner(move |future| drop(handle.spawn(future)))
    }

    /// The same for any other executor: `spawn` runs the future to its end.
    pub fn spawner(mut self, spawn: impl Fn(BoxFuture<'static, ()>) + Send + Sync + 'static) -> Self {
        self.settings.spawner = Some(Box::new(spawn));
        self
    }

    /// Wraps every handler that subscribes into a middleware, around its own. The one that is added last is
    /// outermost. A handler that it does not fit is refused when it subscribes.
    pub fn wrap(mut self, middleware: impl Middleware) -> Self {
        self.settings.chain.push(Arc::new(middleware));
        self
    }

    /// A `tracing` span for each emit, `emit`, and within it one for each handler, `handle`, with event type, ids, correlation
    /// and causation.
    pub fn spans(mut self) -> Self {
        self.settings.has_spans = true;
        self.wrap(Spans::new())
    }

    /// Measures how long handlers take; [`Dispatcher::snapshot`] and the diagram show it.
    pub fn timing(self) -> Self {
        self.wrap(Timing::new())
    }

    /// The queue of [`Dispatcher::enqueue`]. Default: 1,024 events, a full one waits, one event at a time.
    pub fn queue(mut self, queue: Queue) -> Self {
        self.settings.queue = queue;
        self
    }

    /// When chains of events that lead to events are cut. Default: 64 levels, 8 rounds of a loop.
    pub fn storm_guard(mut self, guard: StormGuard) -> Self {
        self.settings.storms = guard;
        self
    }

    /// Where time comes from, for time-outs, deadlines and delays. Default: the operating system, with a thread of
    /// the dispatcher's own that starts when something waits first.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// The dispatcher.
    pub fn build(self) -> Dispatcher {
        Dispatcher { inner: Inner::new(self.registry, self.settings) }
    }
}
