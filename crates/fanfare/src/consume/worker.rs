//! One worker: pulls runs, calls the handler, hands in outcomes. Generic over the handler; boxed once, when it is spawned.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use fanfare_core::{BoxError, DecodeError, Input, IntoOutcome, Recorded, Sink};
use futures_util::FutureExt;

use super::{
    exchange::{Done, Exchange, Run},
    group::Group,
    outcome::{Failed, Outcome},
    slot::{Doing, Slot},
};
use crate::{
    dispatch::panic_text,
    extract::{Args, Buffer, Buffered, Context, Origin},
    handler::Shape,
    middleware::{Call, Chain, Next, Panicked, Source},
    publish::{Cause, Handling, NotMade},
};

/// A handler with what its extractors prepared.
pub(crate) struct Job<F, M>
where
    F: Shape<M>,
    F::Args: Args,
{
    pub(crate) shape: F,
    pub(crate) prepared: <F::Args as Args>::Prepared,
    pub(crate) group: Arc<Group>,
    /// What stands around the handler.
    pub(crate) chain: Chain,
    /// Where no argument looks at the context, this one serves every call.
    pub(crate) blank: Context,
}

/// After how many runs a worker lets others have the thread.
const RUNS_PER_TURN: u32 = 32;

/// Runs until the exchange is closed.
pub(crate) async fn work<F, M>(job: Arc<Job<F, M>>, exchange: Arc<Exchange>, index: usize)
where
    F: Shape<M> + Send + Sync + 'static,
    F::In: Input,
    F::Args: Args,
    F::Out: IntoOutcome,
    F::Fut: Send,
    M: 'static,
{
    let Some(slot) = exchange.slots().get(index) else { return };
    let mut buffer = Arc::new(Buffer::default());
    // The worker's own, so that workers do not count in one another's cache line.
    let handler: Arc<str> = (&*job.group.site.handler).into();
    let mut done = None;
    let mut turn = 0;
    while let Some(run) = exchange.next(index, done.take()).await {
        let outcome = attempt(&job, &exchange, slot, &run, &buffer, &handler).await;
        let buffered = if !F::Args::USES_CONTEXT {
            Vec::new()
        } else if Arc::strong_count(&buffer) == 1 {
            buffer.take()
        } else {
            // A context outlived its call: what it publishes from now on must not join the next one.
            let buffered = buffer.close();
            buffer = Arc::default();
            buffered
        };
        let outcome = match outcome {
            Ok(sink) if sink.is_empty() && buffered.is_empty() => Outcome::Done(Vec::new()),
            outcome => made(slot, || match outcome {
                Ok(sink) => outputs(&job.group, &run, sink, buffered),
                Err(outcome) => {
                    drop(buffered);
                    outcome
                }
            }),
        };
        done = Some(Done { task: run.task, round: run.round, outcome });
        turn += 1;
        if turn == RUNS_PER_TURN {
            turn = 0;
            exchange.flush();
            tokio::task::yield_now().await;
        }
    }
}

async fn attempt<F, M>(
    job: &Arc<Job<F, M>>,
    exchange: &Exchange,
    slot: &Slot,
    run: &Run,
    buffer: &Arc<Buffer>,
    handler: &Arc<str>,
) -> Result<Sink, Outcome>
where
    F: Shape<M> + Send + Sync + 'static,
    F::In: Input,
    F::Args: Args,
    F::Out: IntoOutcome,
    F::Fut: Send,
    M: 'static,
{
    let group = &*job.group;
    let now = group.clock.monotonic();
    slot.start(now);
    let call = async {
        if job.chain.is_empty() {
            handle(job, &run.record, run.attempt, now, buffer).await.map_err(Outcome::from)
        } else {
            wrapped(job, run, now, buffer).await
        }
    };
    let supervised = Supervised {
        call: Some(call),
        slot,
        exchange,
        handling: Some(Handling { record: run.record.clone(), handler: handler.clone() }),
        is_blocking: group.options.is_blocking,
        is_suspended: false,
    };
    if tracing::enabled!(target: "fanfare::handler", tracing::Level::ERROR) {
        use tracing::Instrument;
        supervised.instrument(group.span(&run.record, run.attempt)).await
    } else {
        supervised.await
    }
}

/// One call of the handler itself.
async fn handle<F, M>(
    job: &Job<F, M>,
    record: &Arc<Recorded>,
    attempt: u32,
    now: Duration,
    buffer: &Arc<Buffer>,
) -> Result<Sink, Ended>
where
    F: Shape<M>,
    F::In: Input,
    F::Args: Args,
    F::Out: IntoOutcome,
{
    let input = F::In::decode(record).map_err(Ended::Undecoded)?;
    let args = if F::Args::USES_CONTEXT {
        let origin = Origin::Delivered(record.clone());
        let context = Context::new(origin, attempt, now, job.group.site.clone(), buffer.clone());
        F::Args::extract(&job.prepared, &context)
    } else {
        F::Args::extract(&job.prepared, &job.blank)
    };
    let returned = job.shape.call(input, args).await;
    let mut sink = Sink::default();
    returned.into_outcome(&mut sink).map(|()| sink).map_err(Ended::Failed)
}

