//! One call of a handler, as those around it see it.

use std::{any::Any, fmt, sync::Arc};

use bytestring::ByteString;
use fanfare_core::{BoxError, BoxFuture, Clock, EventId, Metadata, Recorded, Sink};

use super::{Latencies, Resequence};
use crate::{dispatch::Cause, handler::Order};

/// What a call comes to: the events that the handler returned, or why it failed.
pub type Outcome = Result<Sink, BoxError>;

/// What stands around a handler.
pub trait Middleware: Send + Sync + 'static {
    /// Which handlers it goes around.
    fn fits(&self) -> Fits {
        Fits::Async
    }

    /// Goes around an async handler.
    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome>;

    /// Goes around a synchronous handler; called only where [`Middleware::fits`] says so.
    ///
    /// # Errors
    /// What the handler or the middleware failed with.
    fn handle_sync(&self, _: &Call, next: NextSync<'_>) -> Outcome {
        next.run()
    }

    /// Why it cannot go around a handler of an application, if it cannot.
    fn refused_on_app(&self) -> Option<&'static str> {
        None
    }

    /// How long the calls of a handler took, where it measures that.
    fn latencies(&self, _handler: &str) -> Option<Latencies> {
        None
    }

    /// The order that it gives, which an application keeps by itself.
    #[doc(hidden)]
    fn sequence(&self) -> Option<&Resequence> {
        None
    }

    /// Drops what it keeps for a subscription of a dispatcher, which has ended.
    #[doc(hidden)]
    fn forget(&self, _subscription: u64) {}

    /// What it is called where it is refused.
    fn name(&self) -> &'static str {
        let name = std::any::type_name::<Self>();
        name.split('<').next().and_then(|name| name.rsplit("::").next()).unwrap_or(name)
    }
}

/// Which handlers a middleware goes around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fits {
    /// Async ones: it may wait.
    Async,
    /// Synchronous ones.
    Sync,
    /// Both: it never waits.
    Both,
}

/// The middlewares of one handler, the innermost first.
pub(crate) type Chain = Arc<[Arc<dyn Middleware>]>;

/// Why a middleware cannot go around a handler, if it cannot.
pub(crate) fn refusal(chain: &[Arc<dyn Middleware>], is_sync: bool) -> Option<String> {
    let misfit = chain.iter().find(|middleware| match middleware.fits() {
        Fits::Both => false,
        Fits::Async => is_sync,
        Fits::Sync => !is_sync,
    })?;
    let (kind, why) = if is_sync {
        ("synchronous", "may wait; make the handler async")
    } else {
        ("async", "cannot wait for it; use `from_fn` with an async function")
    };
    Some(format!("it is {kind}, and the middleware `{}` {why}", misfit.name()))
}

/// The middlewares of a handler of an application without those that give an order, and these.
pub(crate) fn split(chain: Vec<Arc<dyn Middleware>>) -> (Chain, Vec<Resequence>) {
    let orders = chain.iter().filter_map(|middleware| middleware.sequence().cloned()).collect();
    (chain.into_iter().filter(|middleware| middleware.sequence().is_none()).collect(), orders)
}

/// Why a middleware cannot go around a handler of an application, if it cannot.
pub(crate) fn refusal_on_app(chain: &[Arc<dyn Middleware>], order: Order) -> Option<String> {
    match chain.iter().filter(|middleware| middleware.sequence().is_some()).count() {
        0 => {}
        1 if order == Order::Unordered => {}
        1 => {
            return Some(
                "the middleware `Resequence` gives another order than that of the key; say .unordered() too, so that \
                 deliveries may wait beside one another"
                    .to_owned(),
            );
        }
        _ => return Some("several `Resequence` give several orders; leave one".to_owned()),
    }
    let why = |middleware: &Arc<dyn Middleware>| {
        middleware.refused_on_app().map(|why| format!("the middleware `{}` {why}", middleware.name()))
    };
    chain.iter().find_map(why)
}

