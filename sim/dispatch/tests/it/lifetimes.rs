//! Who left is not called, who is called once is called once, and nothing of them stays.

use std::sync::Arc;

use fanfare::dispatch::{Dispatcher, SubscribeExt};
use shuttle::{
    future::block_on,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use super::{Calls, Placed, beside, check, emit, listed};

#[test]
fn no_emit_that_begins_after_a_guard_was_dropped_calls_its_handler() {
    check(|| {
        let dispatcher = Dispatcher::new();
        let has_left = Arc::new(AtomicBool::new(false));
        // What this thread saw before it began to emit, the handler may not contradict.
        let began_after = Arc::new(AtomicBool::new(false));
        let may_not = began_after.clone();
        let guard = dispatcher
            .on(move |_: &Placed| assert!(!may_not.load(SeqCst), "called by an emit that began afterwards"))
            .guard();
        let told = has_left.clone();
        let leaver = beside(&dispatcher, move |_| {
            drop(guard);
            told.store(true, SeqCst);
        });
        for _ in 0..2 {
            let is_after = has_left.load(SeqCst);
            began_after.store(is_after, SeqCst);
            let report = dispatcher.emit_sync(&Placed);
            assert!(report.is_ok(), "{report:?}");
            assert!(!is_after || report.is_unheard());
        }
        leaver.join().unwrap();
        assert_eq!(listed(&dispatcher), 0);
    });
}

#[test]
fn what_a_handler_captured_is_free_when_its_guard_and_the_emits_are_over() {
    check(|| {
        let (dispatcher, captured) = (Dispatcher::new(), Arc::new(()));
        let inside = captured.clone();
        let guard = dispatcher
            .on(move |_: &Placed| {
                thread::yield_now();
                assert!(Arc::strong_count(&inside) > 1);
            })
            .guard();
        let other = beside(&dispatcher, |dispatcher| {
            emit(&dispatcher);
        });
        let leaver = thread::spawn(move || drop(guard));
        assert!(dispatcher.emit_sync(&Placed).is_ok());
        other.join().unwrap();
        leaver.join().unwrap();
        assert_eq!(Arc::strong_count(&captured), 1);
    });
}

#[test]
fn once_is_once_under_two_emitters_and_one_who_unsubscribes() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        let subscription = dispatcher.on(calls.handler().once());
        let other = beside(&dispatcher, |dispatcher| {
            emit(&dispatcher);
        });
        let leaver = thread::spawn(move || subscription.unsubscribe());
        emit(&dispatcher);
        other.join().unwrap();
        // Either it was called or it was unsubscribed, never both and never neither.
        assert_eq!(calls.sum() + usize::from(leaver.join().unwrap()), 1);
        assert_eq!(listed(&dispatcher), 0);
    });
}

#[test]
fn once_is_once_for_async_handlers_too() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        let counted = calls.clone();
        dispatcher.on((move |_: Arc<Placed>| {
            let counted = counted.clone();
            async move { counted.count() }
        })
        .once());
        let other = beside(&dispatcher, |dispatcher| {
            let _ = block_on(dispatcher.emit(Placed));
        });
        let _ = block_on(dispatcher.emit(Placed));
        other.join().unwrap();
        assert_eq!((calls.sum(), listed(&dispatcher)), (1, 0));
    });
}

#[test]
fn two_emits_of_one_event_do_not_share_the_slots_of_its_async_handlers() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        let counted = calls.clone();
        dispatcher.on(move |_: Arc<Placed>| {
            let counted = counted.clone();
            async move {
                thread::yield_now();
                counted.count();
            }
        });
        let other = beside(&dispatcher, |dispatcher| {
            assert_eq!(block_on(dispatcher.emit(Placed)).ran(), 1);
        });
        assert_eq!(block_on(dispatcher.emit(Placed)).ran(), 1);
        other.join().unwrap();
        assert_eq!((emit_async(&dispatcher), calls.sum()), (1, 3));
    });
}

fn emit_async(dispatcher: &Dispatcher) -> usize {
    block_on(dispatcher.emit(Placed)).ran()
}

#[test]
fn a_weak_subscription_is_swept_with_its_owner_and_nobody_else_with_it() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        let owner = Arc::new(());
        dispatcher.on_weak(&owner, |(), _: &Placed| {});
        let forgets = thread::spawn(move || drop(owner));
        let joined = calls.clone();
        let joiner = beside(&dispatcher, move |dispatcher| drop(dispatcher.on(joined.handler())));
        let other = beside(&dispatcher, |dispatcher| {
            emit(&dispatcher);
        });
        emit(&dispatcher);
        for thread in [forgets, joiner, other] {
            thread.join().unwrap();
        }
        let before = calls.sum();
        assert_eq!(emit(&dispatcher), 1);
        assert_eq!((listed(&dispatcher), calls.sum()), (1, before + 1));
    });
}
