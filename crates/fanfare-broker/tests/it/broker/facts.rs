use std::time::Duration;

use fanfare_broker::Broker;
use fanfare_core::{
    AttemptRecord, Claim, Cursor, Epoch, ErrorKind, ExpectedRevision, KeyRange, Log, Operator, Plan,
    PlannedGroup, Selection, Settle, Start, Taken, Timestamp, TopicFilter, Transport,
};

use super::rig::*;

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

pub(crate) async fn a_tail_joins_history_to_what_comes(broker: Broker) {
    for n in 0..10 {
        put(&broker, if n % 2 == 0 { "a" } else { "b" }, "x", n).await;
    }
    let mut tail = broker.tail(&"a".parse().unwrap(), Some(Cursor::new(broker.epoch(), 3))).await.unwrap();
    let mut live = broker.tail(&TopicFilter::all(), None).await.unwrap();
    let history = follow(&mut *tail, 3).await;
    assert_eq!(history.iter().map(|record| record.place.position).collect::<Vec<_>>(), [4, 6, 8]);
    let (come, position) = tokio::join!(follow(&mut *tail, 1), put(&broker, "a", "x", 10));
    assert_eq!(come[0].place.position, position);
    assert_eq!(follow(&mut *live, 1).await[0].place.position, position);
}

pub(crate) async fn a_key_is_read_in_both_directions(broker: Broker) {
    for n in 0..6 {
        put(&broker, "a", if n == 3 { "y" } else { "x" }, n).await;
    }
    let topic = "a".parse().unwrap();
    let revisions = async |range| {
        let records = broker.read_key(&topic, "x", range).await.unwrap();
        records.iter().map(|record| record.place.revision).collect::<Vec<_>>()
    };
    assert_eq!(revisions(KeyRange::from(2, 2)).await, [2, 3]);
    assert_eq!(revisions(KeyRange::from(4, 9)).await, [4, 5]);
    assert_eq!(revisions(KeyRange::from(6, 9)).await, [0_u64; 0]);
    assert_eq!(revisions(KeyRange::back_from(4, 2)).await, [4, 3]);
    assert_eq!(revisions(KeyRange::back_from(99, 9)).await, [5, 4, 3, 2, 1]);
    assert!(broker.read_key(&topic, "z", KeyRange::from(1, 9)).await.unwrap().is_empty());
    let page = broker.read(&TopicFilter::all(), Cursor::new(broker.epoch(), 2), 3).await.unwrap();
    assert_eq!((page.records.len(), page.next), (3, Cursor::new(broker.epoch(), 5)));
}

pub(crate) async fn a_cursor_of_another_epoch_is_refused_by_name(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    let ours = broker.start();
    let other = Cursor::new(Epoch(ours.epoch.0 ^ 1), 0);
    let all = TopicFilter::all();
    assert_eq!(broker.read(&all, ours, 9).await.unwrap().records.len(), 1);
    let error = broker.read(&all, other, 9).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OtherEpoch);
    let words = error.to_string();
    assert!(words.contains(&ours.epoch.to_string()) && words.contains(&other.epoch.to_string()), "{words}");
    let error = broker.tail(&all, Some(other)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::OtherEpoch);
    assert!(broker.tail(&all, Some(ours)).await.is_ok());
    let mut plan = plan_of(&[spec("new", &["a"])]);
    plan.groups[0].claim = Claim::StartAt(Start::Position(other));
    let refusals = broker.plan(&plan).await.unwrap_err();
    assert_eq!(refusals.0.len(), 1);
    assert!(
        refusals.to_string().contains("app//new") && refusals.to_string().contains("epoch"),
        "{refusals}"
    );
    assert!(broker.groups().await.unwrap().is_empty());
    plan.groups[0].claim = Claim::StartAt(Start::Position(ours));
    broker.plan(&plan).await.unwrap();
    // What is said of a group that is there already counts for nothing.
    plan.groups[0].claim = Claim::StartAt(Start::Position(other));
    broker.plan(&plan).await.unwrap();
}

