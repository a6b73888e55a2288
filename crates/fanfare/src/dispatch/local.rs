//! A dispatcher that stays on its thread, and its handlers with it.

use std::{fmt, marker::PhantomData, panic::Location, pin::Pin, rc::Rc, sync::Arc, time::Duration};

use fanfare_core::{BoxFuture, Clock, Emit, Event, Hear, IntoOutcome};
use send_wrapper::SendWrapper;

use super::{
    Answers, Builder, Dispatcher, EnqueueError, Expired, HandlerFailure, Queue, Report, Snapshot, StormGuard,
    Subscription,
    dispatcher::type_name_of,
    listen::{Listener, Returns, SyncOutcome, Takes},
    registration::{Options, Registration},
};
use crate::{
    extract::{Args, Missing},
    middleware::Middleware,
};

/// What keeps a value on its thread. Its name stands in the compiler's words where one is moved.
#[derive(Clone, Copy, Default)]
struct StaysOnItsThread(PhantomData<*mut ()>);

/// A future for the executor of this thread.
pub type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A dispatcher for one thread, whose handlers need not be `Send`: they may hold an `Rc`, a `RefCell`, the widgets of a
/// graphical interface. It has the verbs of [`Dispatcher`]; it and its futures stay on the thread that made them.
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use fanfare::{Event, dispatch::LocalDispatcher};
///
/// #[derive(Event)]
/// #[event(type = "button.clicked", local)]
/// struct Clicked;
///
/// let clicks = Rc::new(Cell::new(0));
/// let dispatcher = LocalDispatcher::new();
/// let counted = clicks.clone();
/// dispatcher.on(move |_: &Clicked| counted.set(counted.get() + 1));
/// dispatcher.emit_sync(&Clicked).ignore();
/// assert_eq!(clicks.get(), 1);
/// ```
#[derive(Clone)]
pub struct LocalDispatcher {
    dispatcher: Dispatcher,
    stays: StaysOnItsThread,
}

impl Default for LocalDispatcher {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalDispatcher {
    /// A dispatcher without state.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A dispatcher with state for its handlers' extractors, hooks and limits.
    pub fn builder() -> LocalBuilder {
        LocalBuilder { builder: Builder::local(), stays: StaysOnItsThread::default() }
    }

    /// See [`Dispatcher::on`]; the handler need not be `Send`.
    ///
    /// # Panics
    /// When the handler asks for a state that the dispatcher does not have; see [`LocalDispatcher::try_on`].
    #[track_caller]
    pub fn on<X, H>(&self, handler: H) -> LocalSubscription
    where
        H: Listener<X>,
        H::How: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Out: 'static,
        H::Fut: 'static,
        H::F: 'static,
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
    pub fn try_on<X, H>(&self, handler: H) -> Result<LocalSubscription, Missing>
    where
        H: Listener<X>,
        H::How: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Out: 'static,
        H::Fut: 'static,
        H::F: 'static,
        H::M: 'static,
    {
        let location = Location::caller();
        let to = Registration { inner: &self.dispatcher.inner, location, options: Options::default() };
        handler.listen_here(to).map(|subscription| self.here(subscription))
    }

    /// See [`Dispatcher::on_weak`]; the owner is an `Rc`.
    ///
    /// # Panics
    /// When a middleware of the dispatcher does not fit synchronous handlers.
    #[track_caller]
    pub fn on_weak<T, E, R>(&self, owner: &Rc<T>, f: impl Fn(&T, &E) -> R + 'static) -> LocalSubscription
    where
        T: 'static,
        E: Event,
        R: SyncOutcome + 'static,
    {
        let (type_name, f) = (type_name_of(&f), SendWrapper::new(f));
        let owner = SendWrapper::new(Rc::downgrade(owner));
        let f = move |owner: &T, event: &E| (*f)(owner, event);
        self.here(self.dispatcher.listen_weak(owner, f, type_name, Location::caller()))
    }

    /// See [`Dispatcher::on_with`].
    ///
    /// # Panics
    /// As [`LocalDispatcher::on`].
    #[track_caller]
    pub fn on_with<T, I, F, Fut>(&self, value: T, f: F) -> LocalSubscription
    where
        T: Clone + 'static,
        I: Hear,
        F: Fn(T, I) -> Fut + 'static,
        Fut: Future<Output: IntoOutcome + 'static> + 'static,
    {
        self.on(move |input: I| f(value.clone(), input))
    }

    /// See [`Dispatcher::emit`].
    ///
    /// # Cancel safety
    /// Dropping the future drops the handlers that have not ended.
    pub fn emit<T: Emit>(&self, event: T) -> impl Future<Output = Report> + use<'_, T> {
        here(self.stays, self.dispatcher.emit(event))
    }

