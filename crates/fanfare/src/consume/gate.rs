//! Suspects run alone in the process, in position order, before anything else starts.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Waker},
};

use parking_lot::Mutex;

/// Shared by all subscriptions of an application.
#[derive(Debug)]
pub(crate) struct Gate {
    is_open: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Position and subscription of each suspect that has not had its turn.
    suspects: BTreeSet<(u64, usize)>,
    waiting: Vec<Waker>,
}

impl Gate {
    /// A gate behind which these suspects, by position and subscription, come first.
    pub(crate) fn new(suspects: impl IntoIterator<Item = (u64, usize)>) -> Self {
        let suspects: BTreeSet<_> = suspects.into_iter().collect();
        let is_open = AtomicBool::new(suspects.is_empty());
        Self { is_open, state: Mutex::new(State { suspects, waiting: Vec::new() }) }
    }

    /// Whether every suspect has had its turn.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }

    /// Whether it is this suspect's turn.
    pub(crate) fn is_turn_of(&self, position: u64, subscription: usize) -> bool {
        self.state.lock().suspects.first() == Some(&(position, subscription))
    }

    /// This suspect had its turn: its handler returned, failed or timed out.
    pub(crate) fn passed(&self, position: u64, subscription: usize) {
        self.forget(|suspect| *suspect == (position, subscription));
    }

    /// No suspect of this subscription comes any more.
    pub(crate) fn leave(&self, subscription: usize) {
        self.forget(|suspect| suspect.1 == subscription);
    }

    /// Only those suspects of this subscription still come.
    pub(crate) fn keep(&self, subscription: usize, comes: impl Fn(u64) -> bool) {
        self.forget(|suspect| suspect.1 == subscription && !comes(suspect.0));
    }

    /// Wakes the task when the next turn comes.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        let mut state = self.state.lock();
        if !state.suspects.is_empty() && !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
    }

    fn forget(&self, which: impl Fn(&(u64, usize)) -> bool) {
        if self.is_open() {
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

#[cfg(test)]
mod tests {
    use super::Gate;

    #[test]
    fn suspects_have_their_turn_in_position_order_across_subscriptions() {
        let gate = Gate::new([(7, 0), (3, 1), (9, 1)]);
        assert!(!gate.is_open() && gate.is_turn_of(3, 1) && !gate.is_turn_of(7, 0));
        gate.passed(3, 1);
        assert!(gate.is_turn_of(7, 0));
        gate.leave(1);
        assert!(!gate.is_open());
        gate.passed(7, 0);
        assert!(gate.is_open());
    }
}
