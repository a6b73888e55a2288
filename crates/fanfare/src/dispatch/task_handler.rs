//! Async functions with extractors, and the slots in which they run.

use std::{
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use fanfare_core::{BoxError, DecodeError, Event, Heard, Metadata, Sink, Topic};
use pin_project_lite::pin_project;

use super::{
    cause,
    handler::{Slot, TaskHandler, Trouble},
    listen::Returns,
    ref_handler::{Gate, made, made_shared},
    subject::{AnySubject, Emitted},
};
use crate::{
    extract::{Args, Buffer, Buffered, Context, Origin, Site},
    handler::Shape,
};

/// An async function on a dispatcher.
pub(crate) struct Task<F: Shape<M>, M, How>
where
    F::Args: Args,
{
    f: F,
    prepared: <F::Args as Args>::Prepared,
    site: Arc<Site>,
    /// Stands in for the context of handlers that do not look at it.
    blank: Context,
    marker: PhantomData<fn() -> (M, How)>,
}

impl<F: Shape<M>, M, How> Task<F, M, How>
where
    F::Args: Args,
{
    pub(crate) fn new(f: F, prepared: <F::Args as Args>::Prepared, site: Site) -> Self {
        let site = Arc::new(site);
        let blank = Context::blank(site.clone());
        Self { f, prepared, site, blank, marker: PhantomData }
    }
}

impl<F: Shape<M>, M, How> Task<F, M, How>
where
    F::Args: Args,
{
    #[inline]
    fn args<S: Emitted + ?Sized>(&self, event: &Arc<S>, buffer: &mut Option<Arc<Buffer>>) -> F::Args {
        if !F::Args::USES_CONTEXT {
            return F::Args::extract(&self.prepared, &self.blank);
        }
        let metadata = cause::current().metadata(event.as_any()).clone();
        let buffer = buffer.insert(Arc::default());
        F::Args::extract(&self.prepared, &context(&self.site, metadata, buffer.clone()))
    }
}

fn context(site: &Arc<Site>, metadata: Arc<Metadata>, buffer: Arc<Buffer>) -> Context {
    Context::new(Origin::Local(metadata), 1, Duration::ZERO, site.clone(), buffer)
}

/// What a handler published through its context has an option that a dispatcher cannot keep.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to emit `{event_type}`, and all that the handler published with it: a dispatcher does not know .{option}(..); publish it \
     through a `Publisher`"
)]
struct NoSuchOption {
    event_type: String,
    option: &'static str,
}

/// How a handler's argument is made of the event of an emit.
pub(crate) trait Making<S: ?Sized, T>: Copy + Send + Sync + 'static {
    fn make(self, event: &Arc<S>) -> Result<T, BoxError>;
}

/// Of an event of its type.
pub(crate) struct FromEvent<E, T>(pub(crate) fn(&Arc<E>) -> T);

/// Of an event of its type and the metadata.
pub(crate) struct FromEnvelope<E, T>(pub(crate) fn(&Arc<E>, &Metadata, &Topic) -> T);

/// Of any event.
pub(crate) struct FromAny<T>(pub(crate) fn(&Heard<'_>) -> Result<T, DecodeError>);

macro_rules! copy {
    ($name:ident<$($parameter:ident),+>) => {
        impl<$($parameter),+> Clone for $name<$($parameter),+> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<$($parameter),+> Copy for $name<$($parameter),+> {}
    };
}
copy!(FromEvent<E, T>);
copy!(FromEnvelope<E, T>);
copy!(FromAny<T>);

impl<E: Event, T: 'static> Making<E, T> for FromEvent<E, T> {
    #[inline]
    fn make(self, event: &Arc<E>) -> Result<T, BoxError> {
        Ok((self.0)(event))
    }
}

impl<E: Event, T: 'static> Making<E, T> for FromEnvelope<E, T> {
    fn make(self, event: &Arc<E>) -> Result<T, BoxError> {
        Ok((self.0)(event, cause::current().metadata(&**event), &event.topic()))
    }
}

impl<T: 'static> Making<dyn AnySubject, T> for FromAny<T> {
    fn make(self, event: &Arc<dyn AnySubject>) -> Result<T, BoxError> {
        made_shared(event, self.0)
    }
}

