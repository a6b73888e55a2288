//! Subscriptions to events of many types: by filter, to everything, to the variants of an enum. Each stands once by
//! itself and is stood for in the list of every event type that it takes.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
};

use fanfare_core::{Accepts, TopicFilter};

use super::{
    handler::{Entry, RefHandler, Seat, Slot, TaskHandler, Trouble},
    node::{RefEntry, TaskEntry, of_seat},
    snapshot::HandlerSnapshot,
    subject::{AnySubject, Subject},
};

/// A subscription to events of many types.
#[derive(Clone)]
pub(crate) struct Wild {
    pub(crate) accepts: Accepts,
    /// Any of them; none: all.
    pub(crate) filters: Arc<[TopicFilter]>,
    pub(crate) handler: WildHandler,
}

#[derive(Clone)]
pub(crate) enum WildHandler {
    Ref(Arc<Entry<dyn RefHandler<dyn AnySubject>>>),
    Task(Arc<Entry<dyn TaskHandler<dyn AnySubject>>>),
}

impl Wild {
    pub(crate) fn takes(&self, event_type: &str) -> bool {
        self.accepts.accepts(event_type)
            && (self.filters.is_empty() || self.filters.iter().any(|filter| filter.matches(event_type)))
    }

    pub(crate) fn is_gone(&self) -> bool {
        match &self.handler {
            WildHandler::Ref(entry) => entry.is_gone(),
            WildHandler::Task(entry) => entry.is_gone(),
        }
    }

    pub(crate) fn snapshot(&self) -> HandlerSnapshot {
        // It is asked on each call, and counts them.
        let called = |seat: &Seat| seat.called.load(Relaxed);
        match &self.handler {
            WildHandler::Ref(entry) => of_seat(&entry.seat, false, called(&entry.seat)),
            WildHandler::Task(entry) => of_seat(&entry.seat, true, called(&entry.seat)),
        }
    }

    /// What stands for it in a list.
    pub(crate) fn entry<S: Subject>(&self) -> Result<RefEntry<S>, TaskEntry<S>> {
        match &self.handler {
            WildHandler::Ref(entry) => Ok(Entry::standing_for(entry.seat.clone(), StandIn(entry.clone()))),
            WildHandler::Task(entry) => Err(Entry::standing_for(entry.seat.clone(), StandIn(entry.clone()))),
        }
    }
}

struct StandIn<H: ?Sized>(Arc<Entry<H>>);

impl<S: Subject> RefHandler<S> for StandIn<dyn RefHandler<dyn AnySubject>> {
    fn call(&self, event: &S, trouble: &mut Option<Trouble>) -> bool {
        self.0.handler.call(event, trouble)
    }

    fn is_wanted(&self, event: &S) -> bool {
        self.0.admit(|| self.0.handler.is_wanted(event))
    }

    fn is_over(&self) -> bool {
        self.0.is_gone()
    }
}

impl<S: Subject> TaskHandler<S> for StandIn<dyn TaskHandler<dyn AnySubject>> {
    fn slot(&self) -> Pin<Box<dyn Slot<S>>> {
        Box::pin(StandInSlot(self.0.handler.slot()))
    }

    fn is_wanted(&self, event: &S) -> bool {
        self.0.admit(|| self.0.handler.is_wanted(event))
    }

    fn would_take(&self, event: &S) -> bool {
        self.0.would_admit(|| self.0.handler.would_take(event))
    }

    fn is_over(&self) -> bool {
        self.0.is_gone()
    }
}

struct StandInSlot(Pin<Box<dyn Slot<dyn AnySubject>>>);

impl<S: Subject> Slot<S> for StandInSlot {
    fn run(
        mut self: Pin<&mut Self>,
        event: &Arc<S>,
        cx: &mut Context<'_>,
        trouble: &mut Option<Trouble>,
    ) -> Poll<bool> {
        let event: Arc<dyn AnySubject> = event.clone();
        self.0.as_mut().run(&event, cx, trouble)
    }

    fn line_up(mut self: Pin<&mut Self>, event: &Arc<S>) {
        let event: Arc<dyn AnySubject> = event.clone();
        self.0.as_mut().line_up(&event);
    }

    fn clear(mut self: Pin<&mut Self>) {
        self.0.as_mut().clear();
    }
}
