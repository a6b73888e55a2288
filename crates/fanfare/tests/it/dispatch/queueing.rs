//! Handing over to the queue.
#![allow(clippy::disallowed_methods, reason = "tokio's paused time")]

use std::{sync::Arc, time::Duration};

use fanfare::{
    BlockingExt, Context, RawEvent, State,
    dispatch::{Dispatcher, Full, Queue, SubscribeExt},
};
use futures_util::{FutureExt, future::join};
use tokio::{sync::Notify, time::timeout};

use super::{Cancelled, Opened, Placed, Story, placed, until};

fn with_queue(queue: Queue) -> (Dispatcher, Story) {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).queue(queue).build();
    let told = story.clone();
    dispatcher.on(move |order: &Placed| told.tell(order.quantity.to_string()));
    (dispatcher, story)
}

/// What is handled of four events that are handed to a queue of two.
fn kept(full: Full) -> (Vec<bool>, Vec<String>, u64) {
    let (dispatcher, story) = with_queue(Queue::bounded(2).full(full));
    let taken = (1..=4).map(|n| dispatcher.try_enqueue(placed(n)).is_ok()).collect();
    dispatcher.close();
    dispatcher.run().now_or_never().unwrap();
    (taken, story.take(), dispatcher.dropped())
}

#[test]
fn a_full_queue_does_what_its_policy_says() {
    let lines = |lines: [&str; 2]| lines.map(str::to_owned).to_vec();
    assert_eq!(kept(Full::DropNewest), (vec![true; 4], lines(["1", "2"]), 2));
    assert_eq!(kept(Full::DropOldest), (vec![true; 4], lines(["3", "4"]), 2));
    for full in [Full::Refuse, Full::Wait] {
        assert_eq!(kept(full), (vec![true, true, false, false], lines(["1", "2"]), 0));
    }
}

#[tokio::test]
async fn enqueue_waits_for_room_and_runs_nothing_itself() {
    let (dispatcher, story) = with_queue(Queue::bounded(1));
    dispatcher.enqueue(placed(1)).await.unwrap();
    assert_eq!(story.take(), [""; 0]);
    let mut second = Box::pin(dispatcher.enqueue(placed(2)));
    assert!(second.as_mut().now_or_never().is_none());
    let driver = dispatcher.clone();
    let driver = tokio::spawn(async move { driver.run().await });
    second.await.unwrap();
    dispatcher.enqueue(placed(3)).await.unwrap();
    dispatcher.close();
    driver.await.unwrap();
    assert_eq!(story.take(), ["1", "2", "3"]);
    let refused = dispatcher.enqueue(placed(4)).await.unwrap_err();
    assert_eq!((refused.is_closed, refused.event), (true, placed(4)));
}

