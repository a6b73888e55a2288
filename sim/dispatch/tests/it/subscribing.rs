//! The list is replaced as a whole while others read it.

use fanfare::{RawEvent, dispatch::Dispatcher};
use shuttle::thread;

use super::{Calls, beside, check, emit, listed};

#[test]
fn two_that_subscribe_at_once_are_both_there() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        let others: Vec<_> = (0..2)
            .map(|_| {
                let calls = calls.clone();
                beside(&dispatcher, move |dispatcher| drop(dispatcher.on(calls.handler())))
            })
            .collect();
        let seen = emit(&dispatcher);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!((emit(&dispatcher), listed(&dispatcher)), (2, 2));
        assert_eq!(calls.sum(), seen + 2);
    });
}

#[test]
fn one_that_leaves_takes_nobody_with_it_who_joins_meanwhile() {
    check(|| {
        let (dispatcher, stays, joins) = (Dispatcher::new(), Calls::default(), Calls::default());
        dispatcher.on(stays.handler());
        let leaver = dispatcher.on(Calls::default().handler());
        let leaves = beside(&dispatcher, move |_| assert!(leaver.unsubscribe()));
        let joined = joins.clone();
        let joiner = beside(&dispatcher, move |dispatcher| drop(dispatcher.on(joined.handler())));
        emit(&dispatcher);
        leaves.join().unwrap();
        joiner.join().unwrap();
        let before = (stays.sum(), joins.sum());
        assert_eq!((emit(&dispatcher), listed(&dispatcher)), (2, 2));
        assert_eq!((stays.sum(), joins.sum()), (before.0 + 1, before.1 + 1));
    });
}

#[test]
fn who_listens_to_everything_is_not_missed_by_a_type_that_is_met_at_the_same_time() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        let all = calls.clone();
        let joiner = beside(&dispatcher, move |dispatcher| {
            dispatcher.on(move |_: &RawEvent| all.count());
        });
        // The first emit of a type makes its node.
        let meets = beside(&dispatcher, |dispatcher| {
            emit(&dispatcher);
        });
        joiner.join().unwrap();
        meets.join().unwrap();
        let before = calls.sum();
        assert_eq!((emit(&dispatcher), calls.sum()), (1, before + 1));
    });
}

#[test]
fn a_handler_may_subscribe_and_leave_while_another_thread_emits() {
    check(|| {
        let dispatcher = Dispatcher::new();
        let within = dispatcher.clone();
        dispatcher.on(move |_: &super::Placed| {
            let guard = within.on(|_: &super::Placed| {}).guard();
            thread::yield_now();
            drop(guard);
        });
        let other = beside(&dispatcher, |dispatcher| {
            emit(&dispatcher);
        });
        emit(&dispatcher);
        other.join().unwrap();
        assert_eq!(listed(&dispatcher), 1);
    });
}
