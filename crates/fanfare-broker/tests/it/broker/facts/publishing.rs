use std::time::Duration;

use fanfare_broker::Broker;
use fanfare_core::{ErrorKind, ExpectedRevision, Log, Operator, Settle, Taken, TopicFilter, Transport};

use super::super::rig::*;

pub(crate) async fn an_event_gets_a_position_an_offset_and_a_revision(broker: Broker) {
    for (topic, key, expected) in [
        ("a", "x", (0, 0, 1)),
        ("b", "x", (1, 0, 1)),
        ("a", "x", (2, 1, 2)),
        ("a", "", (3, 2, 0)),
        ("a", "y", (4, 3, 1)),
    ] {
        let receipt = publish(&broker, event(topic, key, expected.0)).await.unwrap();
        let place = receipt.place.unwrap();
        assert_eq!((place.position, place.offset, place.revision), expected);
        assert_eq!(place.epoch, broker.epoch());
        assert_eq!(receipt.durability, broker.capabilities().durability);
        assert!(!receipt.is_repeat);
    }
    assert_eq!(broker.end(), 5);
    assert_eq!(broker.head(&"a".parse().unwrap(), "x"), 2);
    assert_eq!(broker.head(&"a".parse().unwrap(), "z"), 0);
}

pub(crate) async fn a_repeat_gets_the_first_receipt(broker: Broker) {
    let first = publish(&broker, event("a", "x", 1)).await.unwrap();
    put(&broker, "a", "x", 2).await;
    let second = publish(&broker, event("a", "x", 1)).await.unwrap();
    assert!(second.is_repeat);
    assert_eq!(second.place, first.place);
    assert_eq!(broker.end(), 2);
    assert_eq!(broker.stats().repeats, 1);
    // The repeat is recognised before the expected revision is looked at.
    let mut repeat = event("a", "x", 1);
    repeat.expected = Some(ExpectedRevision::Empty);
    assert!(publish(&broker, repeat).await.unwrap().is_repeat);
}

pub(crate) async fn an_idempotency_key_with_another_payload_is_a_conflict(broker: Broker) {
    let with_key = |n| {
        let mut outgoing = event("a", "x", n);
        outgoing.message.metadata.set_idempotency_key(Some("once".into()));
        outgoing
    };
    publish(&broker, with_key(1)).await.unwrap();
    let mut same = with_key(1);
    same.message.metadata.id = "another id".into();
    assert!(publish(&broker, same).await.unwrap().is_repeat);
    let refused = publish(&broker, with_key(2)).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Conflict);
    assert_eq!(*refused.outgoing, with_key(2));
    let mut elsewhere = with_key(2);
    elsewhere.message.metadata.key = Some("y".into());
    assert!(!publish(&broker, elsewhere).await.unwrap().is_repeat);
}

pub(crate) async fn an_expected_revision_that_is_not_the_newest_is_a_conflict(broker: Broker) {
    let expecting = |n, expected| {
        let mut outgoing = event("a", "x", n);
        outgoing.expected = Some(expected);
        outgoing
    };
    let conflict = |refused: Result<_, fanfare_core::Rejected>| refused.unwrap_err().error.kind();
    assert_eq!(
        conflict(publish(&broker, expecting(1, ExpectedRevision::Exact(1))).await),
        ErrorKind::Conflict
    );
    publish(&broker, expecting(2, ExpectedRevision::Empty)).await.unwrap();
    assert_eq!(conflict(publish(&broker, expecting(3, ExpectedRevision::Empty)).await), ErrorKind::Conflict);
    publish(&broker, expecting(4, ExpectedRevision::Exact(1))).await.unwrap();
    assert_eq!(broker.head(&"a".parse().unwrap(), "x"), 2);
}

pub(crate) async fn an_atomic_batch_is_published_whole_or_not_at_all(broker: Broker) {
    let expecting = |n, expected| {
        let mut outgoing = event("a", "x", n);
        outgoing.expected = Some(ExpectedRevision::Exact(expected));
        outgoing
    };
    let batch = vec![event("a", "x", 1), expecting(2, 1), expecting(3, 1)];
    let refused = broker.submit(batch, true).await.unwrap();
    assert!(refused.iter().all(|answer| answer.as_ref().unwrap_err().error.kind() == ErrorKind::Conflict));
    assert_eq!(broker.end(), 0);
    let batch = vec![event("a", "x", 1), expecting(2, 1), expecting(3, 2)];
    let published = broker.submit(batch, true).await.unwrap();
    let revisions: Vec<_> =
        published.into_iter().map(|receipt| receipt.unwrap().place.unwrap().revision).collect();
    assert_eq!(revisions, [1, 2, 3]);
}