#[test]
fn a_thread_may_drive_the_queue_and_others_wait_for_room() {
    let (dispatcher, story) = with_queue(Queue::bounded(3));
    let driver = dispatcher.run_on_thread().unwrap();
    for n in 0..100 {
        dispatcher.enqueue_blocking(placed(n)).unwrap();
    }
    dispatcher.close();
    driver.join().unwrap();
    assert_eq!(story.take(), (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn with_concurrency_events_of_one_key_stay_in_order_and_others_overtake() {
    async fn slow(order: Arc<Placed>, State(story): State<Story>) {
        let is_slow = order.quantity == 0;
        tokio::time::sleep(Duration::from_secs(if is_slow { 10 } else { 1 })).await;
        story.tell(format!("{} {}", order.item, order.quantity));
    }
    let story = Story::default();
    let queue = Queue::bounded(100).concurrency(8);
    let dispatcher = Dispatcher::builder().state(story.clone()).queue(queue).build();
    dispatcher.on(slow);
    for (item, quantity) in [("a", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)] {
        dispatcher.enqueue(Placed { item: item.into(), quantity }).await.unwrap();
    }
    dispatcher.close();
    dispatcher.run().await;
    assert_eq!(story.take(), ["b 1", "b 2", "a 0", "a 1", "a 2"]);
}

#[test]
fn what_a_handler_enqueues_belongs_to_its_chain() {
    async fn cancelled(_: Cancelled, context: Context, State(story): State<Story>) {
        story.tell(format!("depth {}", context.metadata().causation_depth));
    }
    let (dispatcher, story) = with_queue(Queue::default());
    dispatcher.on(cancelled);
    let inner = dispatcher.clone();
    dispatcher.on(move |_: &Placed| inner.try_enqueue(Cancelled(1)).map_err(|error| error.to_string()));
    assert!(dispatcher.emit_sync(&placed(1)).is_ok());
    dispatcher.close();
    dispatcher.run().now_or_never().unwrap();
    assert_eq!(story.take(), ["1", "depth 1"]);
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_what_it_had_not_begun_in_the_queue() {
    async fn told(order: Arc<Placed>, State(story): State<Story>) {
        story.tell(format!("begun {}", order.quantity));
        if order.quantity == 1 {
            std::future::pending::<()>().await;
        }
    }
    let story = Story::default();
    let queue = Queue::bounded(100).concurrency(4);
    let dispatcher = Dispatcher::builder().state(story.clone()).queue(queue).build();
    dispatcher.on(told);
    for n in 1..=5 {
        dispatcher.try_enqueue(placed(n)).unwrap();
    }
    let mut run = Box::pin(dispatcher.run());
    assert!(run.as_mut().now_or_never().is_none());
    drop(run);
    dispatcher.close();
    dispatcher.run().await;
    assert_eq!(story.take(), ["begun 1", "begun 2", "begun 3", "begun 4", "begun 5"]);
}

#[tokio::test]
async fn two_runs_together_keep_the_order_of_a_key_and_both_end() {
    async fn told(order: Arc<Placed>, State((story, gate)): State<(Story, Arc<Notify>)>) {
        story.tell(format!("begun {} {}", order.item, order.quantity));
        gate.notified().await;
        story.tell(format!("ended {} {}", order.item, order.quantity));
    }
    let (story, gate) = (Story::default(), Arc::new(Notify::new()));
    let dispatcher = Dispatcher::builder().state((story.clone(), gate.clone())).build();
    dispatcher.on(told);
    for (item, quantity) in [("a", 1), ("a", 2), ("b", 1)] {
        dispatcher.try_enqueue(Placed { item: item.into(), quantity }).unwrap();
    }
    dispatcher.close();
    let mut runs = Box::pin(join(dispatcher.run(), dispatcher.run()));
    assert!(runs.as_mut().now_or_never().is_none());
    assert_eq!(story.take(), ["begun a 1", "begun b 1"]);
    gate.notify_one();
    assert!(runs.as_mut().now_or_never().is_none());
    assert_eq!(story.take(), ["ended a 1", "begun a 2"]);
    gate.notify_one();
    gate.notify_one();
    timeout(Duration::from_secs(30), async {
        while runs.as_mut().now_or_never().is_none() {
            gate.notify_one();
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn raw_events_of_one_key_stay_in_order_too_also_beside_typed_ones() {
    async fn slow(order: Arc<Placed>, State(story): State<Story>) {
        tokio::time::sleep(Duration::from_secs(if order.quantity == 0 { 10 } else { 1 })).await;
        story.tell(format!("{} {}", order.item, order.quantity));
    }
    let story = Story::default();
    let queue = Queue::bounded(100).concurrency(8);
    let dispatcher = Dispatcher::builder().state(story.clone()).queue(queue).build();
    dispatcher.on(slow);
    let raw = |item: &str, quantity: u32| {
        RawEvent::json("order.placed", serde_json::json!({ "item": item, "quantity": quantity }))
    };
    dispatcher.enqueue(raw("a", 0)).await.unwrap();
    dispatcher.enqueue(raw("a", 1)).await.unwrap();
    dispatcher.enqueue(Placed { item: "a".into(), quantity: 2 }).await.unwrap();
    dispatcher.enqueue(raw("b", 1)).await.unwrap();
    dispatcher.close();
    dispatcher.run().await;
    assert_eq!(story.take(), ["b 1", "a 0", "a 1", "a 2"]);
}

#[tokio::test]
async fn a_predicate_that_panics_does_not_end_the_run() {
    let (dispatcher, story) = with_queue(Queue::bounded(9));
    async fn never(_: Arc<Placed>) {}
    dispatcher.on(never.when(|_: &Placed| panic!("the predicate")));
    dispatcher.try_enqueue(placed(1)).unwrap();
    dispatcher.try_enqueue(placed(2)).unwrap();
    dispatcher.close();
    dispatcher.run().now_or_never().unwrap();
    assert_eq!(story.take(), ["1", "2"]);
}

#[tokio::test]
async fn a_handler_of_a_full_queue_is_refused_where_it_would_wait_for_itself() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().queue(Queue::bounded(1)).build();
    let (inner, told) = (dispatcher.clone(), story.clone());
    dispatcher.on(move |order: Arc<Placed>| {
        let (inner, told) = (inner.clone(), told.clone());
        async move {
            for n in 1..=2 {
                let outcome = inner.enqueue(Cancelled(n)).await;
                told.tell(format!("{} {n} {}", order.quantity, outcome.is_ok()));
            }
        }
    });
    let (inner, told) = (dispatcher.clone(), story.clone());
    let blocks = move |_: Cancelled| {
        let outcomes = [(); 2].map(|()| inner.enqueue_blocking(Opened).is_ok());
        told.tell(format!("{outcomes:?}"));
    };
    dispatcher.on(blocks.blocking());
    let driver = dispatcher.clone();
    let driver = tokio::spawn(async move { driver.run().await });
    dispatcher.enqueue(placed(7)).await.unwrap();
    until(|| story.len() == 3).await;
    dispatcher.close();
    timeout(Duration::from_secs(60), driver).await.unwrap().unwrap();
    assert_eq!(story.take(), ["7 1 true", "7 2 false", "[true, false]"]);
}

#[tokio::test]
async fn a_handler_waits_for_room_that_others_of_the_queue_will_make() {
    let (story, gate) = (Story::default(), Arc::new(Notify::new()));
    let dispatcher = Dispatcher::builder().queue(Queue::bounded(2).concurrency(2)).build();
    let (inner, told, opens) = (dispatcher.clone(), story.clone(), gate.clone());
    dispatcher.on(move |order: Arc<Placed>| {
        let (inner, told, opens) = (inner.clone(), told.clone(), opens.clone());
        async move {
            if order.quantity == 0 {
                return opens.notified().await;
            }
            for n in 1..=2 {
                told.tell(format!("{n} begins"));
                told.tell(format!("{n} {}", inner.enqueue(Cancelled(n)).await.is_ok()));
            }
        }
    });
    let driver = dispatcher.clone();
    let driver = tokio::spawn(async move { driver.run().await });
    // The second one stays behind the first, of its key.
    for (item, quantity) in [("a", 0), ("a", 0), ("b", 1)] {
        dispatcher.enqueue(Placed { item: item.into(), quantity }).await.unwrap();
    }
    until(|| story.len() == 3).await;
    assert_eq!(story.take(), ["1 begins", "1 true", "2 begins"]);
    gate.notify_one();
    until(|| story.len() == 1).await;
    assert_eq!(story.take(), ["2 true"]);
    gate.notify_one();
    dispatcher.close();
    timeout(Duration::from_secs(60), driver).await.unwrap().unwrap();
}
