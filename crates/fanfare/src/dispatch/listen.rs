//! What `Dispatcher::on` takes. Shapes are matched without bounds; each bound stands on `on` alone, so that the compiler
//! names the one that fails.

use std::{future::Ready, marker::PhantomData, sync::Arc};

use fanfare_core::{
    Accepts, BoxError, DecodeError, Event, Hear, HearRef, HearRefVisitor, HearVisitor, Heard, IntoOutcome,
    Metadata, Outputs, Sink, Topic,
};
use send_wrapper::SendWrapper;

use super::{
    handler::{Entry, RefHandler, Seat, Seated, TaskHandler},
    here::{Here, Stays},
    inner::Inner,
    ref_handler::{AnyRefFn, RefFn},
    registration::Registration,
    subject::AnySubject,
    subscription::Subscription,
    task_handler::{ByEvent, ByMade, FromAny, FromEnvelope, FromEvent, Making, Task, TaskFn},
    wild::{Wild, WildHandler},
    wrapped::{WrappedRef, WrappedTask},
};
use crate::{
    extract::{Args, Missing, Site},
    handler::{Configured, IntoHandler, Shape},
};

/// A handler on a dispatcher: a closure or function of `&E`, or an async function of an event and extractors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler function",
    label = "neither a function of `&E` nor an async function of an event",
    note = "a handler is `|event: &E| ..`, or `async fn(event, extractors..)` with up to 8 extractors"
)]
pub trait Listener<X>: Sized {
    /// By reference or by value.
    type How;
    /// What tells the function's arity apart.
    type M;
    /// The function.
    type F;
    /// What it takes first.
    type In;
    /// What it takes behind.
    type Args;
    /// What it returns, or its future gives.
    type Out;
    /// Its future.
    type Fut;

    /// Puts it into the list of the event types that it takes.
    #[doc(hidden)]
    fn listen(self, to: Registration<'_>) -> Result<Subscription, Missing>
    where
        Self::How: Takes<Self::In> + Returns<Self::Out> + 'static,
        Self::In: 'static,
        Self::Args: Args,
        Self::Out: 'static,
        Self::Fut: Send + 'static,
        Self::F: Send + Sync + 'static,
        Self::M: 'static;

    /// The same for a handler that stays on this thread.
    #[doc(hidden)]
    fn listen_here(self, to: Registration<'_>) -> Result<Subscription, Missing>
    where
        Self::How: Takes<Self::In> + Returns<Self::Out> + 'static,
        Self::In: 'static,
        Self::Args: Args,
        Self::Out: 'static,
        Self::Fut: 'static,
        Self::F: 'static,
        Self::M: 'static;
}

/// Marks a synchronous function of a reference.
pub struct Synchronous<M>(PhantomData<fn() -> M>);

/// Marks an async function.
pub struct Asynchronous<X>(PhantomData<fn() -> X>);

/// The event comes by reference and its handler runs on the emitter's thread.
pub struct ByRef;

/// The event comes by value or shared, and its handler is a future.
pub struct ByValue;

/// How a handler's first argument comes about.
pub trait Takes<T> {
    #[doc(hidden)]
    fn by_ref<V: HearRefVisitor<T>>(_: V) -> Option<V::Made> {
        None
    }

    #[doc(hidden)]
    fn by_value<V: HearVisitor<T>>(_: V) -> Option<V::Made> {
        None
    }
}

impl<T: HearRef> Takes<T> for ByRef {
    fn by_ref<V: HearRefVisitor<T>>(visitor: V) -> Option<V::Made> {
        Some(T::heard_by_ref(visitor))
    }
}

impl<T: Hear> Takes<T> for ByValue {
    fn by_value<V: HearVisitor<T>>(visitor: V) -> Option<V::Made> {
        Some(T::heard_by(visitor))
    }
}

/// What a handler may return.
pub trait Returns<R> {
    #[doc(hidden)]
    fn outcome(returned: R, sink: &mut Sink) -> Result<(), BoxError>;
}

impl<R: SyncOutcome> Returns<R> for ByRef {
    #[inline]
    fn outcome(returned: R, sink: &mut Sink) -> Result<(), BoxError> {
        returned.into_outcome(sink)
    }
}

impl<R: IntoOutcome> Returns<R> for ByValue {
    #[inline]
    fn outcome(returned: R, sink: &mut Sink) -> Result<(), BoxError> {
        returned.into_outcome(sink)
    }
}

/// What a synchronous handler may return: nothing, or a `Result`, whose events are emitted in turn.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a synchronous handler",
    label = "a synchronous handler returns `()` or a `Result`",
    note = "if the value is of no use, end the closure's expression with `;`: `|order| {{ stock.take(order); }}`",
    note = "to emit an event, return `Ok::<_, YourError>(event)`"
)]
pub trait SyncOutcome {
    #[doc(hidden)]
    fn into_outcome(self, sink: &mut Sink) -> Result<(), BoxError>;
}

