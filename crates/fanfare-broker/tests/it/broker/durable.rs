//! What holds in files: across restarts, on a full or failing disk, while a sync runs.

use std::{
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use fanfare_broker::{Broker, Options, SyncPolicy, testing::FaultDisk};
use fanfare_core::{
    AttemptRecord, BoxFuture, Clock, Durability, ErrorKind, KeyRange, Log, Operator, Settle, Timestamp,
    Transport,
};

use super::rig::*;

fn small() -> Options {
    options().segment_bytes(1 << 16).reserve_bytes(1 << 14).lock_wait(Duration::ZERO)
}

async fn drain(broker: Broker) {
    broker.drain(Duration::from_secs(20)).await.unwrap();
}

#[tokio::test]
async fn a_byte_that_changes_under_a_running_broker_is_refused_and_its_neighbours_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let first = Broker::open(folder.path(), small()).await.unwrap();
    for n in 0..3 {
        put(&first, "a", &format!("key{n}"), 1_000 + n).await;
    }
    drain(first).await;
    let second = Broker::open(folder.path(), small()).await.unwrap();
    let of = |key: &'static str| second.read_key(&"a".parse().unwrap(), key, KeyRange::from(1, 9));
    flip_where(folder.path(), b"1001");
    let error = of("key1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("restore the folder from a backup"), "{error}");
    assert_eq!(&*of("key0").await.unwrap()[0].message.payload, b"1000");
    assert_eq!(&*of("key2").await.unwrap()[0].message.payload, b"1002");
    drain(second).await;
}

/// Changes the last of these bytes in the journal.
fn flip_where(folder: &Path, what: &[u8]) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let place = bytes.windows(what.len()).rposition(|window| window == what);
        let is_segment = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("journal"));
        if let Some(at) = place.filter(|_| is_segment) {
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            let last = at + what.len() - 1;
            return file.write_all_at(&[bytes[last] ^ 1], last as u64).unwrap();
        }
    }
    panic!("no file holds these bytes");
}

