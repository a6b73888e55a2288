//! Handlers of one event type where an event of its name is emitted raw: they get what it decodes to.

use std::{
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::Event;

use super::{
    handler::{Entry, RefHandler, Slot, TaskHandler, Trouble},
    node::{RefEntry, TaskEntry},
    subject::Named,
};

/// What stands for a handler of `&E`.
pub(crate) fn of_ref<E: Event>(entry: &RefEntry<E>) -> RefEntry<Named> {
    Entry::standing_for(entry.seat.clone(), Decoding(entry.clone(), PhantomData))
}

/// What stands for an async handler of `E`.
pub(crate) fn of_task<E: Event>(entry: &TaskEntry<E>) -> TaskEntry<Named> {
    Entry::standing_for(entry.seat.clone(), Decoding(entry.clone(), PhantomData))
}

struct Decoding<E, H: ?Sized>(Arc<Entry<H>>, PhantomData<fn(E)>);

impl<E: Event, H: ?Sized> Decoding<E, H> {
    fn is_admitted(&self, event: &Named, is_wanted: impl Fn(&E) -> bool) -> bool {
        // One that does not decode is let through, to fail where it is seen.
        let is_wanted = || event.decoded::<E>().map_or(true, |event| is_wanted(&event));
        self.0.is_plain() || self.0.admit(is_wanted)
    }
}

impl<E: Event> RefHandler<Named> for Decoding<E, dyn RefHandler<E>> {
    fn call(&self, event: &Named, trouble: &mut Option<Trouble>) -> bool {
        match event.decoded::<E>() {
            Ok(event) => self.0.handler.call(&event, trouble),
            Err(error) => {
                *trouble = Some(Trouble::Failed(error.into()));
                false
            }
        }
    }

    fn is_wanted(&self, event: &Named) -> bool {
        self.is_admitted(event, |event| self.0.handler.is_wanted(event))
    }

    fn is_over(&self) -> bool {
        self.0.is_gone()
    }
}

impl<E: Event> TaskHandler<Named> for Decoding<E, dyn TaskHandler<E>> {
    fn slot(&self) -> Pin<Box<dyn Slot<Named>>> {
        Box::pin(DecodingSlot { slot: self.0.handler.slot(), event: None })
    }

    fn is_wanted(&self, event: &Named) -> bool {
        self.is_admitted(event, |event| self.0.handler.is_wanted(event))
    }

    fn would_take(&self, event: &Named) -> bool {
        let is_wanted = || event.decoded::<E>().map_or(true, |event| self.0.handler.would_take(&event));
        self.0.would_admit(is_wanted)
    }

    fn is_over(&self) -> bool {
        self.0.is_gone()
    }
}

struct DecodingSlot<E> {
    slot: Pin<Box<dyn Slot<E>>>,
    event: Option<Arc<E>>,
}

impl<E: Event> Slot<Named> for DecodingSlot<E> {
    fn run(
        mut self: Pin<&mut Self>,
        event: &Arc<Named>,
        cx: &mut Context<'_>,
        trouble: &mut Option<Trouble>,
    ) -> Poll<bool> {
        let this = &mut *self;
        let decoded = match &this.event {
            Some(decoded) => decoded,
            None => match event.decoded::<E>() {
                Ok(decoded) => this.event.insert(decoded),
                Err(error) => {
                    *trouble = Some(Trouble::Failed(error.into()));
                    return Poll::Ready(false);
                }
            },
        };
        let polled = this.slot.as_mut().run(decoded, cx, trouble);
        if polled.is_ready() {
            this.event = None;
        }
        polled
    }

    fn line_up(mut self: Pin<&mut Self>, event: &Arc<Named>) {
        if let Ok(decoded) = event.decoded::<E>() {
            self.slot.as_mut().line_up(&decoded);
            self.event = Some(decoded);
        }
    }

    fn clear(mut self: Pin<&mut Self>) {
        self.event = None;
        self.slot.as_mut().clear();
    }
}
