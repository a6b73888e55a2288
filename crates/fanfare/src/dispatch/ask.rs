//! Questions: an emit whose handlers' returned events are its answers, and waiting for an event.

use std::{
    any::TypeId, fmt, future::poll_fn, marker::PhantomData, panic::Location, sync::Arc, task::Poll,
    time::Duration,
};

use fanfare_core::{Emit, Emitted, Event, Output};
use parking_lot::Mutex;

use super::{
    Dispatcher, Report, SubscriptionGuard, cause,
    dispatcher::type_name_of,
    emit,
    handler::Entry,
    listen::ByRef,
    ref_handler::RefFn,
    registration::{Options, Registration},
};

/// What handlers answered.
#[must_use = "the answers are what was asked for"]
#[derive(Debug)]
pub struct Answers<R> {
    answers: Vec<R>,
    report: Report,
}

impl<R> Answers<R> {
    /// The answers, in the order in which they came.
    pub fn into_vec(self) -> Vec<R> {
        self.answers
    }

    /// The first answer.
    pub fn into_first(self) -> Option<R> {
        self.answers.into_iter().next()
    }

    /// The answers, in the order in which they came.
    pub fn iter(&self) -> std::slice::Iter<'_, R> {
        self.answers.iter()
    }

    /// Which handlers ran and failed.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl<R> IntoIterator for Answers<R> {
    type Item = R;
    type IntoIter = std::vec::IntoIter<R>;

    fn into_iter(self) -> Self::IntoIter {
        self.answers.into_iter()
    }
}

impl<'a, R> IntoIterator for &'a Answers<R> {
    type Item = &'a R;
    type IntoIter = std::slice::Iter<'a, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Where the answers of one emit are put.
pub(crate) struct Asked {
    reply: TypeId,
    answers: Mutex<Vec<Output>>,
}

impl Asked {
    /// Keeps the answers among what a handler returned; the rest is emitted.
    pub(crate) fn keep(asked: Option<&Self>, outputs: Vec<Output>) -> Vec<Output> {
        let Some(asked) = asked else { return outputs };
        let is_answer = |output: &Output| match output {
            Output::Typed { event, .. } => (**event).type_id() == asked.reply,
            _ => false,
        };
        let (answers, rest): (Vec<_>, Vec<_>) = outputs.into_iter().partition(is_answer);
        asked.answers.lock().extend(answers);
        rest
    }
}

impl Dispatcher {
    /// Emits a request and collects the events of type `R` that its handlers return; they are not emitted in turn, other
    /// returned events are.
    ///
    /// # Cancel safety
    /// As [`Dispatcher::emit`].
    pub fn ask<R: Event, T: Emit>(
        &self,
        request: T,
    ) -> impl Future<Output = Answers<R>> + Send + use<'_, R, T> {
        let parent = cause::parent();
        async move {
            let asked = Arc::new(Asked { reply: TypeId::of::<R>(), answers: Mutex::default() });
            let within = Some(asked.clone());
            let report = match request.into_emitted() {
                Emitted::Typed(event) => emit::typed(&self.inner, event, parent, within).await,
                Emitted::Raw(event) => emit::named(&self.inner, self.inner.raw(event), parent, within).await,
            };
            let answers =
                std::mem::take(&mut *asked.answers.lock()).into_iter().filter_map(|output| match output {
                    Output::Typed { event, .. } => event.downcast::<R>().ok().map(|event| *event),
                    _ => None,
                });
            Answers { answers: answers.collect(), report }
        }
    }

    /// Waits for an event that the predicate wants, from this call on, polled or not. The dispatcher's middlewares do not
    /// go around it.
    ///
    /// # Errors
    /// When none came within `deadline`, or before the dispatcher was dropped, which the future does not keep alive.
    ///
    /// # Cancel safety
    /// Dropping the future ends its subscription.
    #[track_caller]
    pub fn expect<E, P>(
        &self,
        is_wanted: P,
        deadline: Duration,
    ) -> impl Future<Output = Result<E, Expired>> + Send + use<E, P>
    where
        E: Event + Clone,
        P: Fn(&E) -> bool + Send + Sync + 'static,
    {
        let (sender, mut receiver) = tokio::sync::oneshot::channel();
        let sender = Mutex::new(Some(sender));
        let guard = self.hear::<E>(Location::caller(), move |event| {
            if is_wanted(event) && sender.lock().is_some() {
                let event = event.clone();
                if let Some(sender) = sender.lock().take() {
                    // Nobody waits any more when it fails.
                    let _ = sender.send(event);
                }
            }
        });
        let mut over = self.inner.settings.clock.sleep(deadline);
        async move {
            let expired = |is_closed| Expired { event_type: E::TYPE, deadline, is_closed };
            let outcome = poll_fn(|cx| match std::pin::Pin::new(&mut receiver).poll(cx) {
                Poll::Ready(Ok(event)) => Poll::Ready(Ok(event)),
                // The dispatcher is gone, and its timer may be too.
                Poll::Ready(Err(_)) => Poll::Ready(Err(expired(true))),
                Poll::Pending => over.as_mut().poll(cx).map(|()| Err(expired(false))),
            })
            .await;
            drop(guard);
            outcome
        }
    }

    /// Subscribes a part of the dispatcher itself: no middleware goes around it.
    fn hear<E: Event>(
        &self,
        location: &'static Location<'static>,
        f: impl Fn(&E) + Send + Sync + 'static,
    ) -> SubscriptionGuard {
        let options = Options { is_bare: true, ..Options::default() };
        let seat = Registration { inner: &self.inner, location, options }.seat(type_name_of(&f));
        let handler = RefFn::<_, E, ByRef, ()> { f, gate: None, marker: PhantomData };
        self.inner.add_ref::<E, _>(Entry::new(seat, handler)).guard()
    }
}

/// The event that was waited for did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    event_type: &'static str,
    deadline: Duration,
    is_closed: bool,
}

impl Expired {
    /// Whether it cannot come any more, since the dispatcher was dropped; the deadline has passed otherwise.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }
}

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_type, deadline, is_closed } = self;
        match is_closed {
            false => write!(f, "no `{event_type}` that was wanted came within {deadline:?}"),
            true => write!(f, "no `{event_type}` that was wanted came before the dispatcher was dropped"),
        }
    }
}

impl std::error::Error for Expired {}
