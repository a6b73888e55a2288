//! Calls to the transport that are not answered yet, answered in the order they were made.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use fanfare_core::{Error, Ticket};

/// The answers of one call, one per item.
type Answers = Vec<Result<(), Error>>;

/// What was asked for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// That its attempt is counted.
    Begin,
    /// That it is done.
    Ack,
    /// That it counts as settled although no handler ran.
    Skip,
    /// That it is given up.
    Reject,
    /// That its key is parked behind it.
    Park,
    /// That its key is held.
    Hold,
    /// That it is remembered as waiting; the task stays.
    Retry,
    /// That it is handed back.
    Release,
}

/// One call: its ticket, and what was asked for which task.
#[derive(Debug)]
pub(crate) struct Call {
    ticket: Ticket<Answers>,
    pub(crate) items: Vec<(u32, Asked)>,
}

/// Calls under way.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    calls: VecDeque<Call>,
    spare: Vec<Vec<(u32, Asked)>>,
}

impl InFlight {
    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Adds a call; `items` is left empty, with some capacity.
    pub(crate) fn push(&mut self, ticket: Ticket<Answers>, items: &mut Vec<(u32, Asked)>) {
        let spare = self.spare.pop().unwrap_or_default();
        self.calls.push_back(Call { ticket, items: std::mem::replace(items, spare) });
    }

    /// The oldest call, once it is answered.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Call, Result<Answers, Error>)>> {
        let Some(call) = self.calls.front_mut() else { return Poll::Ready(None) };
        match Pin::new(&mut call.ticket).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(answers) => Poll::Ready(self.calls.pop_front().map(|call| (call, answers))),
        }
    }

    /// Takes a call's vector back.
    pub(crate) fn recycle(&mut self, mut call: Call) {
        call.items.clear();
        if self.spare.len() < 4 {
            self.spare.push(call.items);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.calls.clear();
    }
}
