//! Events between dispatchers and a transport.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use fanfare::{
    App, Context, Envelope, Event, HandlerExt, RawEvent, Retry, State,
    dispatch::{Dispatcher, SubscribeExt},
    middleware::Dedup,
    testing::TestApp,
};
use fanfare_core::ErrorKind;
use serde_json::json;

use super::{Cancelled, Opened, Placed, Story, placed};

/// Nobody listens to it here.
#[derive(Event, Clone)]
#[event(type = "door.closed", local)]
struct Closed;
use crate::support::{app, clock, pass_secs, poor};

async fn told(event: Envelope<Placed>, State(story): State<Story>) {
    let metadata = &event.metadata;
    let is_caused = metadata.causation_id.is_some();
    story.tell(format!(
        "{} {} depth {} {is_caused}",
        event.quantity, metadata.source, metadata.causation_depth
    ));
}

fn dispatcher(story: &Story) -> Dispatcher {
    Dispatcher::builder().state(story.clone()).build()
}

#[tokio::test(start_paused = true)]
async fn what_is_forwarded_reaches_other_dispatchers_with_its_ids_and_does_not_come_back() {
    let (here, there) = (Story::default(), Story::default());
    let (sender, other) = (dispatcher(&here), dispatcher(&there));
    sender.on(told);
    other.on(told);
    let application =
        App::new("shop").on(sender.receiver::<Placed>().named("back")).on(other.receiver::<Placed>());
    let app = TestApp::start(application).await.unwrap();
    sender.forward::<Placed>(app.publisher());
    other.forward::<Placed>(app.publisher());
    // Caused by another event, so that there is something to keep.
    sender.on(|event: &Cancelled| Ok::<_, String>(placed(event.0)));
    let report = sender.emit(Cancelled(7)).await;
    assert_eq!((report.ran(), report.is_ok()), (3, true));
    app.idle().await;
    assert_eq!(here.take(), ["7 local depth 1 true"]);
    assert_eq!(there.take(), ["7 shop depth 1 true"]);
    assert_eq!(app.events::<Placed>().await, [placed(7)], "it went over once, in one direction");
    assert_eq!((app.handled("back"), app.handled("receive_order_placed")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn ids_and_correlation_are_those_of_the_emit_and_go_on_behind_the_bridge() {
    async fn ids(_: Arc<Placed>, context: Context, State(story): State<Story>) -> Cancelled {
        story.tell(format!("{} of {}", context.event_id(), context.correlation_id()));
        Cancelled(1)
    }
    async fn caused(_: Cancelled, context: Context, State(story): State<Story>) {
        let cause = context.causation_id().unwrap();
        story.tell(format!(
            "{cause} of {} at {}",
            context.correlation_id(),
            context.metadata().causation_depth
        ));
    }
    let (here, there) = (Story::default(), Story::default());
    let (sender, receiver) = (dispatcher(&here), dispatcher(&there));
    sender.on(ids);
    receiver.on(ids);
    receiver.on(caused);
    let app = TestApp::start(App::new("shop").on(receiver.receiver::<Placed>())).await.unwrap();
    sender.forward::<Placed>(app.publisher());
    sender.emit(placed(1)).await.ignore();
    app.idle().await;
    let (sent, received) = (here.take(), there.take());
    let id = sent[0].split(' ').next().unwrap();
    assert_eq!(received[0], sent[0]);
    assert_eq!(received[1], format!("{id} of {id} at 1"));
}

#[tokio::test(start_paused = true)]
async fn a_failed_handler_fails_the_delivery_and_a_retry_spares_those_that_have_succeeded() {
    let calls = Arc::new(AtomicU32::new(0));
    let dispatcher = Dispatcher::new();
    let (flaky, steady) = (calls.clone(), Arc::new(AtomicU32::new(0)));
    dispatcher.on(move |_: &Placed| match flaky.fetch_add(1, Ordering::Relaxed) {
        0 => Err("the first time"),
        _ => Ok(()),
    });
    let counted = steady.clone();
    let once = move |_: Arc<Placed>| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {}
    };
    dispatcher.on(once.named("once").wrap(Dedup::new(100)));
    let receiver = dispatcher.receiver::<Placed>().retry(Retry::exponential());
    let app = TestApp::start(App::new("shop").on(receiver)).await.unwrap();
    app.publish(placed(1)).await;
    app.advance(std::time::Duration::from_secs(60)).await;
    assert_eq!((calls.load(Ordering::Relaxed), steady.load(Ordering::Relaxed)), (2, 1));
    let name = "receive_order_placed";
    assert_eq!((app.failed(name), app.handled(name)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_publish_that_fails_is_a_failed_handler_in_the_report() {
    let clock = clock();
    let transport = poor(&clock);
    let running = app(&clock).with_transport(transport.clone()).start().await.unwrap();
    let dispatcher = Dispatcher::new();
    dispatcher.forward::<Placed>(running.publisher());
    transport.fail_next_submit(ErrorKind::Unavailable);
    let report = dispatcher.emit(placed(1)).await;
    let [failure] = report.failures() else { panic!("one failure") };
    assert_eq!(failure.handler(), "forward order.placed");
    assert!(failure.error().is::<fanfare::PublishError>());
    assert!(dispatcher.emit(placed(1)).await.is_ok());
    pass_secs(1).await;
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn raw_events_and_whole_families_of_types_cross_it_too() {
    let (here, there) = (dispatcher(&Story::default()), Story::default());
    let receiver = dispatcher(&there);
    receiver.on(told);
    let names = there.clone();
    receiver.on((move |event: &RawEvent| names.tell(event.event_type())).priority(-1));
    let app = App::new("shop").event::<Placed>().on(receiver.receiver::<RawEvent>().types("order.>"));
    let app = TestApp::start(app).await.unwrap();
    here.forward_matching("order.>", app.publisher());
    here.emit(RawEvent::json("order.placed", json!({ "item": "Book", "quantity": 2 }))).await.ignore();
    here.emit(Cancelled(3)).await.ignore();
    assert!(here.emit(RawEvent::empty("door.opened")).await.is_unheard());
    app.idle().await;
    let mut lines = there.take();
    lines.sort();
    assert_eq!(lines, ["2 shop depth 0 false", "order.cancelled", "order.placed"]);
}

#[tokio::test(start_paused = true)]
async fn local_events_stay_here_whatever_the_filter() {
    async fn types(event: RawEvent, State(story): State<Story>) {
        story.tell(event.event_type());
    }
    let (here, story) = (dispatcher(&Story::default()), Story::default());
    let app = App::new("shop").event::<Placed>().event::<Cancelled>().state(story.clone());
    let app = TestApp::start(app.on(types.in_order())).await.unwrap();
    here.forward_matching(">", app.publisher());
    // Emitted, of a type that this dispatcher has met, and returned, of one that it has not.
    here.on(|_: &Opened| {});
    assert!(here.emit(Opened).await.is_ok());
    here.on(|_: &Cancelled| Ok::<_, String>(Closed));
    here.emit(Cancelled(1)).await.into_result().unwrap();
    here.emit(placed(1)).await.into_result().unwrap();
    app.idle().await;
    assert_eq!(story.take(), ["order.cancelled", "order.placed"]);
}