#[tokio::test]
async fn a_restart_finds_events_groups_attempts_and_repeats() {
    let folder = tempfile::tempdir().unwrap();
    let first = Broker::open(folder.path(), small()).await.unwrap();
    for n in 0..6 {
        put(&first, "a", if n % 2 == 0 { "x" } else { "y" }, n).await;
    }
    let mut subscription = join(&first, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    let deliveries = take_all(consumer, 6).await;
    handle(consumer, &deliveries[0]).await;
    handle(consumer, &deliveries[2]).await;
    begin(consumer, deliveries[1].token).await.unwrap();
    let failed = AttemptRecord::new(1, Timestamp::UNIX_EPOCH, "no");
    let retry = Settle::Retry { after: Duration::from_secs(60), failed: Some(failed.clone()) };
    settle(consumer, deliveries[1].token, retry).await.unwrap();
    begin(consumer, deliveries[3].token).await.unwrap();
    let epoch = first.epoch();
    drain(first).await;
    drop(subscription);

    let second = Broker::open(folder.path(), small()).await.unwrap();
    assert!(second.recovery().unwrap().clean);
    assert_eq!((second.epoch(), second.end()), (epoch, 6));
    let records = second.read_key(&"a".parse().unwrap(), "x", KeyRange::from(1, 9)).await.unwrap();
    assert_eq!(records.iter().map(|record| record.place.revision).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(&*records[2].message.payload, b"4");
    assert!(publish(&second, event("a", "x", 4)).await.unwrap().is_repeat);
    let mut subscription = join(&second, "h", &["a"]).await;
    assert!(subscription.suspects.is_empty());
    let deliveries = take_all(&mut *subscription.consumer, 4).await;
    assert_eq!(positions(&deliveries), [1, 3, 4, 5]);
    assert_eq!(deliveries[0].history, [failed]);
    assert_eq!((deliveries[0].token.attempt, deliveries[1].token.attempt), (2, 1));
    assert_eq!(put(&second, "a", "x", 9).await, 6);
    drain(second).await;
}

#[tokio::test]
async fn what_ran_when_the_process_was_killed_is_a_suspect_and_comes_first() {
    let disk = FaultDisk::new(1);
    let first = Broker::open_on(disk.disk(), small()).unwrap();
    for n in 0..4 {
        put(&first, "a", "x", n).await;
    }
    let mut subscription = join(&first, "h", &["a"]).await;
    let deliveries = take_all(&mut *subscription.consumer, 4).await;
    begin(&mut *subscription.consumer, deliveries[1].token).await.unwrap();
    begin(&mut *subscription.consumer, deliveries[3].token).await.unwrap();
    disk.kill();
    let second = Broker::open_on(disk.disk(), small()).unwrap();
    assert!(!second.recovery().unwrap().clean);
    let mut again = join(&second, "h", &["a"]).await;
    assert_eq!(again.suspects, [1, 3]);
    let deliveries = take_all(&mut *again.consumer, 4).await;
    assert_eq!(positions(&deliveries), [1, 3, 0, 2]);
    let seen: Vec<_> =
        deliveries.iter().map(|delivery| (delivery.is_suspect, delivery.token.attempt)).collect();
    assert_eq!(seen, [(true, 2), (true, 2), (false, 1), (false, 1)]);
    for delivery in &deliveries {
        handle(&mut *again.consumer, delivery).await;
    }
    disk.kill();
    let third = Broker::open_on(disk.disk(), small()).unwrap();
    assert_eq!(third.groups().await.unwrap()[0].lag, 0);
    disk.kill();
}

#[tokio::test]
async fn two_opens_of_a_folder_share_one_broker_until_the_last_is_drained() {
    let folder = tempfile::tempdir().unwrap();
    let first = Broker::open(folder.path(), small()).await.unwrap();
    let second = Broker::open(folder.path().join("."), small()).await.unwrap();
    put(&first, "a", "x", 1).await;
    assert_eq!(second.end(), 1);
    drain(first).await;
    assert_eq!(put(&second, "a", "x", 2).await, 1);
    drain(second).await;
    let third = Broker::open(folder.path(), small()).await.unwrap();
    assert!(third.recovery().unwrap().clean);
    drain(third).await;
}

#[tokio::test]
async fn memory_of_one_name_is_shared_and_memory_without_is_private() {
    let first = Broker::memory_named("shared-by-this-test", options()).unwrap();
    let second = Broker::memory_named("shared-by-this-test", options()).unwrap();
    let private = Broker::memory(options()).unwrap();
    put(&first, "a", "x", 1).await;
    assert_eq!((second.end(), private.end()), (1, 0));
}

#[tokio::test]
async fn a_failed_sync_leaves_the_outcome_unknown_and_closes_the_broker() {
    let disk = FaultDisk::new(2);
    let broker = Broker::open_on(disk.disk(), small()).unwrap();
    put(&broker, "a", "x", 1).await;
    disk.fail_syncs(true);
    let outcome = broker.submit(vec![event("a", "x", 2)], false).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unknown);
    assert_eq!(broker.end(), 1, "what was not synced is not seen");
    let refused = publish(&broker, event("a", "x", 3)).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Closed);
    assert!(refused.error.to_string().contains("sync failed"), "{}", refused.error);
    assert_eq!(broker.groups().await.unwrap_err().kind(), ErrorKind::Closed);
}

