//! One concrete future for every answer of a transport, so that ports stay dyn-safe without a boxed
//! future per message.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{Error, ErrorKind};

/// The answer to a call of a port. Dropping it does not undo the call.
#[must_use = "the call's outcome is known only when its ticket is awaited"]
#[derive(Debug)]
pub struct Ticket<T>(Inner<T>);

#[derive(Debug)]
enum Inner<T> {
    Ready(Option<Result<T, Error>>),
    Waiting(oneshot::Receiver<Result<T, Error>>),
    /// For the first answer of several.
    First(oneshot::Receiver<Result<Vec<T>, Error>>),
}

/// The other end of a [`Ticket`]. Dropped without an answer, the ticket fails with kind `Unknown`.
#[derive(Debug)]
pub struct Promise<T>(oneshot::Sender<Result<T, Error>>);

impl<T> Ticket<T> {
    /// An answer that is known at once.
    pub fn ready(answer: Result<T, Error>) -> Self {
        Self(Inner::Ready(Some(answer)))
    }

    /// An answer that somebody else gives.
    pub fn pair() -> (Promise<T>, Self) {
        let (sender, receiver) = oneshot::channel();
        (Promise(sender), Self(Inner::Waiting(receiver)))
    }
}

impl<T> Ticket<Vec<T>> {
    /// The first answer alone, where one was asked for.
    pub fn first(self) -> Ticket<T> {
        Ticket(match self.0 {
            Inner::Ready(answers) => Inner::Ready(answers.map(first_of)),
            Inner::Waiting(receiver) => Inner::First(receiver),
            // Nobody asks for a list of lists: the first of the first.
            Inner::First(_) => Inner::Ready(Some(Err(Error::new(ErrorKind::Unsupported, "a list of lists")))),
        })
    }
}

fn first_of<T>(answers: Result<Vec<T>, Error>) -> Result<T, Error> {
    answers?.into_iter().next().ok_or_else(|| Error::new(ErrorKind::Unknown, "the transport gave no answer"))
}

impl<T> Promise<T> {
    /// Gives the answer. It is dropped when nobody waits any more.
    pub fn fulfil(self, answer: Result<T, Error>) {
        drop(self.0.send(answer));
    }
}

impl<T> Unpin for Ticket<T> {}

impl<T> Future for Ticket<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Inner::Ready(answer) => {
                Poll::Ready(answer.take().expect("a ticket is not polled after its answer"))
            }
            Inner::Waiting(receiver) => {
                Pin::new(receiver).poll(cx).map(|answer| answer.unwrap_or_else(|_| Err(ended())))
            }
            Inner::First(receiver) => {
                Pin::new(receiver).poll(cx).map(|answers| answers.map_or_else(|_| Err(ended()), first_of))
            }
        }
    }
}

fn ended() -> Error {
    Error::new(
        ErrorKind::Unknown,
        "the transport ended before it answered; it is not known whether the call took effect",
    )
}
