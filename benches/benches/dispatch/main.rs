//! The in-process dispatcher beside the floor and its peers, in interleaved rounds: nanoseconds per emit, lower is
//! better; allocations per emit; how two threads scale; what subscribers that come and go do to the tail.
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]

mod allocations;
mod floor;

use std::{
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Waker},
    thread,
    time::Instant,
};

use fanfare::{Event, dispatch::Dispatcher};
use fanfare_benches::rounds::{Contestant, interleaved, print};
use floor::Floor;

const ROUNDS: usize = 15;
const EMITS: u32 = 200_000;

#[derive(Event, Clone)]
#[event(type = "bench.tick", local)]
struct Tick {
    n: u64,
}

/// The work of every handler: adds to a cell of its own.
fn adding() -> impl Fn(&Tick) + Send + Sync + 'static {
    let sum = AtomicU64::new(0);
    move |tick: &Tick| sum.store(sum.load(Relaxed).wrapping_add(tick.n), Relaxed)
}

fn floor_of(handlers: usize) -> Floor {
    let mut floor = Floor::default();
    (0..handlers).for_each(|_| floor.on(adding()));
    floor
}

fn sync_of(handlers: usize) -> Dispatcher {
    let dispatcher = Dispatcher::new();
    (0..handlers).for_each(|_| drop(dispatcher.on(adding())));
    dispatcher
}

fn async_of(handlers: usize) -> Dispatcher {
    async fn ready(tick: Arc<Tick>) {
        black_box(tick.n);
    }
    let dispatcher = Dispatcher::new();
    (0..handlers).for_each(|_| drop(dispatcher.on(ready)));
    dispatcher
}

/// Polls a future that is ready at once.
fn now(future: impl Future) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pin!(future).poll(&mut cx).is_ready());
}

fn nanos(mut emit: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..EMITS).for_each(|_| emit());
    start.elapsed().as_nanos() as f64 / f64::from(EMITS)
}

/// Keeps the compiler from leaving out what nobody looks at.
fn look<T>(outcome: &T) {
    black_box(outcome);
}

fn tick() -> Tick {
    black_box(Tick { n: 1 })
}

fn main() -> anyhow::Result<()> {
    for handlers in [1, 11] {
        let floor = floor_of(handlers);
        let (in_sync, in_async) = (sync_of(handlers), async_of(handlers));
        let contestants = vec![
            Contestant::new("floor", || Ok(nanos(|| look(&floor.emit(&tick()))))),
            Contestant::new("emit_sync, closures", || Ok(nanos(|| look(&in_sync.emit_sync(&tick()))))),
            Contestant::new("emit, ready async handlers", || Ok(nanos(|| now(in_async.emit(tick()))))),
            Contestant::new("tokio broadcast, send + recv", broadcast(handlers)),
        ];
        print(&format!("{handlers} handlers"), "ns/emit", &interleaved(ROUNDS, contestants)?);
        let counted = |emit: &dyn Fn()| {
            emit();
            allocations::of(|| (0..1000).for_each(|_| emit())) as f64 / 1000.0
        };
        println!(
            "  allocations per emit: emit_sync {}, emit {}",
            counted(&|| look(&in_sync.emit_sync(&tick()))),
            counted(&|| now(in_async.emit(tick())))
        );
    }
    two_threads()?;
    churn();
    Ok(())
}

/// Every receiver gets the event and looks at it; one after the other, on one thread.
fn broadcast(receivers: usize) -> impl FnMut() -> anyhow::Result<f64> {
    let (sender, first) = tokio::sync::broadcast::channel(16);
    let mut all = vec![first];
    all.resize_with(receivers, || sender.subscribe());
    move || {
        Ok(nanos(|| {
            let _ = sender.send(Tick { n: 1 });
            for receiver in &mut all {
                let _ = black_box(receiver.try_recv().map(|tick| tick.n));
            }
        }))
    }
}

/// Emits per second of two threads over those of one, for one dispatcher and for two floors that share nothing.
fn two_threads() -> anyhow::Result<()> {
    let shared = sync_of(1);
    let (first, second) = (floor_of(1), floor_of(1));
    let scaling = |one: f64, two: f64| 2.0 * one / two;
    let control = || {
        let one = nanos(|| look(&first.emit(&tick())));
        let two = both(&|at: usize| look(&if at == 0 { &first } else { &second }.emit(&tick())));
        Ok(scaling(one, two))
    };
    let ours = || {
        let one = nanos(|| look(&shared.emit_sync(&tick())));
        let two = both(&|_| look(&shared.emit_sync(&tick())));
        Ok(scaling(one, two))
    };
    let contestants =
        vec![Contestant::new("two floors, unshared", control), Contestant::new("one dispatcher", ours)];
    print("two threads over one", "x", &interleaved(ROUNDS, contestants)?);
    Ok(())
}

/// Nanoseconds per emit of each of two threads that emit at the same time.
fn both(emit: &(impl Fn(usize) + Sync)) -> f64 {
    let barrier = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let run = |at| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                nanos(|| emit(at))
            })
        };
        let threads = [run(0), run(1)];
        let times = threads.map(|thread| thread.join().expect("an emitting thread ends"));
        times.into_iter().sum::<f64>() / 2.0
    })
}

/// The 99th percentile of batches of 1,000 emits, quiet and while another thread subscribes and unsubscribes.
fn churn() {
    let dispatcher = sync_of(1);
    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..10 {
        quiet.extend(batches(&dispatcher));
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    drop(dispatcher.on(adding()).guard());
                    thread::yield_now();
                }
            });
            busy.extend(batches(&dispatcher));
            is_over.store(true, Relaxed);
        });
    }
    let (quiet, busy) = (p99(quiet), p99(busy));
    println!(
        "\nsubscribers that come and go\n  p99 of 1,000 emits: quiet {quiet:.1} us, churn {busy:.1} us, x{:.2}",
        busy / quiet
    );
}

fn batches(dispatcher: &Dispatcher) -> Vec<f64> {
    let batch = || {
        let start = Instant::now();
        (0..1000).for_each(|_| look(&dispatcher.emit_sync(&tick())));
        start.elapsed().as_nanos() as f64 / 1000.0
    };
    (0..500).map(|_| batch()).collect()
}

fn p99(mut batches: Vec<f64>) -> f64 {
    batches.sort_by(f64::total_cmp);
    batches.get(batches.len() * 99 / 100).copied().unwrap_or(f64::NAN)
}
