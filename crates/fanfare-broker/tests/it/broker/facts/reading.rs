use fanfare_broker::Broker;
use fanfare_core::{Claim, Cursor, Epoch, ErrorKind, KeyRange, Log, Operator, Start, TopicFilter, Transport};

use super::super::rig::*;

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
