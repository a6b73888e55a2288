//! A full disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanfare_broker::{Broker, Options, testing::FaultDisk};
use fanfare_core::{BoxFuture, Clock, ErrorKind, Log, Operator, Settle, Timestamp, Transport};

use super::rig::*;

#[tokio::test]
async fn on_a_full_disk_publishers_are_refused_and_work_goes_on() {
    let disk = FaultDisk::new(3);
    let broker = Broker::open_on(disk.disk(), small()).unwrap();
    for n in 0..20 {
        put(&broker, "a", "x", n).await;
    }
    let mut subscription = join(&broker, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    let deliveries = take_all(consumer, 20).await;
    disk.set_quota(Some(disk.used()));
    let mut large = event("a", "x", 100);
    large.message.payload = vec![b'x'; 1 << 16].into();
    let refused = publish(&broker, large.clone()).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Full);
    assert!(refused.error.is_retryable());
    assert_eq!(*refused.outgoing, large);
    begin(consumer, deliveries[0].token).await.unwrap();
    let outputs = vec![large.clone()];
    let refused = settle(consumer, deliveries[0].token, Settle::Ack { outputs }).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Full);
    settle(consumer, deliveries[0].token, ack()).await.unwrap();
    for delivery in &deliveries[1..] {
        handle(consumer, delivery).await;
    }
    assert_eq!(broker.groups().await.unwrap()[0].lag, 0);
    disk.set_quota(None);
    publish(&broker, large).await.unwrap();
    drop(subscription);
    drain(broker).await;
}

#[tokio::test]
async fn what_is_due_on_a_full_disk_is_tried_again_now_and_then_and_comes_when_there_is_space() {
    let disk = FaultDisk::new(15);
    let looks = Arc::new(AtomicU64::default());
    let clock = Arc::new(Watched { looks: looks.clone(), since: tokio::time::Instant::now(), at: now() });
    let options = Options::new(clock, Arc::new(Counter::default()));
    let options = options.segment_bytes(1 << 16).reserve_bytes(1 << 14);
    let broker = Broker::open_on(disk.disk(), options).unwrap();
    let mut delayed = event("a", "x", 1);
    delayed.message.payload = vec![b'x'; 1 << 16].into();
    delayed.message.metadata.set_not_before(Some(now() + Duration::from_millis(200)));
    publish(&broker, delayed).await.unwrap();
    disk.set_quota(Some(disk.used()));
    // In its first looks it waits until the event is due; it is due long before the last of them.
    let begin = tokio::time::Instant::now();
    let all = async {
        while looks.load(Ordering::Relaxed) < 30 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("it is tried again");
    assert!(begin.elapsed() > Duration::from_millis(500), "in {:?}", begin.elapsed());
    assert_eq!(broker.end(), 0);
    disk.set_quota(None);
    let mut tail = broker.tail(&"a".parse().unwrap(), Some(broker.start())).await.unwrap();
    let come = tokio::time::timeout(Duration::from_secs(20), follow(&mut *tail, 1)).await;
    assert_eq!(come.expect("it comes").len(), 1);
}

/// The time, and how often the writer has looked at it.
#[derive(Debug)]
struct Watched {
    looks: Arc<AtomicU64>,
    since: tokio::time::Instant,
    at: Timestamp,
}

impl Clock for Watched {
    fn now(&self) -> Timestamp {
        let is_writer = std::thread::current().name() == Some("fanfare-write");
        self.looks.fetch_add(u64::from(is_writer), Ordering::Relaxed);
        self.at + self.since.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.since.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        #[allow(clippy::disallowed_methods, reason = "this is the Clock port")]
        Box::pin(tokio::time::sleep(duration))
    }
}
