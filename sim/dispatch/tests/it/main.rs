//! The concurrent part of the dispatcher, its own source, under schedules that shuttle makes up: whatever the order, a
//! subscription is neither lost nor called after it ended.

extern crate fanfare_shuttled as fanfare;

mod counting;
mod lifetimes;
mod ordering;
mod subscribing;
mod waiting;

use std::sync::Arc;

use fanfare::{Event, dispatch::Dispatcher};
use shuttle::{
    scheduler::{PctScheduler, RandomScheduler},
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

#[derive(Event, Clone)]
#[event(type = "order.placed", local)]
pub(crate) struct Placed;

/// So many schedules of each kind: at random, and with few changes of thread at the worst places.
const SCHEDULES: usize = 600;

pub(crate) fn check(story: impl Fn() + Clone + Send + Sync + 'static) {
    shuttle::Runner::new(RandomScheduler::new(SCHEDULES), Default::default()).run(story.clone());
    shuttle::Runner::new(PctScheduler::new(3, SCHEDULES), Default::default()).run(story);
}

/// Counts calls.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub(crate) fn handler(&self) -> impl Fn(&Placed) + Send + Sync + 'static {
        let calls = self.clone();
        move |_: &Placed| calls.count()
    }

    pub(crate) fn count(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    pub(crate) fn sum(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// How many subscriptions are in the list of the event.
pub(crate) fn listed(dispatcher: &Dispatcher) -> usize {
    dispatcher.snapshot().types.iter().map(|one| one.handlers.len()).sum()
}

/// Another thread that works on a clone of the dispatcher.
pub(crate) fn beside(
    dispatcher: &Dispatcher,
    work: impl FnOnce(Dispatcher) + Send + 'static,
) -> shuttle::thread::JoinHandle<()> {
    let dispatcher = dispatcher.clone();
    shuttle::thread::spawn(move || work(dispatcher))
}

pub(crate) fn emit(dispatcher: &Dispatcher) -> usize {
    dispatcher.emit_sync(&Placed).ran()
}