    /// See [`Dispatcher::emit_sync`]. Async handlers are handed to the executor that [`LocalBuilder::spawner`] names; without
    /// one the report says which could not run.
    pub fn emit_sync<T: Emit>(&self, event: &T) -> Report {
        self.dispatcher.emit_sync(event)
    }

    /// See [`Dispatcher::emit_sync_arc`].
    pub fn emit_sync_arc<E: Event>(&self, event: &Arc<E>) -> Report {
        self.dispatcher.emit_sync_arc(event)
    }

    /// See [`Dispatcher::ask`].
    ///
    /// # Cancel safety
    /// As [`LocalDispatcher::emit`].
    pub fn ask<R: Event, T: Emit>(&self, request: T) -> impl Future<Output = Answers<R>> + use<'_, R, T> {
        here(self.stays, self.dispatcher.ask(request))
    }

    /// See [`Dispatcher::expect`].
    ///
    /// # Errors
    /// When no event that is wanted came within `deadline`, or before the dispatcher was dropped.
    ///
    /// # Cancel safety
    /// Dropping the future ends its subscription.
    #[track_caller]
    pub fn expect<E, P>(
        &self,
        is_wanted: P,
        deadline: Duration,
    ) -> impl Future<Output = Result<E, Expired>> + use<E, P>
    where
        E: Event + Clone,
        P: Fn(&E) -> bool + 'static,
    {
        let is_wanted = SendWrapper::new(is_wanted);
        here(self.stays, self.dispatcher.expect(move |event: &E| (*is_wanted)(event), deadline))
    }

    /// See [`Dispatcher::enqueue`].
    ///
    /// # Errors
    /// When the dispatcher is closed, or the queue is full and refuses; the error gives the event back.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready leaves the event out.
    pub fn enqueue<T: Emit>(
        &self,
        event: T,
    ) -> impl Future<Output = Result<(), EnqueueError<T>>> + use<'_, T> {
        here(self.stays, self.dispatcher.enqueue(event))
    }

    /// See [`Dispatcher::try_enqueue`].
    ///
    /// # Errors
    /// As [`LocalDispatcher::enqueue`], and when the queue would wait.
    pub fn try_enqueue<T: Emit>(&self, event: T) -> Result<(), EnqueueError<T>> {
        self.dispatcher.try_enqueue(event)
    }

    /// See [`Dispatcher::run`].
    ///
    /// # Cancel safety
    /// Dropping the future drops the handlers that run; what is in the queue stays there for another run.
    pub fn run(&self) -> impl Future<Output = ()> + use<'_> {
        here(self.stays, self.dispatcher.run())
    }

    /// See [`Dispatcher::close`].
    pub fn close(&self) {
        self.dispatcher.close();
    }

    /// See [`Dispatcher::dropped`].
    pub fn dropped(&self) -> u64 {
        self.dispatcher.dropped()
    }

    /// See [`Dispatcher::snapshot`].
    pub fn snapshot(&self) -> Snapshot {
        self.dispatcher.snapshot()
    }

    /// See [`Dispatcher::diagram`].
    pub fn diagram(&self) -> String {
        self.dispatcher.diagram()
    }

    fn here(&self, subscription: Subscription) -> LocalSubscription {
        LocalSubscription { subscription, _stays: self.stays }
    }
}

/// A future that stays on its thread.
async fn here<T>(stays: StaysOnItsThread, future: impl Future<Output = T>) -> T {
    let done = future.await;
    let StaysOnItsThread(_) = stays;
    done
}

