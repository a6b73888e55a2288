//! Two threads at once: both emit, or one subscribes while the other emits.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Instant,
};

use fanfare::dispatch::Dispatcher;

use crate::{
    ROUNDS, bar,
    floor::Floor,
    rounds::{Contestant, interleaved, print},
    work::{Tick, adding, look, nanos, sync_of, tick},
};

/// Emits per second of two threads over those of one, for one dispatcher and for two floors that share nothing. The
/// handler writes nowhere: a cell that two threads write would be all that is measured.
pub(crate) fn two() -> anyhow::Result<()> {
    let shared = Dispatcher::new();
    shared.on(looking);
    let (mut first, mut second) = (Floor::default(), Floor::default());
    for floor in [&mut first, &mut second] {
        floor.on(looking);
    }
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
    // Short ones, and many: a machine whose speed changes meets both alike.
    let figures = interleaved(10 * ROUNDS, contestants)?;
    print("two threads over one", "x", &figures);
    if let [control, ours] = figures.as_slice() {
        let ratio = ours.median / control.median;
        let judged = if ratio >= 0.9 { "held" } else { "MISSED" };
        println!("  one dispatcher over the floors: {ratio:.2} (bar at least 0.9): {judged}");
    }
    Ok(())
}

fn looking(tick: &Tick) {
    look(&tick.n);
}

/// Nanoseconds per emit of each of two threads that emit at the same time.
fn both(emit: &(impl Fn(usize) + Sync)) -> f64 {
    let barrier = Barrier::new(2);
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
pub(crate) fn churn() {
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
    println!("\nsubscribers that come and go");
    bar(&format!("p99 of 1,000 emits: churn {busy:.1} us over quiet {quiet:.1} us"), busy / quiet, "x", 2.0);
}

/// Microseconds of each batch.
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
