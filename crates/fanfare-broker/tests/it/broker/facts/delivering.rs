use std::time::Duration;

use fanfare_broker::Broker;
use fanfare_core::{AttemptRecord, ErrorKind, Operator, Settle, Timestamp};

use super::super::rig::*;

pub(crate) async fn a_group_gets_what_it_has_not_settled(broker: Broker) {
    for n in 0..5 {
        put(&broker, "a", "x", n).await;
    }
    let mut first = join(&broker, "h", &["a"]).await;
    let deliveries = take_all(&mut *first.consumer, 5).await;
    assert_eq!(positions(&deliveries), [0, 1, 2, 3, 4]);
    assert_eq!(deliveries[0].token.attempt, 1);
    for at in [0, 1, 3] {
        handle(&mut *first.consumer, &deliveries[at]).await;
    }
    let status = broker.groups().await.unwrap().pop().unwrap();
    assert_eq!((status.cursor, status.lag, status.is_active), (2, 2, true));
    assert_eq!(status.oldest, Some(deliveries[2].record.place.recorded_at));
    drop(first);
    let mut second = join(&broker, "h", &["a"]).await;
    assert_eq!(positions(&take_all(&mut *second.consumer, 2).await), [2, 4]);
    assert!(is_idle(&mut *second.consumer).await);
    put(&broker, "a", "x", 9).await;
    assert_eq!(positions(&take_all(&mut *second.consumer, 1).await), [5]);
}

pub(crate) async fn a_group_passes_over_what_is_not_its_own(broker: Broker) {
    for n in 0..10 {
        put(&broker, if n % 3 == 0 { "a" } else { "b" }, "x", n).await;
    }
    let mut subscription = join(&broker, "h", &["a"]).await;
    let deliveries = take_all(&mut *subscription.consumer, 4).await;
    assert_eq!(positions(&deliveries), [0, 3, 6, 9]);
    for at in [3, 1, 0, 2] {
        handle(&mut *subscription.consumer, &deliveries[at]).await;
    }
    let status = broker.groups().await.unwrap().pop().unwrap();
    assert_eq!((status.cursor, status.lag), (10, 0));
    assert!(is_idle(&mut *subscription.consumer).await);
}

pub(crate) async fn a_retry_keeps_the_lease_and_raises_the_attempt(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    let mut first = join(&broker, "h", &["a"]).await;
    let consumer = &mut *first.consumer;
    let token = take(consumer, 1).await[0].token;
    begin(consumer, token).await.unwrap();
    let failed = AttemptRecord::new(1, Timestamp::UNIX_EPOCH, "no");
    let retry = |failed| Settle::Retry { after: Duration::from_secs(60), failed };
    settle(consumer, token, retry(Some(failed.clone()))).await.unwrap();
    assert!(is_idle(consumer).await);
    let second = token.next_attempt();
    begin(consumer, second).await.unwrap();
    // Not counted: the same attempt begins again.
    settle(consumer, second, retry(None)).await.unwrap();
    begin(consumer, second).await.unwrap();
    settle(consumer, second, retry(Some(failed.clone()))).await.unwrap();
    assert_eq!(broker.groups().await.unwrap()[0].retrying, 1);
    drop(first);
    let mut again = join(&broker, "h", &["a"]).await;
    let delivery = take(&mut *again.consumer, 1).await.pop().unwrap();
    assert_eq!((delivery.token.attempt, delivery.is_suspect), (3, false));
    assert_eq!(delivery.history, [failed.clone(), failed]);
    assert!(delivery.due.unwrap() > now());
    handle(&mut *again.consumer, &delivery).await;
    assert_eq!(broker.groups().await.unwrap()[0].lag, 0);
}

