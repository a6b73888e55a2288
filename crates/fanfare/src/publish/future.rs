//! The future of one publish.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use fanfare_core::{EventId, Receipt, Rejected, Ticket};

use tokio::task::coop::poll_proceed;

use super::PublishError;

/// A publish that was handed over; completes with its receipt. Dropping it does not undo the publish.
#[must_use = "whether the event became durable is known only when this is awaited"]
#[derive(Debug)]
pub struct Publishing(State);

#[derive(Debug)]
enum State {
    Failed(Option<Box<PublishError>>),
    Waiting { ticket: Ticket<Result<Receipt, Rejected>>, id: EventId },
}

impl Publishing {
    pub(super) fn failed(error: PublishError) -> Self {
        Self(State::Failed(Some(Box::new(error))))
    }

    pub(super) fn waiting(ticket: Ticket<Result<Receipt, Rejected>>, id: EventId) -> Self {
        Self(State::Waiting { ticket, id })
    }
}

impl Future for Publishing {
    type Output = Result<Receipt, PublishError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Failed(error) => {
                let error = error.take().expect("a publish is not polled after its answer");
                Poll::Ready(Err(*error))
            }
            State::Waiting { ticket, id } => {
                // In memory every answer is there at once: a loop of publishes would keep the thread for itself.
                let progress = ready!(poll_proceed(cx));
                let answer = ready!(Pin::new(ticket).poll(cx));
                progress.made_progress();
                Poll::Ready(match answer {
                    Ok(Ok(receipt)) => Ok(receipt),
                    Ok(Err(rejected)) => Err(PublishError::rejected(rejected)),
                    Err(error) => Err(PublishError::lost(error, Some(id.clone()))),
                })
            }
        }
    }
}
