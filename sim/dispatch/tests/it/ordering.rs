//! The order of a key, of the queue and of handlers in key order, however threads follow one another.

use std::sync::Arc;

use fanfare::{
    Event, HandlerExt,
    dispatch::{Dispatcher, Queue, SubscribeExt},
    middleware::Resequence,
};
use fanfare_testkit::Still;
use futures_util::FutureExt;
use shuttle::{
    future::{block_on, yield_now},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use super::{beside, check};

#[derive(Event, Clone)]
#[event(type = "step.taken", key = walk, local)]
struct Step {
    walk: u8,
    number: usize,
}

/// What was begun, and how many run at a time.
#[derive(Clone, Default)]
struct Walk {
    begun: Arc<Mutex<Vec<usize>>>,
    running: Arc<AtomicUsize>,
}

impl Walk {
    /// A handler that gives others a chance to come in between.
    fn handler(
        &self,
    ) -> impl Fn(Arc<Step>) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static {
        let walk = self.clone();
        move |step: Arc<Step>| {
            let walk = walk.clone();
            Box::pin(async move {
                assert_eq!(walk.running.fetch_add(1, SeqCst), 0, "one of a key at a time");
                walk.begun.lock().expect("no handler panics").push(step.number);
                yield_now().await;
                walk.running.fetch_sub(1, SeqCst);
            })
        }
    }

    fn begun(&self) -> Vec<usize> {
        std::mem::take(&mut self.begun.lock().expect("no handler panics"))
    }
}

#[test]
fn two_that_drive_a_queue_keep_the_order_of_a_key_lose_nothing_and_end() {
    check(|| {
        let walk = Walk::default();
        let dispatcher = Dispatcher::builder().queue(Queue::bounded(2).concurrency(2)).build();
        dispatcher.on(walk.handler());
        let drivers = [(); 2].map(|()| beside(&dispatcher, |dispatcher| block_on(dispatcher.run())));
        for number in 0..3 {
            block_on(dispatcher.enqueue(Step { walk: 1, number })).unwrap();
        }
        dispatcher.close();
        drivers.into_iter().for_each(|driver| driver.join().unwrap());
        assert_eq!(walk.begun(), [0, 1, 2]);
    });
}

#[test]
fn in_key_order_two_emitters_take_turns() {
    check(|| {
        let (dispatcher, walk) = (Dispatcher::new(), Walk::default());
        dispatcher.on(walk.handler().in_key_order());
        let other = beside(&dispatcher, |dispatcher| {
            for number in 10..12 {
                assert_eq!(block_on(dispatcher.emit(Step { walk: 1, number })).ran(), 1);
            }
        });
        for number in 0..2 {
            assert_eq!(block_on(dispatcher.emit(Step { walk: 1, number })).ran(), 1);
        }
        other.join().unwrap();
        let begun = walk.begun();
        let of = |begun: &[usize], is_other: bool| -> Vec<usize> {
            begun.iter().copied().filter(|number| (*number >= 10) == is_other).collect()
        };
        assert_eq!((of(&begun, false), of(&begun, true)), (vec![0, 1], vec![10, 11]));
    });
}

#[test]
fn what_three_emit_out_of_order_is_handled_in_order() {
    check(|| {
        let dispatcher = Dispatcher::builder().clock(Arc::new(Still)).build();
        let walk = Walk::default();
        dispatcher.on(walk.handler().wrap(Resequence::by(0, |step: &Step| step.number as u64)));
        let others = [2, 1].map(|number| {
            beside(&dispatcher, move |dispatcher| {
                assert_eq!(block_on(dispatcher.emit(Step { walk: 1, number })).ran(), 1);
            })
        });
        assert_eq!(block_on(dispatcher.emit(Step { walk: 1, number: 0 })).ran(), 1);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(walk.begun(), [0, 1, 2]);
    });
}

#[test]
fn one_that_gives_up_its_place_holds_up_nobody_behind_it() {
    check(|| {
        let dispatcher = Dispatcher::new();
        let begun = Arc::new(Mutex::new(Vec::new()));
        let told = begun.clone();
        let handler = move |step: Arc<Step>| {
            told.lock().expect("no handler panics").push(step.number);
            yield_now()
        };
        dispatcher.on(handler.wrap(Resequence::by(0, |step: &Step| step.number as u64)));
        let leaver = beside(&dispatcher, |dispatcher| {
            let mut emit = Box::pin(dispatcher.emit(Step { walk: 1, number: 1 }));
            assert!(emit.as_mut().now_or_never().is_none_or(|report| report.ran() == 1));
        });
        let other = beside(&dispatcher, |dispatcher| {
            assert_eq!(block_on(dispatcher.emit(Step { walk: 1, number: 2 })).ran(), 1);
        });
        assert_eq!(block_on(dispatcher.emit(Step { walk: 1, number: 0 })).ran(), 1);
        leaver.join().unwrap();
        other.join().unwrap();
        let begun = begun.lock().expect("no handler panics");
        assert!(begun.contains(&0) && begun.contains(&2), "{begun:?}");
    });
}