impl fmt::Debug for LocalDispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalDispatcher").finish_non_exhaustive()
    }
}

/// A subscription on a [`LocalDispatcher`]; see [`Subscription`].
#[derive(Clone)]
pub struct LocalSubscription {
    subscription: Subscription,
    _stays: StaysOnItsThread,
}

impl LocalSubscription {
    /// The handler's name.
    pub fn name(&self) -> &str {
        self.subscription.name()
    }

    /// Whether the handler is still called.
    pub fn is_active(&self) -> bool {
        self.subscription.is_active()
    }

    /// Ends it. Answers whether it was active.
    pub fn unsubscribe(&self) -> bool {
        self.subscription.unsubscribe()
    }

    /// Ends it when the guard is dropped.
    pub fn guard(self) -> LocalGuard {
        LocalGuard(Some(self))
    }
}

impl fmt::Debug for LocalSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.subscription.fmt(f)
    }
}

/// Ends a subscription when it is dropped.
#[must_use = "a guard that is dropped at once ends its subscription at once"]
#[derive(Debug)]
pub struct LocalGuard(Option<LocalSubscription>);

impl LocalGuard {
    /// The subscription, which then lives on as long as its dispatcher.
    pub fn release(mut self) -> Option<LocalSubscription> {
        self.0.take()
    }
}

impl Drop for LocalGuard {
    fn drop(&mut self) {
        if let Some(subscription) = self.0.take() {
            subscription.unsubscribe();
        }
    }
}

/// Sets up a [`LocalDispatcher`].
#[must_use = "a builder does nothing until `.build()`"]
pub struct LocalBuilder {
    builder: Builder,
    stays: StaysOnItsThread,
}

impl LocalBuilder {
    fn with(self, change: impl FnOnce(Builder) -> Builder) -> Self {
        Self { builder: change(self.builder), stays: self.stays }
    }

    /// See [`Builder::state`]. What is not `Send` is captured by the handlers.
    pub fn state<T: Clone + Send + Sync + 'static>(self, value: T) -> Self {
        self.with(|builder| builder.state(value))
    }

    /// See [`Builder::on_error`].
    pub fn on_error(self, hook: impl Fn(&HandlerFailure) + 'static) -> Self {
        let hook = SendWrapper::new(hook);
        self.with(|builder| builder.on_error(move |failure| (*hook)(failure)))
    }

    /// See [`Builder::on_unhandled`].
    pub fn on_unhandled(self, hook: impl Fn(&str) + 'static) -> Self {
        let hook = SendWrapper::new(hook);
        self.with(|builder| builder.on_unhandled(move |event_type| (*hook)(event_type)))
    }

    /// The executor of this thread, on which `emit_sync` runs async handlers: `|task| drop(tokio::task::spawn_local(task))`.
    pub fn spawner(self, spawn: impl Fn(LocalFuture) + 'static) -> Self {
        let spawn = SendWrapper::new(spawn);
        self.with(|builder| builder.spawner(move |task: BoxFuture<'static, ()>| (*spawn)(task)))
    }

    /// See [`Builder::wrap`].
    pub fn wrap(self, middleware: impl Middleware) -> Self {
        self.with(|builder| builder.wrap(middleware))
    }

    /// See [`Builder::spans`].
    pub fn spans(self) -> Self {
        self.with(Builder::spans)
    }

    /// See [`Builder::timing`].
    pub fn timing(self) -> Self {
        self.with(Builder::timing)
    }

    /// See [`Builder::queue`].
    pub fn queue(self, queue: Queue) -> Self {
        self.with(|builder| builder.queue(queue))
    }

    /// See [`Builder::storm_guard`].
    pub fn storm_guard(self, guard: StormGuard) -> Self {
        self.with(|builder| builder.storm_guard(guard))
    }

    /// See [`Builder::clock`].
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|builder| builder.clock(clock))
    }

    /// The dispatcher.
    pub fn build(self) -> LocalDispatcher {
        LocalDispatcher { dispatcher: self.builder.build(), stays: self.stays }
    }
}
