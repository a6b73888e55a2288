//! Suspects run alone in the process, in position order, before anything else starts.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

use parking_lot::Mutex;

/// Shared by all subscriptions to one store in this process, also those of several applications.
#[derive(Debug)]
pub(crate) struct Gate {
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Position and subscription of each suspect that has not had its turn.
    suspects: BTreeSet<(u64, usize)>,
    /// The next subscription's number.
    next: usize,
    waiting: Vec<Waker>,
}

/// One subscription's place at a gate. Dropped, it holds nobody up any more.
#[derive(Debug)]
pub(crate) struct Seat {
    gate: Arc<Gate>,
    number: usize,
}

impl Gate {
    /// An open gate.
    pub(crate) fn new() -> Self {
        Self { is_open: AtomicBool::new(true), state: Mutex::default() }
    }

    /// A subscription joins, with the positions of its suspects. The gate closes for them; what runs already goes on.
    pub(crate) fn enter(self: Arc<Self>, suspects: &[u64]) -> Seat {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.suspects.extend(suspects.iter().map(|position| (*position, number)));
        self.is_open.store(state.suspects.is_empty(), Ordering::Release);
        drop(state);
        Seat { gate: self, number }
    }

    fn forget(&self, which: impl Fn(&(u64, usize)) -> bool) {
        if self.is_open.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state.lock();
        let before = state.suspects.len();
        state.suspects.retain(|suspect| !which(suspect));
        if state.suspects.len() == before {
            return;
        }
        self.is_open.store(state.suspects.is_empty(), Ordering::Release);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Seat {
    /// Whether every suspect has had its turn.
    pub(crate) fn is_open(&self) -> bool {
        self.gate.is_open.load(Ordering::Acquire)
    }

    /// Whether it is this suspect's turn.
    pub(crate) fn is_turn_of(&self, position: u64) -> bool {
        self.gate.state.lock().suspects.first() == Some(&(position, self.number))
    }

    /// This suspect had its turn: its handler returned, failed or timed out.
    pub(crate) fn passed(&self, position: u64) {
        self.gate.forget(|suspect| *suspect == (position, self.number));
    }

    /// No suspect of this subscription comes any more.
    pub(crate) fn leave(&self) {
        self.gate.forget(|suspect| suspect.1 == self.number);
    }

    /// Only those suspects of this subscription still come.
    pub(crate) fn keep(&self, comes: impl Fn(u64) -> bool) {
        self.gate.forget(|suspect| suspect.1 == self.number && !comes(suspect.0));
    }

    /// Wakes the task when the next turn comes.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let mut state = self.gate.state.lock();
        if !state.suspects.is_empty() && !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Gate;

    #[test]
    fn suspects_have_their_turn_in_position_order_across_subscriptions() {
        let gate = Arc::new(Gate::new());
        let (a, b) = (gate.clone().enter(&[7]), gate.enter(&[3, 9]));
        assert!(!a.is_open() && b.is_turn_of(3) && !a.is_turn_of(7));
        b.passed(3);
        assert!(a.is_turn_of(7));
        b.leave();
        assert!(!b.is_open());
        a.passed(7);
        assert!(b.is_open());
    }

    #[test]
    fn a_gate_closes_again_for_who_comes_later_and_opens_when_that_one_is_gone() {
        let gate = Arc::new(Gate::new());
        let first = gate.clone().enter(&[]);
        assert!(first.is_open());
        let later = gate.enter(&[1, 2]);
        assert!(!first.is_open());
        drop(later);
        assert!(first.is_open());
    }
}
