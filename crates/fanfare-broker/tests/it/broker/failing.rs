//! A disk that fails, and threads that panic: everybody is answered.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fanfare_broker::{Broker, Options, testing::FaultDisk};
use fanfare_core::{BoxFuture, Clock, ErrorKind, KeyRange, Log, Operator, Timestamp, Transport};

use super::rig::*;

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
    // Where nobody consumes the writer syncs by itself, and writes nothing meanwhile.
    let _subscription = join(broker, "h", &["z"]).await;
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
