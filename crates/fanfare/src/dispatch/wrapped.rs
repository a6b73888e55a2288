//! A handler within its middlewares.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytestring::ByteString;
use fanfare_core::{BoxFuture, Clock, Sink};

use super::{
    cause::{self, Cause},
    handler::{RefHandler, Slot, TaskHandler, Trouble},
    report::panic_text,
    subject::Emitted,
};
use crate::middleware::{Call, Chain, Next, Outcome, Panicked, Source, run_sync};

/// What surrounds a handler.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) id: u64,
    pub(crate) handler: ByteString,
    pub(crate) chain: Chain,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Surroundings {
    /// The call of the event of the innermost emit.
    fn call<S: Emitted + ?Sized>(&self, event: &S) -> (Call, Arc<Cause>) {
        let cause = cause::current();
        cause.describe(event.as_any());
        let call = Call {
            subscription: self.id,
            handler: self.handler.clone(),
            source: Source::Emitted(cause.clone()),
            event: None,
            clock: self.clock.clone(),
        };
        (call, cause)
    }
}

/// A synchronous handler within its middlewares.
pub(crate) struct WrappedRef<H> {
    pub(crate) handler: H,
    pub(crate) around: Surroundings,
}

impl<S: Emitted + ?Sized, H: RefHandler<S>> RefHandler<S> for WrappedRef<H> {
    fn call(&self, event: &S, trouble: &mut Option<Trouble>) -> bool {
        // Nothing is called, and so nothing is told of a call.
        if self.handler.is_over() {
            *trouble = Some(Trouble::OwnerGone);
            return false;
        }
        let (call, _) = self.around.call(event);
        let outcome = run_sync(&self.around.chain, &call, &mut || {
            let mut trouble = None;
            let run = AssertUnwindSafe(|| self.handler.call(event, &mut trouble));
            outcome(catch_unwind(run).map(|_| trouble))
        });
        settle(outcome, trouble)
    }

    fn is_wanted(&self, event: &S) -> bool {
        self.handler.is_wanted(event)
    }
}

/// What a caught run of a handler came to.
fn outcome(caught: std::thread::Result<Option<Trouble>>) -> Outcome {
    match caught {
        Ok(None | Some(Trouble::OwnerGone)) => Ok(Sink::default()),
        Ok(Some(Trouble::Failed(error))) => Err(error),
        Ok(Some(Trouble::Returned(outputs))) => {
            let mut sink = Sink::default();
            outputs.into_iter().for_each(|output| sink.push(output));
            Ok(sink)
        }
        Err(panic) => Err(Panicked(panic_text(&*panic)).into()),
    }
}

fn settle(outcome: Outcome, trouble: &mut Option<Trouble>) -> bool {
    *trouble = match outcome {
        Ok(sink) if sink.is_empty() => None,
        Ok(sink) => Some(Trouble::Returned(sink.into_outputs())),
        Err(error) => Some(Trouble::Failed(error)),
    };
    trouble.is_none()
}

/// An async handler within its middlewares.
pub(crate) struct WrappedTask<H> {
    pub(crate) handler: Arc<H>,
    pub(crate) around: Surroundings,
}

impl<S: Emitted + ?Sized, H: TaskHandler<S> + 'static> TaskHandler<S> for WrappedTask<H> {
    fn slot(&self) -> Pin<Box<dyn Slot<S>>> {
        let (handler, around) = (self.handler.clone(), self.around.clone());
        Box::pin(WrappedSlot { handler, around, run: None })
    }

    fn is_wanted(&self, event: &S) -> bool {
        self.handler.is_wanted(event)
    }
}

struct WrappedSlot<H> {
    handler: Arc<H>,
    around: Surroundings,
    run: Option<BoxFuture<'static, Outcome>>,
}

impl<S: Emitted + ?Sized, H: TaskHandler<S> + 'static> Slot<S> for WrappedSlot<H> {
    fn run(
        mut self: Pin<&mut Self>,
        event: &Arc<S>,
        cx: &mut Context<'_>,
        trouble: &mut Option<Trouble>,
    ) -> Poll<bool> {
        let run = match self.run.take() {
            Some(run) => run,
            None => start(&self.handler, &self.around, event),
        };
        let run = self.run.insert(run);
        let Poll::Ready(outcome) = run.as_mut().poll(cx) else { return Poll::Pending };
        self.run = None;
        Poll::Ready(settle(outcome, trouble))
    }

    fn line_up(mut self: Pin<&mut Self>, event: &Arc<S>) {
        self.run = Some(start(&self.handler, &self.around, event));
    }

    fn clear(mut self: Pin<&mut Self>) {
        self.run = None;
    }
}

/// The chain's future. It runs the handler in frames of its own, since a middleware may poll it anywhere.
fn start<S: Emitted + ?Sized, H: TaskHandler<S> + 'static>(
    handler: &Arc<H>,
    around: &Surroundings,
    event: &Arc<S>,
) -> BoxFuture<'static, Outcome> {
    let (mut call, cause) = around.call(&**event);
    call.event = event.clone().into_any();
    let (handler, event, id) = (handler.clone(), event.clone(), around.id);
    let innermost = Next::new(move || {
        let (mut slot, event, cause) = (handler.slot(), event.clone(), cause.clone());
        Box::pin(poll_fn(move |cx| {
            let _frame = cause::enter("", Some(&cause));
            cause::set_handler(id);
            let mut trouble = None;
            let run = AssertUnwindSafe(|| slot.as_mut().run(&event, cx, &mut trouble).is_ready());
            match catch_unwind(run) {
                Ok(false) => Poll::Pending,
                Ok(true) => Poll::Ready(outcome(Ok(trouble))),
                Err(panic) => Poll::Ready(outcome(Err(panic))),
            }
        }))
    });
    innermost.around(&around.chain, &call).run()
}
