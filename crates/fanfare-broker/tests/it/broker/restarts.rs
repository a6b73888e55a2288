//! What a restart finds, and who shares a broker.

use std::time::Duration;

use fanfare_broker::{Broker, SyncPolicy, testing::FaultDisk};
use fanfare_core::{AttemptRecord, Durability, KeyRange, Log, Operator, Settle, Timestamp};

use super::rig::*;

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
    assert!(second.stats().bytes > 500, "known from the start: {}", second.stats().bytes);
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