/// The same within the middlewares, each call of which is an attempt of its own to them.
async fn wrapped<F, M>(
    job: &Arc<Job<F, M>>,
    run: &Run,
    now: Duration,
    buffer: &Arc<Buffer>,
) -> Result<Sink, Outcome>
where
    F: Shape<M> + Send + Sync + 'static,
    F::In: Input,
    F::Args: Args,
    F::Out: IntoOutcome,
    F::Fut: Send,
    M: 'static,
{
    let call = Call {
        subscription: 0,
        handler: job.group.name().handler().into(),
        source: Source::Delivered(run.record.clone()),
        event: None,
        clock: job.group.clock.clone(),
    };
    let innermost = {
        let (job, record, attempt, buffer) = (job.clone(), run.record.clone(), run.attempt, buffer.clone());
        Next::new(move || {
            let (job, record, buffer) = (job.clone(), record.clone(), buffer.clone());
            Box::pin(async move {
                let call = AssertUnwindSafe(handle(&job, &record, attempt, now, &buffer)).catch_unwind();
                let outcome = call
                    .await
                    .unwrap_or_else(|panic| Err(Ended::Failed(Panicked(panic_text(&*panic)).into())));
                // What a failed call buffered must not go out with a later one's acknowledgement.
                outcome.map_err(|ended| {
                    drop(buffer.take());
                    match ended {
                        Ended::Failed(error) => error,
                        Ended::Undecoded(error) => Undecoded(error).into(),
                    }
                })
            })
        })
    };
    innermost.around(&job.chain, &call).run().await.map_err(|error| match error.downcast::<Undecoded>() {
        Ok(error) => Ended::Undecoded(error.0).into(),
        Err(error) => Ended::Failed(error).into(),
    })
}

/// Why a call came to no success.
enum Ended {
    Failed(BoxError),
    Undecoded(DecodeError),
}

/// A record that the handler could not take, as middlewares see it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Undecoded(DecodeError);

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Failed(error) => Self::Failed(Failed::of(&error)),
            Ended::Undecoded(DecodeError::Newer { .. }) => Self::Newer,
            Ended::Undecoded(DecodeError::Unexpected { .. }) => Self::Unexpected,
            Ended::Undecoded(error) => Self::Rejected(error.to_string().into()),
        }
    }
}

/// Makes outputs or drops them, which calls the events' own code: its panics are contained, and the driver sees that the
/// worker is busy.
fn made(slot: &Slot, make: impl FnOnce() -> Outcome) -> Outcome {
    slot.set(Doing::Polling);
    let outcome = catch_unwind(AssertUnwindSafe(make));
    slot.set(Doing::Idle);
    outcome.unwrap_or_else(|payload| Outcome::Failed(Failed::panic(&*payload)))
}

/// Returned events first, then those of the context, each with the id that follows from the delivery.
fn outputs(group: &Group, run: &Run, sink: Sink, buffered: Vec<Buffered>) -> Outcome {
    let outputs = sink.into_outputs().into_iter().map(Buffered::plain).chain(buffered).collect();
    let metadata = &run.record.message.metadata;
    let cause = Cause { metadata, group: &group.printed, handler: group.name().handler() };
    match group.encoder.caused(&cause, outputs) {
        Ok(outputs) => Outcome::Done(outputs),
        Err(NotMade::Storm(storm)) => Outcome::Rejected(storm.to_string().into()),
        Err(NotMade::Invalid(error)) => {
            Outcome::Failed(Failed::permanent(format_args!("its output cannot be published: {error}")))
        }
    }
}

pin_project_lite::pin_project! {
    /// A call whose panics are contained, which tells its slot what it does, and ends when the driver says so.
    struct Supervised<'a, Fut> {
        #[pin]
        call: Option<Fut>,
        slot: &'a Slot,
        exchange: &'a Exchange,
        handling: Option<Handling>,
        is_blocking: bool,
        is_suspended: bool,
    }
}

impl<Fut: Future<Output = Result<Sink, Outcome>>> Future for Supervised<'_, Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if *this.is_suspended {
            *this.is_suspended = false;
            this.exchange.resume();
            this.slot.set(Doing::Polling);
        }
        let is_over = |slot: &Slot| slot.is_cancelled() && !*this.is_blocking;
        let outcome = if is_over(this.slot) {
            Poll::Ready(Err(Outcome::Cancelled))
        } else {
            let _handling = Handling::enter(this.handling);
            let polled = catch_unwind(AssertUnwindSafe(|| match this.call.as_mut().as_pin_mut() {
                Some(call) => call.poll(cx),
                None => Poll::Pending,
            }));
            match polled {
                Ok(Poll::Pending) => {
                    this.slot.waker.register(cx.waker());
                    if is_over(this.slot) { Poll::Ready(Err(Outcome::Cancelled)) } else { Poll::Pending }
                }
                Ok(ready) => ready,
                Err(payload) => Poll::Ready(Err(Outcome::Failed(Failed::panic(&*payload)))),
            }
        };
        if outcome.is_pending() {
            *this.is_suspended = true;
            this.slot.set(Doing::Suspended);
            this.exchange.suspend();
            return Poll::Pending;
        }
        // Dropping what the handler holds is its code too.
        let dropped = catch_unwind(AssertUnwindSafe(|| this.call.set(None)));
        this.slot.set(Doing::Idle);
        match dropped {
            Ok(()) => outcome,
            Err(payload) => Poll::Ready(Err(Outcome::Failed(Failed::panic(&*payload)))),
        }
    }
}