pub(crate) async fn an_old_token_is_stale(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    let mut first = join(&broker, "h", &["a"]).await;
    let consumer = &mut *first.consumer;
    let token = take(consumer, 1).await[0].token;
    let kind = |answer: Result<(), fanfare_core::Error>| answer.unwrap_err().kind();
    assert_eq!(kind(begin(consumer, token.next_attempt()).await), ErrorKind::Stale);
    begin(consumer, token).await.unwrap();
    assert_eq!(kind(begin(consumer, token).await), ErrorKind::Stale);
    let failed = Some(AttemptRecord::new(1, Timestamp::UNIX_EPOCH, "no"));
    settle(consumer, token, Settle::Retry { after: Duration::ZERO, failed }).await.unwrap();
    assert_eq!(kind(settle(consumer, token, ack()).await), ErrorKind::Stale);
    begin(consumer, token.next_attempt()).await.unwrap();
    assert_eq!(kind(settle(consumer, token, ack()).await), ErrorKind::Stale);
    settle(consumer, token.next_attempt(), ack()).await.unwrap();
    assert_eq!(kind(settle(consumer, token.next_attempt(), ack()).await), ErrorKind::Stale);
}

pub(crate) async fn of_two_acknowledgements_in_one_call_the_second_is_stale(broker: Broker) {
    for number in 1..=5 {
        put(&broker, "a", &number.to_string(), number).await;
    }
    let mut first = join(&broker, "h", &["a"]).await;
    let consumer = &mut *first.consumer;
    let tokens: Vec<_> = take(consumer, 5).await.iter().map(|delivery| delivery.token).collect();
    // Neither of them need be in the order of the positions.
    let [a, b, c, d, e] = tokens[..] else { panic!("five were taken") };
    let begun = consumer.begin(&mut vec![c, a, b, a, d, e]).await.unwrap();
    let is_stale = |answer: &Result<(), fanfare_core::Error>| {
        answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Stale)
    };
    assert_eq!(begun.iter().map(is_stale).collect::<Vec<_>>(), [false, false, false, true, false, false]);
    let mut batch: Vec<_> = [e, a, c, a, b].into_iter().map(|token| (token, ack())).collect();
    let (settled, begun) = consumer.settle_and_begin(&mut batch, &mut vec![d]);
    let settled = settled.await.unwrap();
    assert_eq!(settled.iter().map(is_stale).collect::<Vec<_>>(), [false, false, false, true, false]);
    assert!(is_stale(&begun.await.unwrap()[0]), "it began before");
    assert_eq!(broker.groups().await.unwrap()[0].lag, 1);
    settle(consumer, d, ack()).await.unwrap();
    let group = broker.groups().await.unwrap().remove(0);
    assert_eq!((group.lag, group.cursor), (0, 5));
}

pub(crate) async fn what_a_dropped_consumer_held_goes_to_the_next_and_does_not_count(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    put(&broker, "a", "x", 2).await;
    let mut first = join(&broker, "h", &["a"]).await;
    let deliveries = take_all(&mut *first.consumer, 2).await;
    begin(&mut *first.consumer, deliveries[0].token).await.unwrap();
    settle(&mut *first.consumer, deliveries[1].token, Settle::Release).await.unwrap();
    drop(first);
    let mut second = join(&broker, "h", &["a"]).await;
    assert!(second.suspects.is_empty());
    let again = take_all(&mut *second.consumer, 2).await;
    assert!(again.iter().all(|delivery| delivery.token.attempt == 1 && !delivery.is_suspect));
    assert!(again[0].token.lease > deliveries[0].token.lease);
}

pub(crate) async fn a_second_consumer_stands_by(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    let mut first = join(&broker, "h", &["a"]).await;
    let mut second = join(&broker, "h", &["a"]).await;
    assert!(is_idle(&mut *second.consumer).await);
    let delivery = take(&mut *first.consumer, 1).await.pop().unwrap();
    begin(&mut *first.consumer, delivery.token).await.unwrap();
    let waiting = async { take(&mut *second.consumer, 1).await };
    let (taken, ()) = tokio::join!(waiting, async { drop(first) });
    assert_eq!((taken[0].token.position, taken[0].token.attempt), (0, 1));
}