/// Two publishes, of which the second is written while the first one's sync runs; and what comes of both
/// when that sync goes as `fail` says.
async fn two_publishes_around_a_sync(
    disk: &FaultDisk,
    broker: &Arc<Broker>,
    fail: impl FnOnce() + Send + 'static,
) -> [ErrorKind; 2] {
    let (sender, runtime) = (broker.clone(), tokio::runtime::Handle::current());
    let (result, second) = std::sync::mpsc::channel();
    disk.during_next_sync(move || {
        let ticket = sender.submit(vec![event("a", "x", 12)], false);
        // An urgent command: the writer gathers no longer, and writes the publish before it.
        runtime.block_on(sender.groups()).unwrap();
        result.send(ticket).unwrap();
        fail();
    });
    let within = Duration::from_secs(20);
    let first = tokio::time::timeout(within, broker.submit(vec![event("a", "x", 11)], false));
    let first = first.await.expect("the first is answered").unwrap_err();
    let second = tokio::time::timeout(within, second.recv().unwrap());
    let second = second.await.expect("the second is answered").unwrap_err();
    [first.kind(), second.kind()]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_a_sync_fails_is_answered_too() {
    let disk = FaultDisk::new(8);
    let broker = Arc::new(Broker::open_on(disk.disk(), small()).unwrap());
    let of_disk = disk.clone();
    let kinds = two_publishes_around_a_sync(&disk, &broker, move || of_disk.fail_syncs(true)).await;
    assert_eq!(kinds, [ErrorKind::Unknown; 2]);
    assert_eq!(broker.groups().await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_thread_that_syncs_ends_the_broker_and_nobody_waits() {
    let disk = FaultDisk::new(9);
    let broker = Arc::new(Broker::open_on(disk.disk(), small()).unwrap());
    let kinds = two_publishes_around_a_sync(&disk, &broker, || panic!("planted by this test")).await;
    assert_eq!(kinds, [ErrorKind::Unknown; 2]);
    let refused = tokio::time::timeout(Duration::from_secs(20), broker.groups()).await.unwrap();
    assert!(refused.unwrap_err().to_string().contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_thread_that_writes_ends_the_broker_and_nobody_waits() {
    let disk = FaultDisk::new(10);
    let broker = Arc::new(Broker::open_on(disk.disk(), fragile()).unwrap());
    let (sender, within) = (broker.clone(), Duration::from_secs(20));
    let (result, tickets) = std::sync::mpsc::channel();
    disk.during_next_sync(move || {
        IS_BROKEN.store(true, Ordering::Release);
        result.send((sender.submit(vec![event("a", "x", 2)], false), sender.groups())).unwrap();
    });
    let first = tokio::time::timeout(within, broker.submit(vec![event("a", "x", 1)], false)).await;
    // Its sync may have come to its end before.
    assert!(first.expect("the first is answered").map_or_else(|e| e.kind() == ErrorKind::Unknown, |_| true));
    let (publish, urgent) = tickets.recv().unwrap();
    let publish = tokio::time::timeout(within, publish).await.expect("the second is answered");
    // The writer may have panicked before it took the publish: then it is refused, and handed back.
    let kind =
        publish.map_or_else(|lost| lost.kind(), |answers| answers[0].as_ref().unwrap_err().error.kind());
    assert!(matches!(kind, ErrorKind::Unknown | ErrorKind::Closed), "{kind:?}");
    tokio::time::timeout(within, urgent).await.expect("the urgent one is answered").unwrap_err();
    let refused = publish_one_more(&broker).await;
    assert!(refused.contains("panicked"), "{refused}");
}

async fn publish_one_more(broker: &Broker) -> String {
    let within = Duration::from_secs(20);
    let refused = tokio::time::timeout(within, publish(broker, event("a", "x", 3))).await.unwrap();
    refused.unwrap_err().error.to_string()
}

static IS_BROKEN: AtomicBool = AtomicBool::new(false);

/// Options with a clock under which the writer panics once [`IS_BROKEN`] is set.
fn fragile() -> Options {
    let options = Options::new(Arc::new(Fragile), Arc::new(Counter::default()));
    options.segment_bytes(1 << 16).reserve_bytes(1 << 14).lock_wait(Duration::ZERO)
}

#[derive(Debug)]
struct Fragile;

impl Clock for Fragile {
    fn now(&self) -> Timestamp {
        let is_writer = std::thread::current().name() == Some("fanfare-write");
        assert!(!(is_writer && IS_BROKEN.load(Ordering::Acquire)), "planted by a test");
        now()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        #[allow(clippy::disallowed_methods, reason = "this is the Clock port")]
        Box::pin(tokio::time::sleep(duration))
    }
}

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

#[tokio::test]
async fn a_receipt_without_a_sync_says_so_and_survives_a_kill() {
    let disk = FaultDisk::new(6);
    for policy in [SyncPolicy::Os, SyncPolicy::Interval(Duration::from_millis(1))] {
        let broker = Broker::open_on(disk.disk(), small().sync(policy)).unwrap();
        let receipt = publish(&broker, event("a", "x", broker.end())).await.unwrap();
        assert_eq!(receipt.durability, Durability::Os);
        disk.kill();
    }
    let broker = Broker::open_on(disk.disk(), small()).unwrap();
    assert_eq!(broker.end(), 2);
    disk.kill();
}

#[tokio::test]
async fn a_snapshot_taken_on_the_way_is_what_the_next_start_goes_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let saving = || small().snapshot_every(4096).recent_max(1 << 12);
    let broker = Broker::open(folder.path(), saving()).await.unwrap();
    let mut subscription = join(&broker, "h", &["a"]).await;
    for n in 0..300 {
        put(&broker, "a", if n % 3 == 0 { "x" } else { "y" }, n).await;
        let delivery = take(&mut *subscription.consumer, 1).await.pop().unwrap();
        handle(&mut *subscription.consumer, &delivery).await;
    }
    let has_snapshot = || {
        let names = std::fs::read_dir(folder.path()).unwrap();
        names
            .map(|entry| entry.unwrap().file_name())
            .any(|name| name.to_string_lossy().starts_with("snapshot-"))
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !has_snapshot() {
        assert!(tokio::time::Instant::now() < deadline, "no snapshot was taken");
        put(&broker, "b", "x", tokio::time::Instant::now().elapsed().as_nanos() as u64 + broker.end()).await;
    }
    // Most records are no longer in memory.
    let page = broker.read(&"a".parse().unwrap(), broker.start(), 300).await.unwrap();
    assert_eq!(page.records.len(), 300);
    assert!(page.records.iter().zip(0..).all(|(record, n)| record.message.payload == n.to_string()));
    drop(subscription);
    drain(broker).await;
    let broker = Broker::open(folder.path(), saving()).await.unwrap();
    assert_eq!(broker.groups().await.unwrap()[0].lag, 0);
    assert_eq!(broker.head(&"a".parse().unwrap(), "x"), 100);
    drain(broker).await;
}

#[tokio::test]
async fn memory_keeps_what_a_group_needs_refuses_over_its_limit_and_forgets_the_rest() {
    let broker = Broker::memory(options().recent_max(10_000).memory_max(20_000)).unwrap();
    let mut subscription = join(&broker, "h", &["a"]).await;
    let mut kept = 0;
    let refused = loop {
        match publish(&broker, event("a", "x", kept)).await {
            Ok(_) => kept += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.error.kind(), ErrorKind::Busy);
    assert!(kept > 20, "{kept}");
    let deliveries = take_all(&mut *subscription.consumer, kept as usize).await;
    for delivery in &deliveries {
        handle(&mut *subscription.consumer, delivery).await;
    }
    for n in 0..100 {
        put(&broker, "a", "x", 1000 + n).await;
        let delivery = take(&mut *subscription.consumer, 1).await.pop().unwrap();
        handle(&mut *subscription.consumer, &delivery).await;
    }
    let records = broker.read_key(&"a".parse().unwrap(), "x", KeyRange::from(1, 1000)).await.unwrap();
    let head = broker.head(&"a".parse().unwrap(), "x");
    assert_eq!(head, kept + 100, "revisions go on");
    assert!(records.len() < 40, "{} records are kept", records.len());
    assert_eq!(records.last().unwrap().place.revision, head);
}

#[tokio::test]
async fn in_memory_the_newest_records_before_a_revision_are_those_that_are_kept() {
    let broker = Broker::memory(options().recent_max(4_000)).unwrap();
    for n in 0..100 {
        put(&broker, "a", "x", n).await;
    }
    let topic = "a".parse().unwrap();
    let revisions = async |range| {
        let records = broker.read_key(&topic, "x", range).await.unwrap();
        records.iter().map(|record| record.place.revision).collect::<Vec<_>>()
    };
    let first = revisions(KeyRange::from(1, 1)).await[0];
    assert!(first > 10, "{first}");
    let expected: Vec<_> = (first..=first + 3).rev().collect();
    assert_eq!(revisions(KeyRange::back_from(first + 3, 10)).await, expected);
    assert_eq!(revisions(KeyRange::back_from(first - 1, 10)).await, [0; 0]);
    assert_eq!(revisions(KeyRange::back_from(u64::MAX, 2)).await, [100, 99]);
}

/// A broker that saves its state often, and the kinds of failures it tells of.
fn saving_often(disk: &FaultDisk) -> (Broker, Arc<Mutex<Vec<ErrorKind>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let options = small().segment_bytes(1 << 22).snapshot_every(4096).recent_max(1 << 12);
    let options = options.on_failure(move |error| listener.lock().unwrap().push(error.kind()));
    (Broker::open_on(disk.disk(), options).unwrap(), told)
}

/// Publishes until it is so.
async fn publish_until(broker: &Broker, is_so: impl Fn() -> bool) {
    let publish_all = async {
        for n in 0.. {
            if is_so() || broker.submit(vec![event("a", &n.to_string(), n)], false).await.is_err() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), publish_all).await.expect("it comes to be so");
}

#[tokio::test]
async fn a_snapshot_that_fails_is_counted_and_told_and_the_next_one_is_tried() {
    let disk = FaultDisk::new(11);
    let (broker, told) = saving_often(&disk);
    put(&broker, "b", "x", 1).await;
    disk.set_quota(Some(disk.used()));
    publish_until(&broker, || broker.stats().snapshots_failed > 0).await;
    assert_eq!(told.lock().unwrap()[0], ErrorKind::Full);
    disk.set_quota(None);
    let is_saved = || disk.names().iter().any(|name| name.starts_with("snapshot-"));
    publish_until(&broker, is_saved).await;
    drain(broker).await;
}

#[tokio::test]
async fn a_journal_that_is_found_damaged_by_a_snapshot_ends_the_broker() {
    let disk = FaultDisk::new(12);
    let (broker, told) = saving_often(&disk);
    put(&broker, "b", "x", 4_711).await;
    let name = disk.names().into_iter().find(|name| name.starts_with("journal")).unwrap();
    let mut bytes = disk.read(&name).unwrap();
    let at = bytes.windows(4).position(|window| window == b"4711").unwrap();
    bytes[at] ^= 1;
    disk.write(&name, bytes).unwrap();
    publish_until(&broker, || !told.lock().unwrap().is_empty()).await;
    assert_eq!(told.lock().unwrap()[0], ErrorKind::Corrupt);
    let refused = tokio::time::timeout(Duration::from_secs(20), broker.groups()).await.unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn in_memory_a_dead_letter_outlives_its_neighbours_and_its_redrive_too() {
    let broker = Broker::memory(options().recent_max(10_000)).unwrap();
    let mut subscription = join(&broker, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    put(&broker, "a", "x", 0).await;
    let first = take(consumer, 1).await.pop().unwrap();
    begin(consumer, first.token).await.unwrap();
    let reject = Settle::Reject { reason: "no".into(), failed: None, park: false };
    settle(consumer, first.token, reject).await.unwrap();
    for n in 1..200 {
        put(&broker, "a", "x", n).await;
        let delivery = take(consumer, 1).await.pop().unwrap();
        handle(consumer, &delivery).await;
    }
    let topic = "a".parse().unwrap();
    assert!(broker.read_key(&topic, "x", KeyRange::from(1, 1)).await.unwrap()[0].place.revision > 100);
    assert_eq!(broker.redrive(&name("h"), fanfare_core::Selection::All).await.unwrap(), 1);
    for n in 200..400 {
        put(&broker, "b", "x", n).await;
    }
    let again = take(consumer, 1).await.pop().unwrap();
    assert_eq!((again.token.position, &*again.record.message.payload), (0, &b"0"[..]));
    begin(consumer, again.token).await.unwrap();
    let retry = Settle::Retry { after: Duration::ZERO, failed: None };
    settle(consumer, again.token, retry).await.unwrap();
    for n in 400..600 {
        put(&broker, "b", "x", n).await;
    }
    drop(subscription);
    let mut subscription = join(&broker, "h", &["a"]).await;
    let again = take(&mut *subscription.consumer, 1).await.pop().unwrap();
    assert_eq!((again.token.position, &*again.record.message.payload), (0, &b"0"[..]));
    handle(&mut *subscription.consumer, &again).await;
    assert_eq!(broker.groups().await.unwrap()[0].lag, 0);
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
