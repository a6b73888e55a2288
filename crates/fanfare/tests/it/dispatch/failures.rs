//! Errors, panics and silence.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fanfare::dispatch::{Dispatcher, FailureKind};
use futures_util::FutureExt;
use parking_lot::Mutex;

use super::{Opened, Placed, placed};

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
