//! `.blocking()`: a synchronous function on a thread where it may take its time.

use std::{
    future::Future,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
    task::JoinHandle,
};

use crate::{
    dispatch::{Whereabouts, spawn_blocking},
    publish::Handling,
};

use super::{Configured, Options, Shape};

/// A synchronous function of an event and up to eight extractors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a blocking handler function",
    label = "not a function of an event",
    note = "a blocking handler is `fn(event, extractors..)` with up to 8 extractors"
)]
pub trait BlockingShape<M>: Sized {
    /// The first argument: the event.
    type In;
    /// The other arguments, as a tuple.
    type Args;
    /// What it returns.
    type Out;

    /// Calls it.
    fn run(&self, input: Self::In, args: Self::Args) -> Self::Out;
}

macro_rules! blocking {
    ($($arg:ident)*) => {
        #[allow(non_snake_case, unused_variables, reason = "the type parameters name the variables")]
        impl<F, In, Out, $($arg),*> BlockingShape<fn(In, $($arg),*) -> Out> for F
        where
            F: Fn(In, $($arg),*) -> Out,
        {
            type In = In;
            type Args = ($($arg,)*);
            type Out = Out;

            fn run(&self, input: In, ($($arg,)*): ($($arg,)*)) -> Out {
                self(input, $($arg),*)
            }
        }
    };
}
blocking!();
blocking!(A1);
blocking!(A1 A2);
blocking!(A1 A2 A3);
blocking!(A1 A2 A3 A4);
blocking!(A1 A2 A3 A4 A5);
blocking!(A1 A2 A3 A4 A5 A6);
blocking!(A1 A2 A3 A4 A5 A6 A7);
blocking!(A1 A2 A3 A4 A5 A6 A7 A8);

/// Makes a handler of a synchronous function: `.on(resize.blocking().concurrency(2))`.
pub trait BlockingExt<M>: BlockingShape<M> {
    /// Runs it on a thread of its own, where it may compute or block.
    fn blocking(self) -> Configured<Blocking<Self>, Runs<M>> {
        let options = Options { is_blocking: true, ..Options::default() };
        Configured::new(Blocking(Arc::new(self)), options)
    }
}

impl<F: BlockingShape<M>, M> BlockingExt<M> for F {}

/// A synchronous function that is a handler.
pub struct Blocking<F>(Arc<F>);

/// Marks a synchronous function.
pub struct Runs<M>(PhantomData<fn() -> M>);

impl<F, M> Shape<Runs<M>> for Blocking<F>
where
    F: BlockingShape<M> + Send + Sync + 'static,
    F::In: Send + 'static,
    F::Args: Send + 'static,
    F::Out: Send + 'static,
{
    type In = F::In;
    type Args = F::Args;
    type Out = F::Out;
    type Fut = BlockingCall<F::Out>;

    fn call(&self, input: F::In, args: F::Args) -> Self::Fut {
        let f = self.0.clone();
        let span = tracing::Span::current();
        let (mut handling, whereabouts) = (Handling::current(), Whereabouts::current());
        let run = move || {
            let _handling = Handling::enter(&mut handling);
            let _emit = whereabouts.enter();
            span.in_scope(|| f.run(input, args))
        };
        let runtime = Handle::try_current().ok();
        // The time of a runtime with one thread may be paused, and then it must know of its blocking calls. One with several
        // would wait, at the end of its program, for a call that does not end.
        let is_single = |runtime: &&Handle| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        if let Some(runtime) = runtime.as_ref().filter(is_single) {
            return BlockingCall(Thread::Runtime(runtime.spawn_blocking(run)));
        }
        let (sender, receiver) = oneshot::channel();
        spawn_blocking(move || {
            let _runtime = runtime.as_ref().map(Handle::enter);
            // Nobody waits any more when it fails.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(run)));
        });
        BlockingCall(Thread::Own(receiver))
    }

    fn type_name() -> &'static str {
        std::any::type_name::<F>()
    }
}

/// A call on its thread: one of the runtime that polls it, where that has one thread itself, else one of our own. Dropping
/// it does not stop the call.
pub struct BlockingCall<T>(Thread<T>);

enum Thread<T> {
    Runtime(JoinHandle<T>),
    Own(oneshot::Receiver<std::thread::Result<T>>),
}

impl<T> Future for BlockingCall<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let ended = match &mut self.0 {
            Thread::Runtime(call) => match ready!(Pin::new(call).poll(cx)) {
                Ok(out) => Ok(out),
                Err(error) if error.is_panic() => Err(error.into_panic()),
                // The runtime shuts down; its tasks, this one among them, are not polled to an end.
                Err(_) => return Poll::Pending,
            },
            Thread::Own(call) => match ready!(Pin::new(call).poll(cx)) {
                Ok(ended) => ended,
                Err(_) => return Poll::Pending,
            },
        };
        Poll::Ready(ended.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}
