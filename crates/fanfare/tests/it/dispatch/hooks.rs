//! What a hook sets off calls no hook again, wherever it runs.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use fanfare::dispatch::{Builder, Dispatcher, StormGuard};
use futures_util::FutureExt;
use parking_lot::Mutex;

use super::{Cancelled, Opened, Placed, placed, until};

type Calls = Arc<AtomicUsize>;

/// A dispatcher whose `on_error` or `on_unhandled` does something with it.
fn hooked(
    add: impl FnOnce(Builder, Box<dyn Fn() + Send + Sync>) -> Builder,
    act: impl Fn(&Dispatcher) + Send + Sync + 'static,
) -> (Dispatcher, Calls) {
    let (calls, handle) = (Calls::default(), Arc::new(OnceLock::<Dispatcher>::new()));
    let (counted, inner) = (calls.clone(), handle.clone());
    let hook = move || {
        counted.fetch_add(1, Relaxed);
        act(inner.get().expect("it is built"));
    };
    let dispatcher = add(Dispatcher::builder(), Box::new(hook)).build();
    let _ = handle.set(dispatcher.clone());
    (dispatcher, calls)
}

fn on_error(builder: Builder, hook: Box<dyn Fn() + Send + Sync>) -> Builder {
    builder.on_error(move |_| hook())
}

fn on_unhandled(builder: Builder, hook: Box<dyn Fn() + Send + Sync>) -> Builder {
    builder.on_unhandled(move |_| hook())
}

/// Runs what is in the queue, and refuses what comes.
fn drain(dispatcher: &Dispatcher) {
    dispatcher.close();
    dispatcher.run().now_or_never().expect("no handler waits");
}

#[test]
fn an_event_that_on_error_enqueues_and_that_fails_does_not_call_it_again() {
    let (dispatcher, calls) = hooked(on_error, |it| it.try_enqueue(Cancelled(1)).unwrap());
    dispatcher.on(|_: &Placed| Err::<(), _>("no paper"));
    dispatcher.on(|_: &Cancelled| Err::<(), _>("no alert"));
    dispatcher.emit_sync(&placed(1)).ignore();
    drain(&dispatcher);
    assert_eq!(calls.load(Relaxed), 1);
    assert_eq!(dispatcher.emit_sync(&Cancelled(1)).failures().len(), 1);
}

#[test]
fn an_event_that_on_unhandled_enqueues_and_that_nobody_hears_does_not_call_it_again() {
    let (dispatcher, calls) = hooked(on_unhandled, |it| it.try_enqueue(Opened).unwrap());
    assert!(dispatcher.emit_sync(&Opened).is_unheard());
    drain(&dispatcher);
    assert_eq!(calls.load(Relaxed), 1);
}

#[test]
fn a_hook_that_is_told_of_a_chain_cut_in_the_queue_is_told_once() {
    let rounds = AtomicUsize::new(0);
    let (dispatcher, calls) = hooked(on_error, move |it| {
        if rounds.fetch_add(1, Relaxed) > 100 {
            // It would go on without end.
            it.close();
        }
        drop(it.try_enqueue(placed(1)));
    });
    let inner = dispatcher.clone();
    dispatcher.on(move |_: &Placed| drop(inner.try_enqueue(placed(1))));
    dispatcher.try_enqueue(placed(1)).unwrap();
    assert!(dispatcher.run().now_or_never().is_none(), "it waits for events");
    assert_eq!(calls.load(Relaxed), 1);
}

#[test]
fn an_async_handler_that_a_hook_hands_over_and_that_fails_does_not_call_it_again() {
    let tasks = Arc::new(Mutex::new(Vec::new()));
    let spawned = tasks.clone();
    let add = |builder, hook| on_error(builder, hook).spawner(move |task| spawned.lock().push(task));
    let (dispatcher, calls) = hooked(add, |it| it.emit_sync(&Cancelled(1)).ignore());
    dispatcher.on(|_: &Placed| Err::<(), _>("no paper"));
    dispatcher.on(async |_: Arc<Cancelled>| Err::<(), _>("no alert"));
    dispatcher.emit_sync(&placed(1)).ignore();
    let mut ran = 0;
    while let Some(task) = { tasks.lock().pop() } {
        task.now_or_never().expect("the handler does not wait");
        ran += 1;
        assert!(ran < 10, "it goes on");
    }
    assert_eq!((ran, calls.load(Relaxed)), (1, 1));
}

#[test]
fn the_hook_of_another_dispatcher_is_called_and_leads_back_to_none() {
    let other = Arc::new(OnceLock::<Dispatcher>::new());
    let there = other.clone();
    let (here, calls) = hooked(on_error, move |_| there.get().unwrap().try_enqueue(placed(1)).unwrap());
    let back = here.clone();
    let (there, calls_there) = hooked(on_error, move |_| back.try_enqueue(placed(1)).unwrap());
    let _ = other.set(there.clone());
    here.on(|_: &Placed| Err::<(), _>("not here"));
    there.on(|_: &Placed| Err::<(), _>("not there"));
    here.emit_sync(&placed(1)).ignore();
    drain(&there);
    drain(&here);
    assert_eq!((calls.load(Relaxed), calls_there.load(Relaxed)), (1, 1));
}

#[tokio::test]
async fn a_rate_ends_what_a_hook_spawns() {
    let guard = StormGuard::new().rate_max(3, Duration::from_secs(3600));
    let add = |builder, hook| on_error(builder, hook).storm_guard(guard);
    let (dispatcher, calls) = hooked(add, |it| {
        let it = it.clone();
        tokio::spawn(async move { it.emit(Cancelled(1)).await.ignore() });
    });
    dispatcher.on(|_: &Cancelled| Err::<(), _>("no alert"));
    dispatcher.emit(Cancelled(1)).await.ignore();
    let emitted = || dispatcher.snapshot().types.iter().map(|one| one.emitted).sum::<u64>();
    until(|| emitted() >= 5).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    // Three that failed, one that was cut and told, one that was cut.
    assert_eq!((emitted(), calls.load(Relaxed)), (5, 4));
}
