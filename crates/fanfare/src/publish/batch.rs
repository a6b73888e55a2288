//! Several events handed over together.

use std::{
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll, ready},
};

use fanfare_core::{Error, ErrorKind, EventId, Outgoing, Publishable, Receipt, Rejected, Ticket};

use tokio::task::coop::poll_proceed;

use super::{PublishError, PublishOptions, Publisher};

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

impl IntoFuture for PublishAll<'_> {
    type Output = Answers;
    type IntoFuture = PublishingAll;

    fn into_future(self) -> PublishingAll {
        let is_refused = self.is_atomic && self.events.iter().any(Result::is_err);
        let mut places = Vec::with_capacity(self.events.len());
        let mut batch = Vec::with_capacity(self.events.len());
        for event in self.events {
            match event {
                Err(error) => places.push(Place::Failed(error)),
                Ok(outgoing) if is_refused => {
                    let error =
                        Error::new(ErrorKind::Invalid, "another event of its atomic batch was refused");
                    places.push(Place::Failed(PublishError::rejected(Rejected::new(error, outgoing))));
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
        PublishingAll { ticket, places }
    }
}

/// The future of a batch.
#[must_use = "whether the events became durable is known only when this is awaited"]
pub struct PublishingAll {
    ticket: Ticket<Vec<Result<Receipt, Rejected>>>,
    places: Vec<Place>,
}

enum Place {
    Failed(PublishError),
    Sent(EventId),
}

impl Future for PublishingAll {
    type Output = Answers;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answers> {
        let progress = ready!(poll_proceed(cx));
        let answer = ready!(Pin::new(&mut self.ticket).poll(cx));
        progress.made_progress();
        let places = std::mem::take(&mut self.places);
        let (mut answers, lost) = match answer {
            Ok(answers) => (answers.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(error)),
        };
        let lost = |id| {
            let text = lost
                .as_ref()
                .map_or_else(|| "the transport gave no answer".to_owned(), std::string::ToString::to_string);
            let kind = lost.as_ref().map_or(ErrorKind::Unknown, Error::kind);
            Err(PublishError::lost(Error::new(kind, text), Some(id)))
        };
        let all = places.into_iter().map(|place| match place {
            Place::Failed(error) => Err(error),
            Place::Sent(id) => match answers.next() {
                Some(answer) => answer.map_err(PublishError::rejected),
                None => lost(id),
            },
        });
        Poll::Ready(all.collect())
    }
}
