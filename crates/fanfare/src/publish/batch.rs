//! Several events handed over together.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll, ready},
};

use fanfare_core::{BoxFuture, Error, ErrorKind, EventId, Outgoing, Publishable, Receipt, Rejected, Ticket};

use tokio::task::coop::poll_proceed;

use super::{PublishError, PublishOptions, Publisher, future::Patience};

/// Several events on their way; `.await` publishes them and answers each, in order.
#[must_use = "nothing is published until this is awaited"]
pub struct PublishAll<'a> {
    publisher: &'a Publisher,
    events: Vec<Result<Outgoing, PublishError>>,
    is_atomic: bool,
}

impl<'a> PublishAll<'a> {
    pub(super) fn new(publisher: &'a Publisher) -> Self {
        Self { publisher, events: Vec::new(), is_atomic: false }
    }

    /// All or none.
    pub fn atomic(mut self) -> Self {
        self.is_atomic = true;
        self
    }

    /// Adds an event, of any type.
    pub fn and<P: Publishable>(mut self, event: P) -> Self {
        self.events.push(self.publisher.encode(&event, None));
        self
    }

    /// Adds an event with options.
    pub fn and_with<P: Publishable>(mut self, event: P, options: &PublishOptions) -> Self {
        self.events.push(self.publisher.encode(&event, Some(options)));
        self
    }
}

/// Answers of a batch, in the order of its events.
type Answers = Vec<Result<Receipt, PublishError>>;

impl<'a> IntoFuture for PublishAll<'a> {
    type Output = Answers;
    type IntoFuture = PublishingAll<'a>;

    fn into_future(self) -> PublishingAll<'a> {
        let is_refused = self.is_atomic && self.events.iter().any(Result::is_err);
        let mut places = Vec::with_capacity(self.events.len());
        let mut batch = Vec::with_capacity(self.events.len());
        for event in self.events {
            match event {
                Err(error) => places.push(Place::Answered(Err(error))),
                Ok(outgoing) if is_refused => {
                    let error =
                        Error::new(ErrorKind::Invalid, "another event of its atomic batch was refused");
                    places.push(Place::Answered(Err(PublishError::rejected(Rejected::new(error, outgoing)))));
                }
                Ok(outgoing) => {
                    let metadata = &outgoing.message.metadata;
                    self.publisher.encoder().types.published(&metadata.event_type);
                    places.push(Place::Sent(metadata.id.clone()));
                    batch.push(outgoing);
                }
            }
        }
        let ticket = if batch.is_empty() {
            Ticket::ready(Ok(Vec::new()))
        } else {
            self.publisher.transport().submit(batch, self.is_atomic)
        };
        let (publisher, is_atomic) = (self.publisher, self.is_atomic);
        let state = State::Sent(ticket);
        PublishingAll { publisher, is_atomic, state, places, patience: Patience::default() }
    }
}

/// The future of a batch.
#[must_use = "whether the events became durable is known only when this is awaited"]
pub struct PublishingAll<'a> {
    publisher: &'a Publisher,
    is_atomic: bool,
    state: State,
    places: Vec<Place>,
    patience: Patience,
}

enum State {
    Sent(Ticket<Vec<Result<Receipt, Rejected>>>),
    /// Until those are handed over again for which there was no room.
    NoRoom(BoxFuture<'static, ()>, Vec<Outgoing>),
}

enum Place {
    Answered(Result<Receipt, PublishError>),
    Sent(EventId),
}

impl Future for PublishingAll<'_> {
    type Output = Answers;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answers> {
        loop {
            match &mut self.state {
                State::Sent(ticket) => {
                    let progress = ready!(poll_proceed(cx));
                    let answer = ready!(Pin::new(ticket).poll(cx));
                    progress.made_progress();
                    let again = self.answered(answer);
                    if again.is_empty() {
                        return Poll::Ready(self.answers());
                    }
                    let publisher = self.publisher;
                    self.state = State::NoRoom(self.patience.pause(publisher), again);
                }
                State::NoRoom(pause, again) => {
                    ready!(pause.as_mut().poll(cx));
                    let again = std::mem::take(again);
                    self.state = State::Sent(self.publisher.transport().submit(again, self.is_atomic));
                }
            }
        }
    }
}

impl PublishingAll<'_> {
    /// Notes what was answered to those that were sent, and gives those back for which there was no room.
    fn answered(&mut self, answer: Result<Vec<Result<Receipt, Rejected>>, Error>) -> Vec<Outgoing> {
        let (answers, lost) = match answer {
            Ok(answers) => (answers, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let is_busy = |answer: &Result<Receipt, Rejected>| {
            answer.as_ref().is_err_and(|rejected| rejected.error.kind() == ErrorKind::Busy)
        };
        let may_wait = !self.is_atomic || answers.iter().all(is_busy);
        let mut again = Vec::new();
        let mut answers = answers.into_iter();
        for place in &mut self.places {
            let Place::Sent(id) = place else { continue };
            let answer = match answers.next() {
                Some(Err(rejected)) if may_wait && rejected.error.kind() == ErrorKind::Busy => {
                    again.push(*rejected.outgoing);
                    continue;
                }
                Some(answer) => answer.map_err(PublishError::rejected),
                None => Err(lost_one(lost.as_ref(), id.clone())),
            };
            *place = Place::Answered(answer);
        }
        again
    }

    fn answers(&mut self) -> Answers {
        let answer = |place| match place {
            Place::Answered(answer) => answer,
            Place::Sent(id) => Err(lost_one(None, id)),
        };
        std::mem::take(&mut self.places).into_iter().map(answer).collect()
    }
}

fn lost_one(lost: Option<&Error>, id: EventId) -> PublishError {
    let text =
        lost.map_or_else(|| "the transport gave no answer".to_owned(), std::string::ToString::to_string);
    PublishError::lost(Error::new(lost.map_or(ErrorKind::Unknown, Error::kind), text), Some(id))
}