/// An async function with how its argument is made and which events it wants.
pub(crate) struct TaskFn<F: Shape<M>, M, How, K, G>
where
    F::Args: Args,
{
    pub(crate) task: Arc<Task<F, M, How>>,
    pub(crate) making: K,
    pub(crate) gate: Option<G>,
}

/// What `.when(..)` says of an event.
pub(crate) trait Wanted<S: ?Sized>: Send + Sync + 'static {
    fn is_wanted(&self, event: &S) -> bool;
}

/// Looks at the event itself.
pub(crate) struct ByEvent<E>(pub(crate) Gate<E>);

impl<E: Event> Wanted<E> for ByEvent<E> {
    fn is_wanted(&self, event: &E) -> bool {
        (self.0)(event)
    }
}

/// Looks at what is made of the event.
pub(crate) struct ByMade<T>(pub(crate) Gate<T>, pub(crate) FromAny<T>);

impl<T: 'static> Wanted<dyn AnySubject> for ByMade<T> {
    fn is_wanted(&self, event: &dyn AnySubject) -> bool {
        made(event, self.1.0).is_ok_and(|made| (self.0)(&made))
    }
}

impl<S, F, M, How, K, G> TaskHandler<S> for TaskFn<F, M, How, K, G>
where
    S: Emitted + ?Sized,
    F: Shape<M> + Send + Sync + 'static,
    F::Args: Args,
    F::Fut: Send + 'static,
    M: 'static,
    How: Returns<F::Out> + 'static,
    K: Making<S, F::In>,
    G: Wanted<S>,
{
    fn slot(&self) -> Pin<Box<dyn Slot<S>>> {
        Box::pin(TaskSlot { future: None, buffer: None, task: self.task.clone(), making: self.making })
    }

    fn is_wanted(&self, event: &S) -> bool {
        self.gate.as_ref().is_none_or(|gate| gate.is_wanted(event))
    }
}

pin_project! {
    struct TaskSlot<F: Shape<M>, M, How, K>
    where
        F::Args: Args,
    {
        #[pin]
        future: Option<F::Fut>,
        buffer: Option<Arc<Buffer>>,
        task: Arc<Task<F, M, How>>,
        making: K,
    }
}

impl<S, F, M, How, K> Slot<S> for TaskSlot<F, M, How, K>
where
    S: Emitted + ?Sized,
    F: Shape<M> + Send + Sync,
    F::Args: Args,
    F::Fut: Send,
    How: Returns<F::Out>,
    K: Making<S, F::In>,
{
    fn run(
        self: Pin<&mut Self>,
        event: &Arc<S>,
        cx: &mut task::Context<'_>,
        trouble: &mut Option<Trouble>,
    ) -> Poll<bool> {
        let mut this = self.project();
        if this.future.is_none() {
            match this.making.make(event) {
                Ok(input) => {
                    let args = this.task.args(event, this.buffer);
                    this.future.set(Some(this.task.f.call(input, args)));
                }
                Err(error) => {
                    *trouble = Some(Trouble::Failed(error));
                    return Poll::Ready(false);
                }
            }
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Ready(true) };
        let Poll::Ready(out) = future.poll(cx) else { return Poll::Pending };
        this.future.set(None);
        let mut sink = Sink::default();
        let outcome = How::outcome(out, &mut sink);
        let buffered = this.buffer.take().map(|buffer| buffer.close());
        if let Err(error) = outcome {
            *trouble = Some(Trouble::Failed(error));
            return Poll::Ready(false);
        }
        if let Some(buffered) = buffered {
            for Buffered { output, options } in buffered {
                if let Some(option) = options.and_then(|options| options.first_said()) {
                    let event_type = output.event_type().to_owned();
                    *trouble = Some(Trouble::Failed(NoSuchOption { event_type, option }.into()));
                    return Poll::Ready(false);
                }
                sink.push(output);
            }
        }
        if sink.is_empty() {
            return Poll::Ready(true);
        }
        *trouble = Some(Trouble::Returned(sink.into_outputs()));
        Poll::Ready(false)
    }

    fn clear(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.future.set(None);
        *this.buffer = None;
    }
}
