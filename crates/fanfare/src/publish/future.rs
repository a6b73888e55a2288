//! The future of one publish.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use fanfare_core::{BoxFuture, ErrorKind, EventId, Outgoing, Receipt, Rejected, Ticket};

use tokio::task::coop::poll_proceed;

use super::{PublishError, Publisher};

/// A publish that was handed over; completes with its receipt. Dropping it does not undo the publish, unless it waits
/// for room.
#[must_use = "whether the event became durable is known only when this is awaited"]
pub struct Publishing<'a> {
    state: State,
    /// With whom it waits for room; `None`: not at all.
    publisher: Option<&'a Publisher>,
    patience: Patience,
}

enum State {
    Failed(Option<Box<PublishError>>),
    Waiting {
        ticket: Ticket<Result<Receipt, Rejected>>,
        id: EventId,
    },
    /// Until it is handed over again.
    NoRoom {
        pause: BoxFuture<'static, ()>,
        outgoing: Option<Box<Outgoing>>,
    },
}

/// How long to wait for room: 1 ms at first, then twice as long each time, at most 20 ms.
#[derive(Debug, Default)]
pub(super) struct Patience(u32);

impl Patience {
    pub(super) fn pause(&mut self, publisher: &Publisher) -> BoxFuture<'static, ()> {
        let millis = (1 << self.0).min(20);
        self.0 = (self.0 + 1).min(5);
        publisher.encoder().clock.sleep(Duration::from_millis(millis))
    }
}

impl<'a> Publishing<'a> {
    pub(super) fn failed(error: PublishError) -> Self {
        Self::new(State::Failed(Some(Box::new(error))))
    }

    pub(super) fn waiting(ticket: Ticket<Result<Receipt, Rejected>>, id: EventId) -> Self {
        Self::new(State::Waiting { ticket, id })
    }

    fn new(state: State) -> Self {
        Self { state, publisher: None, patience: Patience::default() }
    }

    /// Waits for room with this publisher, which has handed it over.
    pub(crate) fn when_room(self, publisher: &Publisher) -> Publishing<'_> {
        Publishing { state: self.state, publisher: Some(publisher), patience: self.patience }
    }
}

impl Future for Publishing<'_> {
    type Output = Result<Receipt, PublishError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Failed(error) => {
                    let error = error.take().expect("a publish is not polled after its answer");
                    return Poll::Ready(Err(*error));
                }
                State::Waiting { ticket, id } => {
                    // In memory every answer is there at once: a loop of publishes would keep the thread for itself.
                    let progress = ready!(poll_proceed(cx));
                    let answer = ready!(Pin::new(ticket).poll(cx));
                    progress.made_progress();
                    let rejected = match answer {
                        Ok(Ok(receipt)) => return Poll::Ready(Ok(receipt)),
                        Ok(Err(rejected)) => rejected,
                        Err(error) => return Poll::Ready(Err(PublishError::lost(error, Some(id.clone())))),
                    };
                    match this.publisher {
                        Some(publisher) if rejected.error.kind() == ErrorKind::Busy => {
                            let pause = this.patience.pause(publisher);
                            this.state = State::NoRoom { pause, outgoing: Some(rejected.outgoing) };
                        }
                        _ => return Poll::Ready(Err(PublishError::rejected(rejected))),
                    }
                }
                State::NoRoom { pause, outgoing } => {
                    ready!(pause.as_mut().poll(cx));
                    let outgoing = outgoing.take().expect("it is handed over once");
                    let publisher = this.publisher.expect("without one it does not wait");
                    let id = outgoing.message.metadata.id.clone();
                    let ticket = publisher.transport().submit_one(*outgoing);
                    this.state = State::Waiting { ticket, id };
                }
            }
        }
    }
}

impl fmt::Debug for Publishing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Failed(_) => "failed",
            State::Waiting { .. } => "handed over",
            State::NoRoom { .. } => "waiting for room",
        };
        f.debug_tuple("Publishing").field(&state).finish()
    }
}
