//! No runtime is asked for: the same on an executor that knows neither timers nor threads.

use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use fanfare::{
    BlockingExt, HandlerExt, State,
    dispatch::{Dispatcher, FailureKind},
    middleware::Timeout,
};
use futures_executor::block_on;
use futures_util::FutureExt;

use super::{Placed, Story, placed};

#[test]
fn time_outs_and_deadlines_use_the_dispatchers_own_thread() {
    async fn endless(_: Arc<Placed>) {
        std::future::pending().await
    }
    let dispatcher = Dispatcher::new();
    dispatcher.on(endless.wrap(Timeout::new(Duration::from_millis(20))));
    let report = block_on(dispatcher.emit(placed(1)));
    assert_eq!(report.failures()[0].kind(), FailureKind::Timeout);
    assert!(block_on(dispatcher.expect(|_: &Placed| true, Duration::from_millis(20))).is_err());
}

#[test]
fn blocking_handlers_run_at_once_on_threads_of_their_own() {
    fn compute(order: Arc<Placed>, State(story): State<Story>) -> Result<(), String> {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        story.tell(format!("{name} {}", order.quantity));
        if order.quantity == 2 { Err("even".into()) } else { Ok(()) }
    }
    fn panics(_: Arc<Placed>) {
        panic!("on its thread")
    }
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    dispatcher.on(compute.blocking());
    dispatcher.on(panics.blocking());
    let report = block_on(dispatcher.emit(placed(2)));
    let texts: Vec<String> = report.failures().iter().map(|failure| failure.error().to_string()).collect();
    assert_eq!(texts, ["even", "on its thread"]);
    assert_eq!(story.take(), ["fanfare-blocking 2"]);
}

#[test]
fn two_blocking_handlers_overlap() {
    // Each waits for the other: one after the other, they would never end.
    let both = Arc::new(Barrier::new(2));
    let dispatcher = Dispatcher::new();
    for _ in 0..2 {
        let both = both.clone();
        let meet = move |_: Arc<Placed>| {
            both.wait();
        };
        dispatcher.on(meet.blocking());
    }
    assert_eq!(block_on(dispatcher.emit(placed(1))).ran(), 2);
}

#[test]
fn emit_sync_hands_async_handlers_to_the_executor_that_was_attached() {
    async fn told(order: Placed, State(story): State<Story>) {
        story.tell(order.quantity.to_string());
    }
    let story = Story::default();
    let (sender, tasks) = std::sync::mpsc::channel();
    let sender = parking_lot::Mutex::new(sender);
    let dispatcher = Dispatcher::builder()
        .state(story.clone())
        .spawner(move |task| sender.lock().send(task).unwrap())
        .build();
    dispatcher.on(told);
    assert_eq!(dispatcher.emit_sync(&placed(3)).handed_over(), 1);
    assert_eq!(story.take(), [""; 0]);
    tasks.recv().unwrap().now_or_never().unwrap();
    assert_eq!(story.take(), ["3"]);
}
