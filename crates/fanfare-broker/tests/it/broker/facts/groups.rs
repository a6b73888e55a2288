use fanfare_broker::Broker;
use fanfare_core::{Claim, ErrorKind, Operator, Plan, PlannedGroup, Start, Transport};

use super::super::rig::*;

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
    let wider = super::super::rig::spec("h", &["a", "b", "c"]);
    let report = broker.plan(&plan_of(&[wider])).await.unwrap();
    assert_eq!((report.groups[0].passed_by, report.groups[0].lag), (1, 0));
}