impl SyncOutcome for () {
    #[inline]
    fn into_outcome(self, _: &mut Sink) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<O: Outputs, X: Into<BoxError>> SyncOutcome for Result<O, X> {
    #[inline]
    fn into_outcome(self, sink: &mut Sink) -> Result<(), BoxError> {
        self.map(|outputs| outputs.write(sink)).map_err(Into::into)
    }
}

impl<F, T, R> Listener<Synchronous<fn(&T) -> R>> for F
where
    F: Fn(&T) -> R,
{
    type How = ByRef;
    type M = ();
    type F = F;
    type In = T;
    type Args = ();
    type Out = R;
    type Fut = Ready<()>;

    fn listen(self, to: Registration<'_>) -> Result<Subscription, Missing>
    where
        ByRef: Takes<T> + Returns<R> + 'static,
        T: 'static,
        R: 'static,
        F: Send + Sync + 'static,
    {
        let type_name = std::any::type_name::<F>();
        let visitor = SyncVisitor::<F, ByRef, R> { f: self, type_name, to, marker: PhantomData };
        ByRef::by_ref(visitor).expect("a synchronous handler takes its event by reference")
    }

    fn listen_here(self, to: Registration<'_>) -> Result<Subscription, Missing>
    where
        ByRef: Takes<T> + Returns<R> + 'static,
        T: 'static,
        R: 'static,
        F: 'static,
    {
        let (type_name, f) = (std::any::type_name::<F>(), SendWrapper::new(self));
        let f = move |event: &T| (*f)(event);
        let visitor = SyncVisitor::<_, ByRef, R> { f, type_name, to, marker: PhantomData };
        ByRef::by_ref(visitor).expect("a synchronous handler takes its event by reference")
    }
}

struct SyncVisitor<'a, F, How, R> {
    f: F,
    type_name: &'static str,
    to: Registration<'a>,
    marker: PhantomData<fn() -> (How, R)>,
}

impl<T, F, How, R> HearRefVisitor<T> for SyncVisitor<'_, F, How, R>
where
    F: Fn(&T) -> R + Send + Sync + 'static,
    How: Returns<R> + 'static,
    R: 'static,
    T: 'static,
{
    type Made = Result<Subscription, Missing>;

    fn typed(mut self) -> Self::Made
    where
        T: Event,
    {
        self.to.check_types(T::TYPE)?;
        let seat = self.to.seat(self.type_name);
        let gate = self.to.gate()?;
        let handler = RefFn::<F, T, How, R> { f: self.f, gate, marker: PhantomData };
        Ok(match self.to.around(&seat, true)? {
            None => self.to.inner.add_ref::<T, _>(Entry::new(seat, handler)),
            Some(around) => self.to.inner.add_ref::<T, _>(Entry::new(seat, WrappedRef { handler, around })),
        })
    }

    fn any(mut self, make: fn(&Heard<'_>) -> Result<T, DecodeError>) -> Self::Made {
        let filters = self.to.filters()?;
        let seat = self.to.seat(self.type_name);
        let gate = self.to.gate()?;
        let handler = AnyRefFn::<F, T, How, R> { f: self.f, gate, make, marker: PhantomData };
        let (seated, handler) = match self.to.around(&seat, true)? {
            None => any_ref(Entry::new(seat, handler)),
            Some(around) => any_ref(Entry::new(seat, WrappedRef { handler, around })),
        };
        let wild = Wild { accepts: Accepts::Any, filters, handler };
        Ok(self.to.inner.add_wild(&seated, wild))
    }
}

impl<X, H: IntoHandler<X>> Listener<Asynchronous<X>> for H {
    type How = ByValue;
    type M = H::M;
    type F = H::F;
    type In = H::In;
    type Args = H::Args;
    type Out = H::Out;
    type Fut = H::Fut;

    fn listen(self, mut to: Registration<'_>) -> Result<Subscription, Missing>
    where
        ByValue: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Fut: Send + 'static,
        H::F: Send + Sync + 'static,
        H::M: 'static,
    {
        let Configured { shape: f, options, .. } = self.into_configured();
        to.options.configure(options)?;
        let visitor = AsyncVisitor::<H::F, H::M, ByValue> { f, to, marker: PhantomData };
        ByValue::by_value(visitor).expect("an async handler takes its event by value")
    }

    fn listen_here(self, mut to: Registration<'_>) -> Result<Subscription, Missing>
    where
        ByValue: Takes<H::In> + Returns<H::Out> + 'static,
        H::In: 'static,
        H::Args: Args,
        H::Fut: 'static,
        H::F: 'static,
        H::M: 'static,
    {
        let Configured { shape, options, .. } = self.into_configured();
        to.options.configure(options)?;
        let f = Here::new(shape);
        let visitor = AsyncVisitor::<Here<H::F>, Stays<H::M>, ByValue> { f, to, marker: PhantomData };
        ByValue::by_value(visitor).expect("an async handler takes its event by value")
    }
}

struct AsyncVisitor<'a, F, M, How> {
    f: F,
    to: Registration<'a>,
    marker: PhantomData<fn() -> (M, How)>,
}

impl<F, M, How> AsyncVisitor<'_, F, M, How>
where
    F: Shape<M> + Send + Sync + 'static,
    F::Args: Args,
    F::Fut: Send + 'static,
    M: 'static,
    How: Returns<F::Out> + 'static,
{
    fn task(f: F, seat: &Seat, inner: &Inner) -> Result<Arc<Task<F, M, How>>, Missing> {
        let prepared = F::Args::prepare(&inner.registry)?;
        let clock = inner.settings.clock.clone();
        let site = Site { handler: (&*seat.name).into(), ack_timeout: None, clock };
        Ok(Arc::new(Task::new(f, prepared, site)))
    }

    fn one_type<E: Event, K: Making<E, F::In>>(mut self, making: K) -> Result<Subscription, Missing> {
        self.to.check_types(E::TYPE)?;
        let seat = self.to.seat(F::type_name());
        let gate = self.to.gate::<E>()?.map(ByEvent);
        let task = Self::task(self.f, &seat, self.to.inner)?;
        let handler = TaskFn { task, making, gate };
        Ok(match self.to.around(&seat, false)? {
            None => self.to.inner.add_task::<E, _>(Entry::new(seat, handler)),
            Some(around) => {
                let handler = WrappedTask { handler: Arc::new(handler), around };
                self.to.inner.add_task::<E, _>(Entry::new(seat, handler))
            }
        })
    }
}

impl<T: 'static, F, M, How> HearVisitor<T> for AsyncVisitor<'_, F, M, How>
where
    F: Shape<M, In = T> + Send + Sync + 'static,
    F::Args: Args,
    F::Fut: Send + 'static,
    M: 'static,
    How: Returns<F::Out> + 'static,
{
    type Made = Result<Subscription, Missing>;

    fn typed<E: Event>(self, make: fn(&Arc<E>) -> T) -> Self::Made {
        self.one_type(FromEvent(make))
    }

    fn with_metadata<E: Event>(self, make: fn(&Arc<E>, &Metadata, &Topic) -> T) -> Self::Made {
        self.one_type(FromEnvelope(make))
    }

    fn any(mut self, accepts: Accepts, make: fn(&Heard<'_>) -> Result<T, DecodeError>) -> Self::Made {
        let filters = self.to.filters()?;
        let seat = self.to.seat(F::type_name());
        let gate = self.to.gate::<T>()?.map(|gate| ByMade(gate, FromAny(make)));
        let task = Self::task(self.f, &seat, self.to.inner)?;
        let handler = TaskFn { task, making: FromAny(make), gate };
        let (seated, handler) = match self.to.around(&seat, false)? {
            None => any_task(Entry::new(seat, handler)),
            Some(around) => {
                let handler = WrappedTask { handler: Arc::new(handler), around };
                any_task(Entry::new(seat, handler))
            }
        };
        let wild = Wild { accepts, filters, handler };
        Ok(self.to.inner.add_wild(&seated, wild))
    }
}

/// An entry as its handle sees it and as the emits see it.
fn any_ref<H: RefHandler<dyn AnySubject> + 'static>(entry: Arc<Entry<H>>) -> (Arc<dyn Seated>, WildHandler) {
    (entry.clone(), WildHandler::Ref(entry))
}

fn any_task<H: TaskHandler<dyn AnySubject> + 'static>(
    entry: Arc<Entry<H>>,
) -> (Arc<dyn Seated>, WildHandler) {
    (entry.clone(), WildHandler::Task(entry))
}
