//! The work that everyone does: one event, one or eleven handlers, each of which adds a number to a cell of its own.

use std::{
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Waker},
    time::Instant,
};

use fanfare::{Event, dispatch::Dispatcher};

use crate::floor::{Floor, List};

/// How many emits make one figure.
const EMITS: u32 = 200_000;

#[derive(Event, Clone)]
#[event(type = "bench.tick", local)]
pub(crate) struct Tick {
    pub(crate) n: u64,
}

pub(crate) fn tick() -> Tick {
    black_box(Tick { n: 1 })
}

/// The cell of one handler.
#[derive(Default)]
pub(crate) struct Sum(AtomicU64);

impl Sum {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }
}

pub(crate) fn adding() -> impl Fn(&Tick) + Send + Sync + 'static {
    let sum = Sum::default();
    move |tick: &Tick| sum.add(tick.n)
}

pub(crate) fn floor_of(handlers: usize) -> Floor {
    let mut floor = Floor::default();
    (0..handlers).for_each(|_| floor.on(adding()));
    floor
}

pub(crate) fn list_of(handlers: usize) -> List<Tick> {
    let mut list = List::new();
    (0..handlers).for_each(|_| list.on(adding()));
    list
}

pub(crate) fn sync_of(handlers: usize) -> Dispatcher {
    let dispatcher = Dispatcher::new();
    (0..handlers).for_each(|_| drop(dispatcher.on(adding())));
    dispatcher
}

pub(crate) fn async_of(handlers: usize) -> Dispatcher {
    let dispatcher = Dispatcher::new();
    for _ in 0..handlers {
        let sum = Arc::new(Sum::default());
        dispatcher.on(move |tick: Arc<Tick>| {
            let sum = sum.clone();
            async move { sum.add(tick.n) }
        });
    }
    dispatcher
}

/// Polls a future that is ready at once.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut cx) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("the handlers are ready at once"),
    }
}

/// Keeps the compiler from leaving out what nobody looks at.
pub(crate) fn look<T>(outcome: &T) {
    black_box(outcome);
}

/// Nanoseconds per emit.
pub(crate) fn nanos(mut emit: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..EMITS).for_each(|_| emit());
    start.elapsed().as_nanos() as f64 / f64::from(EMITS)
}
