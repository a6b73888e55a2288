//! What the facts about a broker are told with: a clock, a broker on each storage, short words.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use fanfare_broker::{Broker, Options};
use fanfare_core::{
    BoxFuture, Clock, Consumer, Delivery, Error, EventId, GroupName, GroupSpec, Message, Metadata, Outgoing,
    Plan, PlannedGroup, Random, Receipt, Recorded, Rejected, Settle, Subscription, Tail, Taken, Timestamp,
    Token, Topic, Transport,
};

/// Tokio's time, which tests may pause.
#[derive(Debug)]
pub(crate) struct TokioClock(Timestamp, tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.0 + self.1.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.1.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        #[allow(clippy::disallowed_methods, reason = "this is the Clock port")]
        Box::pin(tokio::time::sleep(duration))
    }
}

#[allow(clippy::disallowed_methods, reason = "a test begins at the time of the day")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The same numbers in every run.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Random for Counter {
    fn next_u64(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

pub(crate) fn options() -> Options {
    Options::new(Arc::new(TokioClock(now(), tokio::time::Instant::now())), Arc::new(Counter::default()))
}

/// Options of a broker in small files.
pub(crate) fn small() -> Options {
    options().segment_bytes(1 << 16).reserve_bytes(1 << 14).lock_wait(Duration::ZERO)
}

pub(crate) async fn drain(broker: Broker) {
    broker.drain(Duration::from_secs(20)).await.unwrap();
}

/// An event `n` of a key in a topic.
pub(crate) fn event(topic: &str, key: &str, n: u64) -> Outgoing {
    let id = EventId::from(format!("{topic}-{key}-{n}"));
    let mut metadata = Metadata::new(id, "test", format!("{topic}.happened"));
    if !key.is_empty() {
        metadata.key = Some(key.into());
    }
    Message::new(Topic::new(topic).unwrap(), metadata, n.to_string().into_bytes().into()).into()
}

pub(crate) async fn publish(broker: &Broker, outgoing: Outgoing) -> Result<Receipt, Rejected> {
    broker.submit(vec![outgoing], false).await.unwrap().pop().unwrap()
}

/// Publishes and says its position.
pub(crate) async fn put(broker: &Broker, topic: &str, key: &str, n: u64) -> u64 {
    publish(broker, event(topic, key, n)).await.unwrap().place.unwrap().position
}

pub(crate) fn name(handler: &str) -> GroupName {
    GroupName::new("app", "", handler).unwrap()
}

pub(crate) fn spec(handler: &str, topics: &[&str]) -> GroupSpec {
    GroupSpec::new(name(handler), topics.iter().map(|topic| topic.parse().unwrap()).collect(), vec![])
}

pub(crate) fn plan_of(specs: &[GroupSpec]) -> Plan {
    let mut plan = Plan::new("app", "");
    plan.groups = specs.iter().cloned().map(PlannedGroup::new).collect();
    plan
}

/// Plans a group over these topics alone, and joins it.
pub(crate) async fn join(broker: &Broker, handler: &str, topics: &[&str]) -> Subscription {
    let spec = spec(handler, topics);
    broker.plan(&plan_of(std::slice::from_ref(&spec))).await.unwrap();
    broker.subscribe(&spec).await.unwrap()
}

/// The next deliveries, at least one.
pub(crate) async fn take(consumer: &mut dyn Consumer, max: usize) -> Vec<Delivery> {
    let mut into = Vec::new();
    let taken = std::future::poll_fn(|cx| consumer.poll_take(cx, max, &mut into)).await.unwrap();
    assert_eq!(taken, Taken::Batch);
    into
}

/// Exactly this many deliveries, in however many batches.
pub(crate) async fn take_all(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(take(consumer, count - all.len()).await);
    }
    all
}

/// Whether there is nothing to take now.
pub(crate) async fn is_idle(consumer: &mut dyn Consumer) -> bool {
    let mut into = Vec::new();
    std::future::poll_fn(|cx| Poll::Ready(consumer.poll_take(cx, 16, &mut into).is_pending())).await
}

pub(crate) async fn begin(consumer: &mut dyn Consumer, token: Token) -> Result<(), Error> {
    consumer.begin(&mut vec![token]).await.unwrap().pop().unwrap()
}

pub(crate) async fn settle(consumer: &mut dyn Consumer, token: Token, settle: Settle) -> Result<(), Error> {
    consumer.settle(&mut vec![(token, settle)]).await.unwrap().pop().unwrap()
}

/// Begins and acknowledges.
pub(crate) async fn handle(consumer: &mut dyn Consumer, delivery: &Delivery) {
    begin(consumer, delivery.token).await.unwrap();
    settle(consumer, delivery.token, ack()).await.unwrap();
}

pub(crate) fn ack() -> Settle {
    Settle::Ack { outputs: vec![] }
}

pub(crate) fn positions(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.token.position).collect()
}

pub(crate) async fn follow(tail: &mut dyn Tail, count: usize) -> Vec<Arc<Recorded>> {
    let mut all = Vec::new();
    while all.len() < count {
        let max = count - all.len();
        let taken = std::future::poll_fn(|cx| tail.poll_next(cx, max, &mut all)).await.unwrap();
        assert_eq!(taken, Taken::Batch);
    }
    all
}
