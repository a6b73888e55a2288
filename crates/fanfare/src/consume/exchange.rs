//! Where the driver and its workers meet: runs go one way, outcomes the other, under one short lock.
//!
//! Wakes are few on purpose. The driver wakes no more workers than can run at once; a worker wakes the
//! driver when it runs dry, when its handler waits for something, and before it yields. It never wakes the driver
//! and goes on with another handler: the driver would sit behind that one, on a thread that may be stuck in it.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fanfare_core::Recorded;
use parking_lot::Mutex;

use super::{outcome::Outcome, slot::Slot};

/// One attempt to be run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) task: u32,
    /// Which round of the driver it belongs to; outcomes of an earlier one are thrown away.
    pub(crate) round: u32,
    pub(crate) attempt: u32,
    pub(crate) record: Arc<Recorded>,
}

/// How one attempt ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) task: u32,
    pub(crate) round: u32,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
pub(crate) struct Exchange {
    state: Mutex<State>,
    slots: Box<[Slot]>,
    /// How many threads the runtime has: more workers need not be awake at once.
    threads: usize,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Run>,
    done: Vec<Done>,
    /// Slots that sleep.
    idle: Vec<usize>,
    /// Workers that are awake and whose handler does not wait.
    active: usize,
    /// Set while the driver sleeps.
    driver: Option<Waker>,
    is_closed: bool,
}

impl Exchange {
    pub(crate) fn new(workers: usize, threads: usize) -> Self {
        let slots = (0..workers).map(|_| Slot::default()).collect();
        // Every worker is awake until its first look.
        let state = State { active: workers, ..State::default() };
        Self { state: Mutex::new(state), slots, threads: threads.max(1) }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Hands runs to the workers.
    pub(crate) fn push(&self, runs: &mut Vec<Run>) {
        if runs.is_empty() {
            return;
        }
        let mut state = self.state.lock();
        state.ready.extend(runs.drain(..));
        self.wake_workers(state);
    }

    /// Moves outcomes into `into`, which is empty. Answers how many runs no worker has taken yet.
    pub(crate) fn collect(&self, into: &mut Vec<Done>) -> usize {
        let mut state = self.state.lock();
        state.driver = None;
        std::mem::swap(&mut state.done, into);
        state.ready.len()
    }

    /// Takes back the runs that no worker has taken yet.
    pub(crate) fn withdraw(&self, into: &mut Vec<Run>) {
        into.extend(self.state.lock().ready.drain(..));
    }

    /// Lets the driver sleep, unless there is something for it.
    pub(crate) fn park(&self, cx: &mut Context<'_>) -> bool {
        let mut state = self.state.lock();
        if !state.done.is_empty() {
            return false;
        }
        state.driver = Some(cx.waker().clone());
        true
    }

    /// Ends the workers once they are idle. What none of them has taken yet does not start any more.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        state.ready.clear();
        drop(state);
        for slot in &self.slots {
            slot.waker.wake();
        }
    }

    /// The next run for a worker, which hands in the outcome of the one before; `None` when there will be none.
    pub(crate) fn next(&self, slot: usize, done: Option<Done>) -> Next<'_> {
        Next { exchange: self, slot, done, is_asleep: false }
    }

    /// The worker's handler waits: another worker may run, and the driver gets what there is.
    pub(crate) fn suspend(&self) {
        let mut state = self.state.lock();
        state.active = state.active.saturating_sub(1);
        let driver = if state.done.is_empty() { None } else { state.driver.take() };
        self.wake_workers(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The worker is about to yield: the driver gets what there is.
    pub(crate) fn flush(&self) {
        let mut state = self.state.lock();
        let driver = if state.done.is_empty() { None } else { state.driver.take() };
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The worker's handler goes on.
    pub(crate) fn resume(&self) {
        self.state.lock().active += 1;
    }

    fn wake_workers(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let room = self.threads.saturating_sub(state.active).min(state.ready.len());
        // Nearly always none or one: woken one by one, outside the lock.
        for _ in 0..room {
            let Some(slot) = state.idle.pop() else { return };
            state.active += 1;
            parking_lot::MutexGuard::unlocked(&mut state, || {
                if let Some(slot) = self.slots.get(slot) {
                    slot.waker.wake();
                }
            });
        }
    }
}

/// See [`Exchange::next`].
pub(crate) struct Next<'a> {
    exchange: &'a Exchange,
    slot: usize,
    done: Option<Done>,
    is_asleep: bool,
}

impl Future for Next<'_> {
    type Output = Option<Run>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Run>> {
        let exchange = self.exchange;
        let slot_index = self.slot;
        let mut state = exchange.state.lock();
        if let Some(done) = self.done.take() {
            state.done.push(done);
        }
        if self.is_asleep && state.idle.contains(&slot_index) {
            // Woken by something else than work.
            if state.is_closed {
                return Poll::Ready(None);
            }
            if state.ready.is_empty() {
                return Poll::Pending;
            }
            state.idle.retain(|idle| *idle != slot_index);
            state.active += 1;
        }
        self.is_asleep = false;
        if let Some(run) = state.ready.pop_front() {
            // Under the lock: a run is always either here or in a slot, where it can be cancelled.
            if let Some(slot) = exchange.slots.get(slot_index) {
                slot.claim(run.task, run.round);
            }
            return Poll::Ready(Some(run));
        }
        if state.is_closed {
            return Poll::Ready(None);
        }
        self.is_asleep = true;
        state.idle.push(slot_index);
        state.active = state.active.saturating_sub(1);
        if let Some(slot) = exchange.slots.get(slot_index) {
            slot.waker.register(cx.waker());
        }
        let driver = if state.done.is_empty() { None } else { state.driver.take() };
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::Arc,
        task::{Context, Poll, Waker},
    };

    use fanfare_core::{Epoch, EventId, Message, Metadata, Place, Recorded, Timestamp, Topic};

    use super::{Exchange, Run};
    use crate::consume::slot::Doing;

    fn run(task: u32) -> Run {
        let metadata = Metadata::new(EventId::from("1"), "test", "a.happened");
        let message = Message::new(Topic::new("a").unwrap(), metadata, Vec::new().into());
        let place = Place::new(Epoch(1), 0, 0, 0, Timestamp::UNIX_EPOCH);
        Run { task, round: 0, attempt: 1, record: Arc::new(Recorded::new(message, place)) }
    }

    fn next(exchange: &Exchange, slot: usize) -> Poll<Option<u32>> {
        let next = pin!(exchange.next(slot, None));
        next.poll(&mut Context::from_waker(Waker::noop())).map(|run| run.map(|run| run.task))
    }

    #[test]
    fn what_no_worker_has_taken_when_it_ends_does_not_start() {
        let exchange = Exchange::new(1, 1);
        exchange.push(&mut vec![run(1), run(2)]);
        assert_eq!(next(&exchange, 0), Poll::Ready(Some(1)));
        exchange.close();
        assert_eq!(next(&exchange, 0), Poll::Ready(None));
    }

    #[test]
    fn a_run_that_a_worker_has_taken_can_be_cancelled_before_it_starts() {
        let exchange = Exchange::new(1, 1);
        exchange.push(&mut vec![run(1)]);
        assert_eq!(next(&exchange, 0), Poll::Ready(Some(1)));
        let slot = &exchange.slots()[0];
        assert_eq!((slot.doing(), slot.task()), (Doing::Polling, 1));
        slot.cancel(slot.serial());
        assert!(slot.is_cancelled());
    }
}