pub(crate) async fn a_delayed_event_comes_when_it_is_due(broker: Broker) {
    let mut subscription = join(&broker, "h", &[">"]).await;
    let consumer = &mut *subscription.consumer;
    let first = put(&broker, "a", "x", 1).await;
    let due = now() + Duration::from_millis(300);
    let mut delayed = event("a", "x", 2);
    delayed.message.metadata.set_not_before(Some(due));
    let receipt = publish(&broker, delayed.clone()).await.unwrap();
    assert_eq!((receipt.place, receipt.schedule), (None, Some(0)));
    assert_eq!(publish(&broker, delayed).await.unwrap().schedule, Some(0));
    assert_eq!(broker.stats().scheduled, 1);
    let deliveries = take_all(consumer, 1).await;
    assert_eq!(positions(&deliveries), [first]);
    assert!(is_idle(consumer).await);
    let deliveries = take_all(consumer, 1).await;
    let place = deliveries[0].record.place;
    assert_eq!((place.position, place.revision), (1, 2));
    assert!(place.recorded_at >= due, "{} is before {due}", place.recorded_at);
    assert_eq!(broker.stats().scheduled, 0);
}

pub(crate) async fn what_is_too_large_is_refused_and_the_rest_of_its_batch_is_published(broker: Broker) {
    let mut large = event("a", "x", 2);
    large.message.payload = vec![b'x'; (16 << 20) + 2048].into();
    let batch = vec![event("a", "x", 1), large.clone(), event("a", "x", 3)];
    let mut answers = broker.submit(batch.clone(), false).await.unwrap();
    assert_eq!(answers.pop().unwrap().unwrap().place.unwrap().revision, 2);
    let refused = answers.pop().unwrap().unwrap_err();
    assert_eq!(
        (refused.error.kind(), refused.outgoing.message.payload.len()),
        (ErrorKind::TooLarge, (16 << 20) + 2048)
    );
    assert_eq!(answers.pop().unwrap().unwrap().place.unwrap().revision, 1);
    let answers = broker.submit(batch, true).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().error.kind() == ErrorKind::TooLarge));
    let mut subscription = join(&broker, "h", &["a"]).await;
    let token = take(&mut *subscription.consumer, 1).await[0].token;
    begin(&mut *subscription.consumer, token).await.unwrap();
    let outputs = vec![event("b", "x", 1), large];
    let refused = settle(&mut *subscription.consumer, token, Settle::Ack { outputs }).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TooLarge);
    assert_eq!(broker.end(), 2, "nothing of it was published");
    settle(&mut *subscription.consumer, token, ack()).await.unwrap();
}

pub(crate) async fn outputs_are_published_with_the_acknowledgement(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    let mut subscription = join(&broker, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    let delivery = take(consumer, 1).await.pop().unwrap();
    begin(consumer, delivery.token).await.unwrap();
    let outputs = vec![event("b", "x", 1), event("b", "x", 2)];
    settle(consumer, delivery.token, Settle::Ack { outputs }).await.unwrap();
    let mut tail = broker.tail(&"b".parse().unwrap(), Some(broker.start())).await.unwrap();
    let outputs = follow(&mut *tail, 2).await;
    assert_eq!(outputs[1].place.revision, 2);
    // Derived ids do not meet the window of repeats.
    assert!(!publish(&broker, event("b", "x", 1)).await.unwrap().is_repeat);
}

pub(crate) async fn after_draining_every_call_is_refused(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    let mut subscription = join(&broker, "h", &["a"]).await;
    let mut tail = broker.tail(&TopicFilter::all(), None).await.unwrap();
    broker.drain(Duration::from_secs(10)).await.unwrap();
    let refused = publish(&broker, event("a", "x", 2)).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Closed);
    assert_eq!(*refused.outgoing, event("a", "x", 2));
    let mut into = Vec::new();
    let taken = std::future::poll_fn(|cx| subscription.consumer.poll_take(cx, 1, &mut into)).await;
    assert_eq!(taken.unwrap(), Taken::Closed);
    let mut records = Vec::new();
    let next = std::future::poll_fn(|cx| tail.poll_next(cx, 1, &mut records)).await;
    assert_eq!(next.unwrap(), Taken::Closed);
    assert_eq!(broker.groups().await.unwrap_err().kind(), ErrorKind::Closed);
}
