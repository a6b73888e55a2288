use fanfare_broker::Broker;
use fanfare_core::{AttemptRecord, ErrorKind, Operator, Selection, Settle, Timestamp, Transport};

use super::super::rig::*;

pub(crate) async fn a_dead_letter_can_be_redriven(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    put(&broker, "a", "x", 2).await;
    let mut subscription = join(&broker, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    let deliveries = take_all(consumer, 2).await;
    for delivery in &deliveries {
        begin(consumer, delivery.token).await.unwrap();
        let failed = Some(AttemptRecord::new(1, Timestamp::UNIX_EPOCH, "no"));
        let reject = Settle::Reject { reason: "too often".into(), failed, park: false };
        settle(consumer, delivery.token, reject).await.unwrap();
    }
    let dead = broker.dead_letters(&name("h"), 0, 10).await.unwrap();
    assert_eq!(dead.len(), 2);
    assert_eq!((&*dead[0].reason, &*dead[0].history[0].error), ("too often", "no"));
    assert_eq!(dead[0].record.place.position, 0);
    assert_eq!(broker.discard(&name("h"), Selection::Positions(vec![1, 7])).await.unwrap(), 1);
    assert_eq!(broker.redrive(&name("h"), Selection::All).await.unwrap(), 1);
    assert_eq!(broker.groups().await.unwrap()[0].lag, 1);
    let again = take(consumer, 9).await;
    assert_eq!(positions(&again), [0]);
    assert_eq!(again[0].token.attempt, 1);
    assert_ne!(again[0].token.lease, deliveries[0].token.lease);
    handle(consumer, &again[0]).await;
    let status = broker.groups().await.unwrap().pop().unwrap();
    assert_eq!((status.cursor, status.lag, status.dead), (2, 0, 0));
}

pub(crate) async fn dead_letters_come_in_pages(broker: Broker) {
    let batch = (0..300).map(|n| event("a", "", n)).collect();
    assert!(broker.submit(batch, false).await.unwrap().iter().all(Result::is_ok));
    let mut subscription = join(&broker, "h", &["a"]).await;
    let tokens: Vec<_> = take_all(&mut *subscription.consumer, 300).await.iter().map(|d| d.token).collect();
    let begun = subscription.consumer.begin(&mut tokens.clone()).await.unwrap();
    assert!(begun.iter().all(Result::is_ok));
    let reject = || Settle::Reject { reason: "no".into(), failed: None, park: false };
    let mut rejected = tokens.into_iter().map(|token| (token, reject())).collect();
    assert!(subscription.consumer.settle(&mut rejected).await.unwrap().iter().all(Result::is_ok));
    let page = broker.dead_letters(&name("h"), 0, usize::MAX).await.unwrap();
    assert_eq!(page.len(), 256);
    let rest = broker.dead_letters(&name("h"), 256, usize::MAX).await.unwrap();
    assert_eq!((rest.len(), rest[0].record.place.position), (44, 256));
    assert!(broker.dead_letters(&name("h"), 300, usize::MAX).await.unwrap().is_empty());
}

pub(crate) async fn a_held_key_is_passed_over_until_it_is_resumed(broker: Broker) {
    for (n, key) in ["x", "y", "x", "y"].into_iter().enumerate() {
        put(&broker, "a", key, n as u64).await;
    }
    let mut first = join(&broker, "h", &["a"]).await;
    let consumer = &mut *first.consumer;
    let delivery = take(consumer, 1).await.pop().unwrap();
    settle(consumer, delivery.token, Settle::Hold).await.unwrap();
    put(&broker, "a", "x", 4).await;
    put(&broker, "a", "y", 5).await;
    let others = take_all(consumer, 3).await;
    assert_eq!(positions(&others), [1, 3, 5]);
    for delivery in &others {
        handle(consumer, delivery).await;
    }
    let status = broker.groups().await.unwrap().pop().unwrap();
    assert_eq!((status.cursor, status.lag, status.held), (6, 0, 1));
    drop(first);
    put(&broker, "a", "x", 6).await;
    let mut second = join(&broker, "h", &["a"]).await;
    let held = second.held[0].clone();
    assert_eq!((held.key.as_deref(), held.position, held.is_parked), (Some("x"), 0, false));
    assert_eq!(&*held.event_type, "a.happened");
    let consumer = &mut *second.consumer;
    assert!(is_idle(consumer).await);
    assert_eq!(consumer.resume(&held).await.unwrap(), 4);
    let resumed = take_all(consumer, 4).await;
    assert_eq!(positions(&resumed), [0, 2, 4, 6]);
    put(&broker, "a", "x", 7).await;
    assert_eq!(positions(&take_all(consumer, 1).await), [7]);
    assert_eq!(consumer.resume(&held).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) async fn a_parked_key_goes_on_when_its_dead_letter_is_redriven(broker: Broker) {
    for n in 0..3 {
        put(&broker, "a", "x", n).await;
    }
    let mut subscription = join(&broker, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    let delivery = take(consumer, 1).await.pop().unwrap();
    begin(consumer, delivery.token).await.unwrap();
    let reject = Settle::Reject { reason: "no".into(), failed: None, park: true };
    settle(consumer, delivery.token, reject).await.unwrap();
    assert!(is_idle(consumer).await);
    assert_eq!(broker.groups().await.unwrap()[0].held, 1);
    assert_eq!(broker.redrive(&name("h"), Selection::All).await.unwrap(), 1);
    assert_eq!(positions(&take_all(consumer, 3).await), [0, 1, 2]);
    assert_eq!(broker.groups().await.unwrap()[0].held, 0);
}
