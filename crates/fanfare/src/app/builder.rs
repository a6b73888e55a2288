//! What an application is built of.

use std::{net::SocketAddr, panic::Location, sync::Arc, time::Duration};

use fanfare_core::{Clock, Descriptor, Input, IntoOutcome, Portable, Random, Transport};

use super::{Mistake, RunError, Running, StartError, registration::Registration, signals, start};
use crate::{
    clock::{SystemClock, SystemRandom},
    dispatch::StormGuard,
    extract::{Args, Registry},
    handler::{IntoHandler, Wraps},
    middleware::Middleware,
};

/// How long a drain may take unless said otherwise.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// An application: a name, a transport, state and handlers. Mistakes are kept and reported all at once when
/// it starts, so that the order of calls is free.
#[must_use = "an application does nothing until it is run or started"]
pub struct App {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) source: Option<Source>,
    pub(super) registry: Registry,
    pub(super) handlers: Vec<Registration>,
    pub(super) types: Vec<Descriptor>,
    pub(super) delete: Vec<(String, &'static Location<'static>)>,
    pub(super) drain_timeout: Duration,
    pub(super) metrics_listen: Option<(SocketAddr, &'static Location<'static>)>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) chain: Wraps,
    pub(super) storms: StormGuard,
    pub(super) is_key_lock_dropped: bool,
}

/// Where the transport comes from.
pub(super) enum Source {
    Url(String),
    Given(Arc<dyn Transport>),
}

impl App {
    /// An application of this name. Together with the role and a handler's name it names a consumer group,
    /// and it is the `source` of the events that it publishes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            role: String::new(),
            source: None,
            registry: Registry::default(),
            handlers: Vec::new(),
            types: Vec::new(),
            delete: Vec::new(),
            drain_timeout: DRAIN_TIMEOUT,
            metrics_listen: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom::new()),
            mistakes: Vec::new(),
            chain: Wraps::default(),
            storms: StormGuard::default(),
            is_key_lock_dropped: false,
        }
    }

    /// Which program of the application this is, where it has several: `workers`. Default: none.
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = role.into();
        self
    }

    /// The transport, by URL: `file:./data`, `memory:`, `memory:name`.
    pub fn transport(mut self, url: impl Into<String>) -> Self {
        self.source = Some(Source::Url(url.into()));
        self
    }

    /// A transport that was opened already. It stays open when the application has ended.
    pub fn with_transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.source = Some(Source::Given(transport));
        self
    }

    /// A value for handlers that take `State<T>`, cloned for each delivery. One per type.
    #[track_caller]
    pub fn state<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        if !self.registry.insert(value) {
            let name = std::any::type_name::<T>();
            let text =
                format!("there is a state of type {name} already; wrap one of them in a type of its own");
            self.mistakes.push(Mistake::new(Location::caller(), text));
        }
        self
    }

    /// A handler: an async function of an event and up to eight extractors, bare or with options.
    #[track_caller]
    pub fn on<X, H>(mut self, handler: H) -> Self
    where
        H: IntoHandler<X>,
        H::In: Input,
        H::Args: Args,
        H::Out: IntoOutcome,
        H::Fut: Send,
        H::F: Send + Sync + 'static,
        H::M: 'static,
    {
        let location = Location::caller();
        self.handlers.push(Registration::new(handler.into_configured(), location));
        self
    }

    /// Wraps every handler into a middleware, around its own. The one that is added last is outermost.
    pub fn wrap(mut self, middleware: impl Middleware) -> Self {
        self.chain.push(middleware);
        self
    }

    /// When chains of events that lead to events are cut. Default: 64 levels, 8 rounds of a loop. A delivery whose
    /// handler makes an event too many becomes a dead letter, whose reason tells the chain of types. Budgets and rates
    /// count what handlers make, in this process.
    pub fn storm_guard(mut self, guard: StormGuard) -> Self {
        self.storms = guard;
        self
    }

    /// Makes an event type known that no handler takes, so that a `RawEvent` of its name finds topic and key.
    pub fn event<E: Portable>(mut self) -> Self {
        self.types.push(Descriptor::of::<E>());
        self
    }

    /// Deletes the group of a handler that is gone, by the handler's name or as `application/role/handler`. No error when there is
    /// no such group.
    #[track_caller]
    pub fn delete_group(mut self, name: impl Into<String>) -> Self {
        self.delete.push((name.into(), Location::caller()));
        self
    }

    /// How long a drain waits for handlers that run. Default: 25 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Serves Prometheus text under `/metrics` on an address of this machine; port 0 picks one, see
    /// [`Running::metrics_address`].
    #[track_caller]
    pub fn metrics_listen(mut self, address: impl Into<SocketAddr>) -> Self {
        self.metrics_listen = Some((address.into(), Location::caller()));
        self
    }

    /// Another clock than the system's, for tests.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another source of randomness, for tests.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Test-only: plants the bug "key lock dropped", which the tests of key order must find.
    #[doc(hidden)]
    pub fn plant_key_lock_dropped(mut self) -> Self {
        self.is_key_lock_dropped = true;
        self
    }

    pub(crate) fn names(&self) -> (String, String) {
        (self.name.clone(), self.role.clone())
    }

    /// Starts it and gives the handle back.
    ///
    /// # Errors
    /// Every mistake of the registration and everything that the transport refuses, at once; or that the
    /// transport cannot be opened.
    ///
    /// # Cancel safety
    /// Dropped before it returns, groups may have been created and nothing runs.
    pub async fn start(self) -> Result<Running, StartError> {
        start::start(self).await
    }

    /// Runs until SIGTERM or SIGINT, then drains. A second signal ends the drain at once.
    ///
    /// # Errors
    /// When it does not start, or the transport fails.
    pub async fn run(self) -> Result<(), RunError> {
        let mut signals = signals::Signals::new()?;
        let running = self.start().await?;
        tokio::select! {
            () = signals.next() => tracing::info!("told to end: draining"),
            () = running.failed() => {}
        }
        running.shutdown_unless(signals.next()).await?;
        Ok(())
    }
}