pub(crate) async fn a_new_group_beside_an_orphan_is_refused_until_something_is_said(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    broker.plan(&plan_of(&[spec("old", &["a"])])).await.unwrap();
    put(&broker, "a", "x", 2).await;
    let mut plan = plan_of(&[spec("new", &["a"]), spec("other", &["b"])]);
    let refusals = broker.plan(&plan).await.unwrap_err();
    assert_eq!(refusals.0.len(), 1);
    let words = refusals.to_string();
    for part in ["app//new", "app//old", "renamed_from", "start_at", "delete_group"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(broker.groups().await.unwrap().len(), 1, "what is refused changes nothing");
    plan.groups[0].claim = Claim::StartAt(Start::Latest);
    let report = broker.plan(&plan).await.unwrap();
    assert_eq!(report.orphans[0].lag, 2);
    assert_eq!((report.groups[0].is_new, report.groups[0].lag), (true, 0));
    assert!(report.groups[1].is_new);
    let mut plan = plan_of(&[spec("new", &["a"]), spec("other", &["b"]), spec("third", &["a"])]);
    plan.groups[2].claim = Claim::RenamedFrom(name("old"));
    let report = broker.plan(&plan).await.unwrap();
    assert!(report.orphans.is_empty());
    assert_eq!((report.groups[2].is_new, report.groups[2].lag), (false, 2));
    let mut stale = plan_of(&[spec("new", &["a"]), spec("other", &["b"]), spec("fourth", &["a"])]);
    stale.groups[2].claim = Claim::RenamedFrom(name("old"));
    assert!(broker.plan(&stale).await.unwrap_err().to_string().contains("app//third"));
    assert!(report.groups[2].oldest.is_some());
    let mut plan = plan_of(&[spec("new", &["a"]), spec("third", &["a"])]);
    plan.delete = vec![name("other")];
    assert!(broker.plan(&plan).await.unwrap().orphans.is_empty());
    let consumer = broker.subscribe(&spec("third", &["a"])).await.unwrap();
    assert_eq!(broker.delete_group(&name("third")).await.unwrap_err().kind(), ErrorKind::InUse);
    drop(consumer);
    broker.delete_group(&name("third")).await.unwrap();
    assert_eq!(broker.delete_group(&name("third")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

pub(crate) async fn a_group_is_either_renamed_or_deleted(broker: Broker) {
    put(&broker, "a", "x", 1).await;
    drop(join(&broker, "old", &["a"]).await);
    let mut renamed = PlannedGroup::new(spec("new", &["a"]));
    renamed.claim = Claim::RenamedFrom(name("old"));
    let mut plan = Plan::new("app", "");
    plan.groups.push(renamed);
    plan.delete.push(name("old"));
    let refused = broker.plan(&plan).await.unwrap_err();
    assert!(refused.to_string().contains("not both"), "{refused}");
    assert_eq!(broker.groups().await.unwrap()[0].name, name("old"), "nothing of it was done");
    plan.delete.clear();
    assert!(!broker.plan(&plan).await.unwrap().groups[0].is_new);
    // Where it was renamed before, both lines may stay.
    plan.delete.push(name("old"));
    broker.plan(&plan).await.unwrap();
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

pub(crate) async fn a_wider_filter_begins_at_the_cursor(broker: Broker) {
    for n in 0..6 {
        put(&broker, if n % 2 == 0 { "a" } else { "b" }, "x", n).await;
    }
    let mut first = join(&broker, "h", &["a"]).await;
    let deliveries = take_all(&mut *first.consumer, 3).await;
    handle(&mut *first.consumer, &deliveries[0]).await;
    handle(&mut *first.consumer, &deliveries[2]).await;
    drop(first);
    let spec = spec("h", &["a", "b"]);
    let report = broker.plan(&plan_of(std::slice::from_ref(&spec))).await.unwrap();
    assert_eq!((report.groups[0].passed_by, report.groups[0].lag), (0, 4));
    let mut second = broker.subscribe(&spec).await.unwrap();
    let deliveries = take_all(&mut *second.consumer, 4).await;
    assert_eq!(positions(&deliveries), [1, 2, 3, 5]);
    for delivery in &deliveries {
        handle(&mut *second.consumer, delivery).await;
    }
    assert_eq!(broker.groups().await.unwrap()[0].lag, 0);
    drop(second);
    put(&broker, "c", "x", 6).await;
    put(&broker, "a", "x", 7).await;
    let mut third = join(&broker, "h", &["a", "b"]).await;
    let last = take_all(&mut *third.consumer, 1).await;
    handle(&mut *third.consumer, &last[0]).await;
    drop(third);
    let wider = super::rig::spec("h", &["a", "b", "c"]);
    let report = broker.plan(&plan_of(&[wider])).await.unwrap();
    assert_eq!((report.groups[0].passed_by, report.groups[0].lag), (1, 0));
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
