//! What goes on while a sync runs, and what waits for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare_broker::{Broker, testing::FaultDisk};
use fanfare_core::{ErrorKind, Log, Settle, Transport};

use super::rig::*;

/// Work that is done while a sync runs, and what came of it.
async fn during_a_sync<T: Send + 'static>(
    disk: &FaultDisk,
    broker: &Arc<Broker>,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let outcome = Arc::new(Mutex::new(None));
    let place = outcome.clone();
    disk.during_next_sync(move || *place.lock().unwrap() = Some(work()));
    publish(broker, event("during", "sync", 1)).await.unwrap();
    outcome.lock().unwrap().take().expect("the sync ran")
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_and_settlements_do_not_wait_for_a_running_sync() {
    let disk = FaultDisk::new(4);
    let broker = Arc::new(Broker::open_on(disk.disk(), small()).unwrap());
    put(&broker, "a", "x", 1).await;
    let mut subscription = join(&broker, "h", &["a"]).await;
    let delivery = take(&mut *subscription.consumer, 1).await.pop().unwrap();
    let runtime = tokio::runtime::Handle::current();
    let answers = during_a_sync(&disk, &broker, move || {
        runtime.block_on(async {
            let consumer = &mut *subscription.consumer;
            begin(consumer, delivery.token).await.unwrap();
            settle(consumer, delivery.token, ack()).await
        })
    });
    tokio::time::timeout(Duration::from_secs(20), answers).await.expect("nothing waits").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_resumed_is_delivered_once_and_not_before_its_sync() {
    let disk = FaultDisk::new(14);
    let broker = Arc::new(Broker::open_on(disk.disk(), small()).unwrap());
    put(&broker, "a", "x", 0).await;
    let mut subscription = join(&broker, "h", &["a"]).await;
    let delivery = take(&mut *subscription.consumer, 1).await.pop().unwrap();
    settle(&mut *subscription.consumer, delivery.token, Settle::Hold).await.unwrap();
    put(&broker, "a", "x", 1).await;
    drop(subscription);
    let mut subscription = join(&broker, "h", &["a"]).await;
    let held = subscription.held[0].clone();
    let (sender, runtime) = (broker.clone(), tokio::runtime::Handle::current());
    let (resumed, mut subscription, unsynced) = during_a_sync(&disk, &broker, move || {
        runtime.block_on(async move {
            let unsynced = sender.submit(vec![event("a", "x", 2)], false);
            assert_eq!(subscription.consumer.resume(&held).await.unwrap(), 3);
            let resumed = take(&mut *subscription.consumer, 9).await;
            assert!(is_idle(&mut *subscription.consumer).await);
            (resumed, subscription, unsynced)
        })
    })
    .await;
    // Position 2 is of the event whose sync ran.
    assert_eq!(positions(&resumed), [0, 1]);
    unsynced.await.unwrap();
    let consumer = &mut *subscription.consumer;
    let rest = take(consumer, 9).await;
    assert_eq!(positions(&rest), [3]);
    for delivery in resumed.iter().chain(&rest) {
        handle(consumer, delivery).await;
    }
    put(&broker, "a", "x", 3).await;
    assert_eq!(positions(&take(consumer, 9).await), [4], "nothing comes twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_limit_of_what_waits_a_publish_is_refused_and_handed_back() {
    let disk = FaultDisk::new(5);
    let broker = Arc::new(Broker::open_on(disk.disk(), small().inbox_calls_max(3)).unwrap());
    put(&broker, "a", "x", 1).await;
    let (sender, runtime) = (broker.clone(), tokio::runtime::Handle::current());
    let tickets = during_a_sync(&disk, &broker, move || {
        let _entered = runtime.enter();
        (0..5).map(|n| sender.submit(vec![event("b", "x", n)], false)).collect::<Vec<_>>()
    })
    .await;
    let mut refused = 0;
    for ticket in tickets {
        if let Err(rejected) = ticket.await.unwrap().pop().unwrap() {
            assert_eq!(rejected.error.kind(), ErrorKind::Busy);
            assert_eq!(rejected.outgoing.message.topic.as_str(), "b");
            refused += 1;
        }
    }
    assert_eq!(refused, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_publishers_that_await_their_receipts_all_come_to_their_end() {
    let disk = FaultDisk::new(7);
    let broker = Arc::new(Broker::open_on(disk.disk(), small().segment_bytes(1 << 22)).unwrap());
    let publish_all = |task: u64| {
        let broker = broker.clone();
        tokio::spawn(async move {
            for n in 0..200 {
                put(&broker, "a", &task.to_string(), n).await;
            }
        })
    };
    let tasks: Vec<_> = (0..64).map(publish_all).collect();
    let all = async {
        for task in tasks {
            task.await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(100), all).await.expect("nobody waits for ever");
    assert_eq!(broker.end(), 64 * 200);
    disk.kill();
}
