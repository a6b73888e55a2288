//! Limits of what is made up for.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use fanfare_core::{
    Clock, Consumer, Delivery, EventId, GroupName, GroupSpec, Message, Metadata, Outgoing, Plan,
    PlannedGroup, Settle, Taken, Topic, TopicFilter, Transport,
};
use fanfare_testkit::Poor;

use super::Emulated;
use crate::clock::RuntimeClock;

fn take(consumer: &mut Emulated, max: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    match consumer.poll_take(&mut Context::from_waker(Waker::noop()), max, &mut taken) {
        Poll::Ready(Ok(Taken::Batch)) | Poll::Pending => taken,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_new_is_taken_while_too_much_lies_beyond_what_is_not_settled() {
    let clock: Arc<dyn Clock> = Arc::new(RuntimeClock::new());
    let poor: Arc<dyn Transport> = Arc::new(Poor::new(clock.clone()));
    let name = GroupName::new("test", "", "take").unwrap();
    let spec = GroupSpec::new(name.clone(), vec![TopicFilter::all()], Vec::new());
    let mut plan = Plan::new("test", "");
    plan.groups.push(PlannedGroup::new(spec.clone()));
    poor.plan(&plan).await.unwrap();
    for number in 0..10 {
        let metadata = Metadata::new(EventId::from(number.to_string()), "test", "step.taken");
        let message = Message::new(Topic::from_static("step"), metadata, Vec::new().into());
        poor.submit(vec![Outgoing::from(message)], false).await.unwrap();
    }
    let consumer = poor.subscribe(&spec).await.unwrap().consumer;
    let mut consumer = Emulated::new(consumer, poor, clock, name);
    consumer.beyond_max = 4;
    let first = take(&mut consumer, 3);
    let second = take(&mut consumer, 1);
    assert_eq!((first.len(), second.len()), (3, 1));
    let settle = |consumer: &mut Emulated, delivery: &Delivery| {
        drop(consumer.settle(&mut vec![(delivery.token, Settle::Ack { outputs: Vec::new() })]));
    };
    // Settled beyond a hole they count as before.
    settle(&mut consumer, &first[1]);
    settle(&mut consumer, &second[0]);
    assert!(take(&mut consumer, 3).is_empty());
    settle(&mut consumer, &first[0]);
    assert_eq!(take(&mut consumer, 3).len(), 3);
}
