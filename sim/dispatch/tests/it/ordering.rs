//! The order of a key, of the queue and of handlers in key order, however threads follow one another.

use std::sync::Arc;

use fanfare::{
    Event,
    dispatch::{Dispatcher, Queue, SubscribeExt},
};
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
