//! Raw events and handlers of their type; enums of events that stay in the process.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use fanfare::{
    Context, Envelope, Event, Events, RawEvent, State,
    dispatch::{Dispatcher, FailureKind, SubscribeExt},
};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::{Cancelled, Opened, Placed, Story, placed};

fn raw(quantity: u32) -> RawEvent {
    RawEvent::json("order.placed", json!({ "item": "Rust Book", "quantity": quantity }))
}

async fn told(order: Placed, State(story): State<Story>, context: Context) {
    story.tell(format!("async {} key {:?}", order.quantity, context.key()));
}

async fn enveloped(order: Envelope<Placed>, State(story): State<Story>) {
    story.tell(format!("{} {}", order.topic, order.quantity));
}

#[test]
fn a_raw_event_reaches_the_handlers_of_its_type_in_the_order_of_all() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    let (first, second) = (story.clone(), story.clone());
    dispatcher.on(move |event: &RawEvent| second.tell(format!("raw {}", event.event_type())));
    dispatcher.on((move |order: &Placed| first.tell(format!("sync {}", order.quantity))).priority(1));
    dispatcher.on(told);
    dispatcher.on(enveloped);
    assert_eq!(dispatcher.emit_sync(&raw(3)).not_run(), ["told", "enveloped"]);
    assert_eq!(story.take(), ["sync 3", "raw order.placed"]);
    let report = dispatcher.emit(raw(4)).now_or_never().unwrap();
    assert_eq!((report.ran(), report.is_ok()), (4, true));
    let lines = ["sync 4", "raw order.placed", "async 4 key Some(\"Rust Book\")", "order 4"];
    assert_eq!(story.take(), lines);
    assert_eq!(dispatcher.snapshot().types[0].emitted, 2);
}

#[test]
fn a_payload_that_does_not_decode_is_a_failed_handler_and_hides_nobody() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    dispatcher.on((|_: &Placed| {}).when(|order: &Placed| order.quantity > 100));
    dispatcher.on(told);
    let others = story.clone();
    dispatcher.on(move |event: &RawEvent| others.tell(event.event_type()));
    let report =
        dispatcher.emit(RawEvent::json("order.placed", json!({ "item": 7 }))).now_or_never().unwrap();
    let kinds: Vec<_> = report.failures().iter().map(|failure| failure.kind()).collect();
    assert_eq!((report.ran(), kinds), (3, vec![FailureKind::Decode; 2]));
    assert_eq!(story.take(), ["order.placed"]);
    assert_eq!(dispatcher.emit(raw(7)).now_or_never().unwrap().ran(), 2, "the predicate sees the event");
}

#[test]
fn a_raw_event_is_handled_once_by_a_handler_for_one_event_and_not_by_those_of_a_local_type() {
    let dispatcher = Dispatcher::new();
    dispatcher.on((|_: &Placed| {}).once());
    dispatcher.on(|_: &Opened| {});
    assert_eq!(dispatcher.emit_sync(&raw(1)).ran(), 1);
    assert!(dispatcher.emit_sync(&raw(1)).is_unheard());
    assert!(dispatcher.emit_sync(&RawEvent::empty("door.opened")).is_unheard());
}

static ENCODED: AtomicU32 = AtomicU32::new(0);

fn counted<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    ENCODED.fetch_add(1, Ordering::Relaxed);
    serializer.serialize_u32(*value)
}

#[derive(Event, Serialize, Deserialize, Clone)]
#[event(type = "reading.taken")]
struct Reading(#[serde(serialize_with = "counted")] u32);

#[test]
fn a_payload_is_encoded_when_a_raw_handler_asks_for_it_and_once_for_its_clones() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    async fn names(event: RawEvent, State(story): State<Story>) {
        story.tell(event.event_type());
    }
    dispatcher.on(names);
    let named = story.clone();
    dispatcher.on(move |event: &RawEvent| named.tell(event.event_type()));
    assert_eq!(dispatcher.emit(Reading(5)).now_or_never().unwrap().ran(), 2);
    assert_eq!((ENCODED.load(Ordering::Relaxed), story.take().len()), (0, 2));
    let payloads = story.clone();
    dispatcher.on(move |event: &RawEvent| {
        let clone = event.clone();
        payloads.tell(format!("{:?} {:?}", event.payload(), clone.decode::<u32>()));
    });
    assert_eq!(dispatcher.emit_sync(&Reading(5)).ran(), 2);
    assert_eq!(ENCODED.load(Ordering::Relaxed), 1);
    assert_eq!(story.take(), ["reading.taken", "b\"5\" Ok(5)"]);
}

/// Neither serde nor `Clone`.
#[derive(Event)]
#[event(type = "door.closed", local)]
struct Closed(u32);

#[derive(Event, Clone)]
#[event(type = "door.locked", local)]
struct Locked(u32);

#[derive(Events)]
enum DoorEvent {
    Closed(Arc<Closed>),
    Locked(Locked),
    Opened(Opened),
}

async fn door(event: DoorEvent, State(story): State<Story>) {
    story.tell(match event {
        DoorEvent::Closed(closed) => format!("closed {}", closed.0),
        DoorEvent::Locked(locked) => format!("locked {}", locked.0),
        DoorEvent::Opened(_) => "opened".to_owned(),
    });
}

#[test]
fn an_enum_of_local_events_is_made_of_the_events_themselves() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    dispatcher.on(door);
    assert!(dispatcher.emit(Closed(1)).now_or_never().unwrap().is_ok());
    assert!(dispatcher.emit(Locked(2)).now_or_never().unwrap().is_ok());
    assert_eq!(story.take(), ["closed 1", "locked 2"]);
    let report = dispatcher.emit(Opened).now_or_never().unwrap();
    assert_eq!(report.failures()[0].kind(), FailureKind::Decode);
    assert!(report.failures()[0].error().to_string().contains("let the variant hold an `Arc`"));
}

#[derive(Events)]
#[expect(clippy::large_enum_variant, reason = "one variant holds the metadata")]
enum OrderEvent {
    Placed(Envelope<Placed>),
    Cancelled(Cancelled),
}

#[test]
fn an_enum_of_events_takes_typed_and_raw_ones() {
    async fn order(event: OrderEvent, State(story): State<Story>) {
        story.tell(match event {
            OrderEvent::Placed(placed) => {
                format!("placed {} {}", placed.quantity, placed.metadata.event_type)
            }
            OrderEvent::Cancelled(cancelled) => format!("cancelled {}", cancelled.0),
        });
    }
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    dispatcher.on(order);
    assert!(dispatcher.emit(placed(1)).now_or_never().unwrap().is_ok());
    assert!(dispatcher.emit(raw(2)).now_or_never().unwrap().is_ok());
    assert!(dispatcher.emit(Cancelled(3)).now_or_never().unwrap().is_ok());
    assert_eq!(story.take(), ["placed 1 order.placed", "placed 2 order.placed", "cancelled 3"]);
}
