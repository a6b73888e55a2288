//! What is said of a subscription when it is made: `audit.priority(10).once()`.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use super::{
    listen::{Listener, Returns, Takes},
    ref_handler::Gate,
    registration::{Options, Registration},
    subscription::Subscription,
};
use crate::{
    extract::{Args, Missing},
    middleware::{Middleware, Timeout},
};

/// A handler with options of its subscription, made by [`SubscribeExt`].
#[must_use = "a handler does nothing until it is given to `Dispatcher::on`"]
pub struct Tuned<H, X> {
    handler: H,
    options: Options,
    marker: PhantomData<fn() -> X>,
}

/// Marks a handler with options.
pub struct Adjusted<X>(PhantomData<fn() -> X>);

impl<H, X> Tuned<H, X> {
    fn new(handler: H) -> Self {
        Self { handler, options: Options::default(), marker: PhantomData }
    }

    /// The handler's name, in reports, logs and diagrams.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Takes only event types that match the filter: `chat.>`. Repeated: any of them.
    pub fn types(mut self, filter: impl Into<String>) -> Self {
        self.options.types.push(filter.into());
        self
    }

    /// Runs before handlers of a lower priority. Default: 0; equal ones run in the order of subscription.
    pub fn priority(mut self, priority: i32) -> Self {
        self.options.priority = priority;
        self
    }

    /// Is called once and then unsubscribed, also when several threads emit at the same time.
    pub fn once(mut self) -> Self {
        self.options.is_once = true;
        self
    }

    /// Is called only for events that the predicate wants. It looks at the event, and for a handler of `RawEvent`
    /// or of an enum of events at that. One that panics wants nothing.
    pub fn when<E: 'static>(mut self, is_wanted: impl Fn(&E) -> bool + Send + Sync + 'static) -> Self {
        let gate: Gate<E> = Arc::new(is_wanted);
        self.options.when = Some((Box::new(gate), std::any::type_name::<E>()));
        self
    }

    /// Handles the events of a key one after the other, in the order in which they were emitted, and those of
    /// different keys at the same time. For async handlers: synchronous ones run where the event is emitted.
    ///
    /// Such a handler must not await the emit of an event of the key that it is handling, which would begin only when it has
    /// ended: that call fails and says so. It may return the event, or `enqueue` it. One that awaits the emit on another task is
    /// not found out, and waits for ever.
    pub fn in_key_order(mut self) -> Self {
        self.options.is_in_key_order = true;
        self
    }

    /// Ends an async handler that takes longer, as [`Timeout`] does; it is in the report with that kind. Around a
    /// synchronous one it is refused: nothing can end that.
    pub fn timeout(self, limit: Duration) -> Self {
        self.wrap(Timeout::new(limit))
    }

    /// Wraps the handler into a middleware. The one that is added last is outermost.
    pub fn wrap(mut self, middleware: impl Middleware) -> Self {
        self.options.chain.push(Arc::new(middleware));
        self
    }
}

/// Options of a subscription on a dispatcher.
pub trait SubscribeExt<X>: Listener<X> {
    /// See [`Tuned::priority`].
    fn priority(self, priority: i32) -> Tuned<Self, X> {
        Tuned::new(self).priority(priority)
    }

    /// See [`Tuned::once`].
    fn once(self) -> Tuned<Self, X> {
        Tuned::new(self).once()
    }

    /// See [`Tuned::when`].
    fn when<E: 'static>(self, is_wanted: impl Fn(&E) -> bool + Send + Sync + 'static) -> Tuned<Self, X> {
        Tuned::new(self).when(is_wanted)
    }

    /// See [`Tuned::in_key_order`].
    fn in_key_order(self) -> Tuned<Self, X> {
        Tuned::new(self).in_key_order()
    }

    /// See [`Tuned::timeout`].
    fn timeout(self, limit: Duration) -> Tuned<Self, X> {
        Tuned::new(self).timeout(limit)
    }
}

impl<X, H: Listener<X>> SubscribeExt<X> for H {}

/// Marks a synchronous function of `&T`.
type OfRef<T, R> = super::Synchronous<fn(&T) -> R>;

/// Names, filters and middleware of synchronous handlers; async ones have theirs from [`crate::HandlerExt`].
pub trait SyncExt<T, R>: Fn(&T) -> R + Sized {
    /// See [`Tuned::named`].
    fn named(self, name: impl Into<String>) -> Tuned<Self, OfRef<T, R>> {
        Tuned::new(self).named(name)
    }

    /// See [`Tuned::types`].
    fn types(self, filter: impl Into<String>) -> Tuned<Self, OfRef<T, R>> {
        Tuned::new(self).types(filter)
    }

    /// See [`Tuned::wrap`].
    fn wrap(self, middleware: impl Middleware) -> Tuned<Self, OfRef<T, R>> {
        Tuned::new(self).wrap(middleware)
    }
}

impl<T, R, F: Fn(&T) -> R> SyncExt<T, R> for F {}

impl<X, H: Listener<X>> Listener<Adjusted<X>> for Tuned<H, X> {
    type How = H::How;
    type M = H::M;
    type F = H::F;
    type In = H::In;
    type Args = H::Args;
    type Out = H::Out;
    type Fut = H::Fut;

    fn listen(self, mut to: Registration<'_>) -> Result<Subscription, Missing>
    where
        H::How: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Out: 'static,
        H::Fut: Send + 'static,
        H::F: Send + Sync + 'static,
        H::M: 'static,
    {
        to.options.add(self.options);
        self.handler.listen(to)
    }

    fn listen_here(self, mut to: Registration<'_>) -> Result<Subscription, Missing>
    where
        H::How: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Out: 'static,
        H::Fut: 'static,
        H::F: 'static,
        H::M: 'static,
    {
        to.options.add(self.options);
        self.handler.listen_here(to)
    }
}
