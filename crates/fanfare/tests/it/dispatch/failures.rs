//! Errors, panics and silence.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use fanfare::{
    RawEvent,
    dispatch::{Dispatcher, FailureKind, SubscribeExt},
};
use futures_util::FutureExt;
use parking_lot::Mutex;

use super::{Cancelled, Opened, Placed, placed};

#[test]
fn errors_and_panics_stop_neither_the_others_nor_the_caller() {
    let dispatcher = Dispatcher::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = |ran: &Arc<AtomicUsize>| {
        let ran = ran.clone();
        move |_: &Placed| {
            ran.fetch_add(1, Ordering::Relaxed);
        }
    };
    async fn fails(_: Arc<Placed>) -> Result<(), String> {
        Err("no stock".into())
    }
    async fn panics(_: Arc<Placed>) {
        panic!("async boom")
    }
    dispatcher.on(|_: &Placed| Err::<(), _>("sync error"));
    dispatcher.on(count(&ran));
    dispatcher.on(|order: &Placed| assert_eq!(order.quantity, 0, "sync boom"));
    dispatcher.on(count(&ran));
    dispatcher.on(fails);
    dispatcher.on(panics);
    let counted = ran.clone();
    dispatcher.on(move |_: Arc<Placed>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    for round in 1..=3 {
        let report = dispatcher.emit(placed(1)).now_or_never().unwrap();
        assert_eq!((report.ran(), ran.load(Ordering::Relaxed)), (7, 3 * round));
        let failures: Vec<_> =
            report.failures().iter().map(|failure| (failure.kind(), failure.error().to_string())).collect();
        let (error, panic) = (FailureKind::Error, FailureKind::Panic);
        assert_eq!(
            failures,
            [
                (error, "sync error".to_owned()),
                (panic, "assertion `left == right` failed: sync boom\n  left: 1\n right: 0".to_owned()),
                (error, "no stock".to_owned()),
                (panic, "async boom".to_owned()),
            ]
        );
    }
}

#[test]
fn failures_go_to_the_hook_whose_own_panic_hurts_nobody() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = seen.clone();
    let dispatcher = Dispatcher::builder()
        .on_error(move |failure| {
            hook.lock().push(failure.to_string());
            panic!("the hook")
        })
        .build();
    fn broken(_: &Placed) -> Result<(), &'static str> {
        Err("out of paper")
    }
    dispatcher.on(broken);
    let error = dispatcher.emit_sync(&placed(1)).into_result().unwrap_err();
    assert_eq!(error.to_string(), "`broken` failed on `order.placed`: out of paper");
    assert_eq!(*seen.lock(), [error.to_string()]);
}

#[test]
fn an_event_that_nobody_hears_is_counted_and_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = told.clone();
    let dispatcher =
        Dispatcher::builder().on_unhandled(move |event_type| hook.lock().push(event_type.to_owned())).build();
    assert!(dispatcher.emit_sync(&placed(1)).is_unheard());
    assert!(dispatcher.emit(Opened).now_or_never().unwrap().is_unheard());
    drop(dispatcher.on(|_: &Placed| {}).guard());
    assert!(dispatcher.emit_sync(&placed(1)).is_unheard());
    assert_eq!(*told.lock(), ["order.placed", "door.opened", "order.placed"]);
}

#[test]
fn what_a_hook_emits_may_fail_or_be_unheard_and_calls_no_hook_again() {
    let (calls, handle) = (Arc::new(AtomicUsize::new(0)), Arc::new(OnceLock::<Dispatcher>::new()));
    let (counted, inner) = (calls.clone(), handle.clone());
    let (unheard, again) = (calls.clone(), handle.clone());
    let dispatcher = Dispatcher::builder()
        .on_error(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            // An alert whose own listener fails.
            assert_eq!(inner.get().unwrap().emit_sync(&Cancelled(1)).failures().len(), 1);
        })
        .on_unhandled(move |_| {
            unheard.fetch_add(100, Ordering::Relaxed);
            assert!(again.get().unwrap().emit_sync(&Opened).is_unheard());
        })
        .build();
    let _ = handle.set(dispatcher.clone());
    assert!(dispatcher.emit_sync(&Opened).is_unheard());
    assert_eq!(calls.swap(0, Ordering::Relaxed), 100);
    dispatcher.on(|_: &Placed| Err::<(), _>("no paper"));
    dispatcher.on(|_: &Cancelled| Err::<(), _>("no alert"));
    for _ in 0..2 {
        assert_eq!(dispatcher.emit_sync(&placed(1)).failures().len(), 1);
        assert_eq!(calls.swap(0, Ordering::Relaxed), 1);
    }
}

#[test]
fn a_hook_that_is_told_of_a_cut_chain_may_emit() {
    let (calls, handle) = (Arc::new(AtomicUsize::new(0)), Arc::new(OnceLock::<Dispatcher>::new()));
    let (counted, inner) = (calls.clone(), handle.clone());
    let dispatcher = Dispatcher::builder()
        .on_error(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            // It belongs to the chain, and is cut with it.
            inner.get().unwrap().emit_sync(&Cancelled(1)).ignore();
        })
        .build();
    let _ = handle.set(dispatcher.clone());
    dispatcher.on(|_: &Cancelled| {});
    dispatcher.on(|_: &Placed| Ok::<_, String>(placed(1)));
    assert_eq!(dispatcher.emit_sync(&placed(1)).failures().len(), 1);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn a_predicate_that_panics_wants_nothing_and_stops_nobody() {
    let (dispatcher, ran) = (Dispatcher::new(), Arc::new(AtomicUsize::new(0)));
    let counted = ran.clone();
    async fn never(_: Arc<Placed>) {}
    dispatcher.on((|_: &Placed| {}).when(|_: &Placed| panic!("the predicate")));
    dispatcher.on(never.when(|_: &Placed| panic!("the predicate")));
    dispatcher.on((|_: &RawEvent| {}).when(|_: &RawEvent| panic!("the predicate")));
    dispatcher.on(move |_: Arc<Placed>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    let report = dispatcher.emit(placed(1)).now_or_never().unwrap();
    assert_eq!((report.ran(), report.is_ok(), ran.load(Ordering::Relaxed)), (1, true, 1));
    let report = dispatcher.emit_sync(&placed(1));
    assert_eq!((report.ran(), report.failures().len()), (0, 0));
}

#[test]
fn an_error_whose_text_panics_is_a_failure_like_others() {
    #[derive(Debug)]
    struct Mute;
    impl std::fmt::Display for Mute {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    impl std::error::Error for Mute {}
    let dispatcher = Dispatcher::new();
    dispatcher.on(|_: &Placed| Err::<(), _>(Mute));
    let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
    let report = tracing::subscriber::with_default(subscriber, || dispatcher.emit_sync(&placed(1)));
    assert_eq!(report.failures().len(), 1);
}
