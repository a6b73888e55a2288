//! The state that is saved on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare_broker::{Broker, testing::FaultDisk};
use fanfare_core::{ErrorKind, Log, Operator, Transport};

use super::rig::*;

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
            if is_so() {
                break;
            }
            if let Err(error) = broker.submit(vec![event("a", &n.to_string(), n)], false).await {
                assert!(is_so(), "it ended, and it is not so: {error}");
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
    assert!(is_saved());
    put(&broker, "b", "x", 2).await;
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
