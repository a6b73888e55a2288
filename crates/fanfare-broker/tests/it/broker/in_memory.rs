//! What memory storage keeps.

use std::time::Duration;

use fanfare_broker::Broker;
use fanfare_core::{ErrorKind, KeyRange, Log, Operator, Settle};

use super::rig::*;

#[tokio::test]
async fn memory_of_one_name_is_shared_and_memory_without_is_private() {
    let first = Broker::memory_named("shared-by-this-test", options()).unwrap();
    let second = Broker::memory_named("shared-by-this-test", options()).unwrap();
    let private = Broker::memory(options()).unwrap();
    put(&first, "a", "x", 1).await;
    assert_eq!((second.end(), private.end()), (1, 0));
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
