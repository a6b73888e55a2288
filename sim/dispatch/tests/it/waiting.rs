//! The dispatcher's own threads: who waits for time is woken, and what is handed to the pool is run.

use std::{sync::Arc, time::Duration};

use fanfare::{
    BlockingExt,
    dispatch::{Dispatcher, SubscribeExt},
};
use shuttle::{
    future::{block_on, yield_now},
    thread,
};

use super::{Calls, Placed, beside, check, emit};

#[test]
fn all_who_wait_are_woken_by_the_event_or_by_the_time() {
    check(|| {
        let dispatcher = Dispatcher::new();
        let waits = [1, 3, 2].map(|secs| {
            let expected = dispatcher.expect(|_: &Placed| true, Duration::from_secs(secs));
            thread::spawn(move || block_on(expected).is_ok())
        });
        let heard = emit(&dispatcher);
        let came = waits.map(|wait| usize::from(wait.join().unwrap())).iter().sum::<usize>();
        assert!(came <= heard, "{came} saw an event that {heard} heard");
    });
}

#[test]
fn nobody_comes_and_all_who_wait_are_woken_by_the_time() {
    check(|| {
        let dispatcher = Dispatcher::new();
        let waits = [2, 1].map(|secs| {
            let expected = dispatcher.expect(|_: &Placed| true, Duration::from_secs(secs));
            thread::spawn(move || block_on(expected).err().map(|expired| expired.is_closed()))
        });
        let closed = waits.map(|wait| wait.join().unwrap());
        assert_eq!(closed, [Some(false), Some(false)]);
    });
}

#[test]
fn a_handler_that_takes_too_long_is_ended_and_the_others_go_on() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        dispatcher.on((|_: Arc<Placed>| std::future::pending::<()>()).timeout(Duration::from_secs(2)));
        let counted = calls.clone();
        dispatcher.on(move |_: Arc<Placed>| {
            let counted = counted.clone();
            async move {
                yield_now().await;
                counted.count();
            }
        });
        let other = beside(&dispatcher, |dispatcher| {
            assert_eq!(block_on(dispatcher.emit(Placed)).failures().len(), 1);
        });
        assert_eq!(block_on(dispatcher.emit(Placed)).failures().len(), 1);
        other.join().unwrap();
        assert_eq!(calls.sum(), 2);
    });
}

#[test]
fn what_blocks_is_run_once_on_a_thread_of_the_pool() {
    check(|| {
        let (dispatcher, calls) = (Dispatcher::new(), Calls::default());
        let counted = calls.clone();
        let blocks = move |_: Arc<Placed>| {
            thread::yield_now();
            counted.count();
        };
        dispatcher.on(blocks.blocking());
        let others = [(); 2].map(|()| {
            beside(&dispatcher, |dispatcher| {
                for _ in 0..2 {
                    assert_eq!(block_on(dispatcher.emit(Placed)).ran(), 1);
                }
            })
        });
        assert_eq!(block_on(dispatcher.emit(Placed)).ran(), 1);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(calls.sum(), 5);
    });
}
