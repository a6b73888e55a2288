//! The dispatcher's handle.

use std::{
    fmt,
    marker::PhantomData,
    panic::{Location, RefUnwindSafe, UnwindSafe},
    sync::Arc,
};

use fanfare_core::{Emit, EmittedRef, Event, Hear, IntoOutcome};

use super::{
    Builder, cause, emit, emit_sync,
    handler::Entry,
    inner::Inner,
    listen::{Listener, Returns, SyncOutcome, Takes},
    registration::{Options, Registration},
    report::Report,
    snapshot::Snapshot,
    subscription::Subscription,
    weak::{Owner, WeakFn},
    wrapped::WrappedRef,
};
use crate::extract::{Args, Missing};

/// Publishers and subscribers in one process. Cheap to clone; every clone is the same dispatcher.
///
/// It keeps nothing: an event that nobody hears is gone, and a report says which handlers failed.
///
/// ```
/// use fanfare::{Event, dispatch::Dispatcher};
///
/// #[derive(Event)]
/// #[event(type = "order.placed", local)]
/// struct OrderPlaced {
///     item: String,
/// }
///
/// let dispatcher = Dispatcher::new();
/// dispatcher.on(|order: &OrderPlaced| println!("Order placed: {}", order.item));
/// let report = dispatcher.emit_sync(&OrderPlaced { item: "Rust Book".into() });
/// assert_eq!(report.ran(), 1);
/// ```
#[derive(Clone)]
pub struct Dispatcher {
    pub(crate) inner: Arc<Inner>,
}

// A handler's panic is caught inside and leaves nothing half done.
impl UnwindSafe for Dispatcher {}
impl RefUnwindSafe for Dispatcher {}

impl Default for Dispatcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Dispatcher {
    /// A dispatcher without state.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A dispatcher with state for its handlers' extractors, hooks and limits.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Subscribes a handler: a closure or function of `&E`, or an async function of `E`, `Arc<E>`, `Envelope<E>`,
    /// an enum of events or `RawEvent`, with extractors.
    ///
    /// The subscription lives as long as the dispatcher; the handle ends it sooner, and [`Subscription::guard`] does
    /// so when dropped. Synchronous handlers run in order of priority and subscription, before async ones.
    ///
    /// # Panics
    /// When the handler asks for a state that the dispatcher does not have; see [`Dispatcher::try_on`].
    #[track_caller]
    pub fn on<X, H>(&self, handler: H) -> Subscription
    where
        H: Listener<X>,
        H::How: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Out: 'static,
        H::Fut: Send + 'static,
        H::F: Send + Sync + 'static,
        H::M: 'static,
    {
        let location = Location::caller();
        match self.try_on(handler) {
            Ok(subscription) => subscription,
            Err(missing) => panic!("failed to subscribe the handler at {location}: {missing}"),
        }
    }

    /// The same, with what a handler is missing as an error.
    ///
    /// # Errors
    /// When the handler asks for a state that the dispatcher does not have, or its options contradict each other.
    #[track_caller]
    pub fn try_on<X, H>(&self, handler: H) -> Result<Subscription, Missing>
    where
        H: Listener<X>,
        H::How: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Out: 'static,
        H::Fut: Send + 'static,
        H::F: Send + Sync + 'static,
        H::M: 'static,
    {
        let location = Location::caller();
        handler.listen(Registration { inner: &self.inner, location, options: Options::default() })
    }

    /// Subscribes a function of an owner that the subscription does not keep alive; it ends with the owner.
    ///
    /// # Panics
    /// When a middleware of the dispatcher does not fit synchronous handlers.
    #[track_caller]
    pub fn on_weak<T, E, R>(
        &self,
        owner: &Arc<T>,
        f: impl Fn(&T, &E) -> R + Send + Sync + 'static,
    ) -> Subscription
    where
        T: Send + Sync + 'static,
        E: Event,
        R: SyncOutcome + 'static,
    {
        let type_name = type_name_of(&f);
        self.listen_weak(Arc::downgrade(owner), f, type_name, Location::caller())
    }

    pub(super) fn listen_weak<O: Owner<T>, T: 'static, E: Event, R: SyncOutcome + 'static>(
        &self,
        owner: O,
        f: impl Fn(&T, &E) -> R + Send + Sync + 'static,
        type_name: &'static str,
        location: &'static Location<'static>,
    ) -> Subscription {
        let gone = owner.clone();
        let options = Options { owner: Some(Arc::new(move || gone.is_gone())), ..Options::default() };
        let to = Registration { inner: &self.inner, location, options };
        let seat = to.seat(type_name);
        let handler = WeakFn { owner, f, marker: PhantomData };
        match to.around(&seat, true) {
            Ok(None) => self.inner.add_ref::<E, _>(Entry::new(seat, handler)),
            Ok(Some(around)) => self.inner.add_ref::<E, _>(Entry::new(seat, WrappedRef { handler, around })),
            Err(missing) => panic!("failed to subscribe the handler at {location}: {missing}"),
        }
    }

    /// Subscribes an async function whose first argument is bound in advance: each call gets a clone of `value`.
    ///
    /// # Panics
    /// As [`Dispatcher::on`].
    #[track_caller]
    pub fn on_with<T, I, F, Fut>(&self, value: T, f: F) -> Subscription
    where
        T: Clone + Send + Sync + 'static,
        I: Hear,
        F: Fn(T, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoOutcome + 'static> + Send + 'static,
    {
        self.on(move |input: I| f(value.clone(), input))
    }

    /// Who listens to what, and how often they were called and failed.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { types: self.inner.snapshot() }
    }

    /// Who listens to what, as text; [`Snapshot::mermaid`] draws it.
    pub fn diagram(&self) -> String {
        self.snapshot().to_string()
    }

    /// Emits an event to everyone who listens, and returns when all handlers are done: the synchronous ones run one
    /// after the other when the future is first polled, the async ones all at once. No handler's error or panic
    /// reaches the caller or another handler; the report has them.
    ///
    /// Runs on any executor. Events that handlers return are emitted in turn and are part of the report.
    ///
    /// # Cancel safety
    /// Dropping the future drops the handlers that have not ended.
    pub fn emit<T: Emit>(&self, event: T) -> impl Future<Output = Report> + Send + use<'_, T> {
        emit::any(&self.inner, event, cause::parent())
    }

    /// Emits an event on this thread, without a runtime: synchronous handlers run in order of priority and
    /// subscription. Async ones are handed a clone on the attached runtime, or on the tokio runtime that this thread
    /// runs in; without one, or where the event is not `Clone`, the report names them.
    #[inline]
    pub fn emit_sync<T: Emit>(&self, event: &T) -> Report {
        match event.as_emitted() {
            EmittedRef::Typed(event) => emit_sync::by_ref(&self.inner, event),
            EmittedRef::Raw(event) => emit_sync::named(&self.inner, self.inner.raw(event.clone())),
        }
    }

    /// The same for a shared event, which async handlers take without a clone.
    pub fn emit_sync_arc<E: Event>(&self, event: &Arc<E>) -> Report {
        emit_sync::shared(&self.inner, event)
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

pub(super) fn type_name_of<T>(_: &T) -> &'static str {
    std::any::type_name::<T>()
}