/// One call of a handler. Cheap to clone.
#[derive(Clone)]
pub struct Call {
    /// The subscription on a dispatcher; 0 on an application, where a name stands for one handler.
    pub(crate) subscription: u64,
    pub(crate) handler: ByteString,
    pub(crate) source: Source,
    pub(crate) event: Option<Arc<dyn Any + Send + Sync>>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Where the call's event comes from.
#[derive(Clone)]
pub(crate) enum Source {
    Emitted(Arc<Cause>),
    Delivered(Arc<Recorded>),
}

/// One handler: its subscription and its name. On a dispatcher several handlers may have one name.
pub(crate) type HandlerKey = (u64, ByteString);

impl Call {
    /// The handler's name. On a dispatcher several may have the same one.
    pub fn handler(&self) -> &str {
        &self.handler
    }

    /// What a middleware keeps state by.
    pub(crate) fn handler_key(&self) -> HandlerKey {
        (self.subscription, self.handler.clone())
    }

    /// The event type.
    pub fn event_type(&self) -> &str {
        match &self.source {
            Source::Emitted(cause) => cause.event_type(),
            Source::Delivered(record) => &record.message.metadata.event_type,
        }
    }

    /// The event's attributes; made when they are first asked for.
    pub fn metadata(&self) -> &Metadata {
        match &self.source {
            Source::Emitted(cause) => cause.described(),
            Source::Delivered(record) => &record.message.metadata,
        }
    }

    /// The event's id.
    pub fn event_id(&self) -> &EventId {
        match &self.source {
            Source::Emitted(cause) => cause.id(),
            Source::Delivered(record) => &record.message.metadata.id,
        }
    }

    /// The event's key.
    pub fn key(&self) -> Option<ByteString> {
        match &self.source {
            Source::Emitted(cause) => cause.key(),
            Source::Delivered(record) => record.message.metadata.key.clone(),
        }
    }

    /// The event, around an async handler on a dispatcher. On an application it is decoded within.
    pub fn event<E: Send + Sync + 'static>(&self) -> Option<&E> {
        self.event.as_ref().and_then(|event| event.downcast_ref())
    }

    /// Time, and waiting for it.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("handler", &self.handler())
            .field("event_type", &self.event_type())
            .finish_non_exhaustive()
    }
}

/// What comes next: another middleware, or the handler. It can be run again, for a retry.
#[derive(Clone)]
pub struct Next(Arc<dyn Fn() -> BoxFuture<'static, Outcome> + Send + Sync>);

impl Next {
    pub(crate) fn new(run: impl Fn() -> BoxFuture<'static, Outcome> + Send + Sync + 'static) -> Self {
        Self(Arc::new(run))
    }

    /// Runs it. A panic of the handler is an error.
    ///
    /// # Errors
    /// What the handler, or a middleware within, failed with.
    pub fn run(&self) -> BoxFuture<'static, Outcome> {
        (self.0)()
    }

    /// Puts a chain around what runs innermost.
    pub(crate) fn around(self, chain: &Chain, call: &Call) -> Self {
        let mut next = self;
        for middleware in chain.iter() {
            let (middleware, call) = (middleware.clone(), call.clone());
            next = Self::new(move || middleware.handle(call.clone(), next.clone()));
        }
        next
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}

/// What comes next around a synchronous handler.
pub struct NextSync<'a>(&'a mut dyn FnMut() -> Outcome);

impl NextSync<'_> {
    /// Runs it. A panic of the handler is an error.
    ///
    /// # Errors
    /// What the handler, or a middleware within, failed with.
    pub fn run(self) -> Outcome {
        (self.0)()
    }
}

impl fmt::Debug for NextSync<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextSync")
    }
}

/// Runs a synchronous handler within its chain.
pub(crate) fn run_sync(
    chain: &[Arc<dyn Middleware>],
    call: &Call,
    innermost: &mut dyn FnMut() -> Outcome,
) -> Outcome {
    match chain.split_last() {
        Some((outermost, within)) => {
            outermost.handle_sync(call, NextSync(&mut || run_sync(within, call, innermost)))
        }
        None => innermost(),
    }
}

/// A handler panicked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Panicked(pub(crate) String);
