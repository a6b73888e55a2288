//! What an emit does and in which order.
#![allow(clippy::disallowed_methods, reason = "tokio's paused time")]

use std::{sync::Arc, time::Duration};

use fanfare::{
    Context, HandlerExt, PublishOptions, RawEvent, State,
    dispatch::{Dispatcher, SubscribeExt},
};
use futures_util::FutureExt;
use serde_json::json;

use super::{Cancelled, Opened, Placed, Story, placed};

fn with_story() -> (Dispatcher, Story) {
    let story = Story::default();
    (Dispatcher::builder().state(story.clone()).build(), story)
}

async fn slow(_: Arc<Placed>, State(story): State<Story>) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    story.tell("slow");
}

async fn quick(_: Arc<Placed>, State(story): State<Story>) {
    tokio::time::sleep(Duration::from_millis(500)).await;
    story.tell("quick");
}

#[tokio::test(start_paused = true)]
async fn async_handlers_run_at_once_and_the_emit_waits_for_all() {
    let (dispatcher, story) = with_story();
    dispatcher.on(slow);
    dispatcher.on(quick);
    let told = story.clone();
    dispatcher.on(move |_: &Placed| told.tell("sync"));
    let start = tokio::time::Instant::now();
    assert_eq!(dispatcher.emit(placed(1)).await.ran(), 3);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert_eq!(story.take(), ["sync", "quick", "slow"]);
}

#[tokio::test(start_paused = true)]
async fn dropping_an_emit_drops_the_handlers_that_have_not_ended() {
    let (dispatcher, story) = with_story();
    dispatcher.on(slow);
    dispatcher.on(quick);
    let cut = tokio::time::timeout(Duration::from_millis(700), dispatcher.emit(placed(1))).await;
    assert!(cut.is_err());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(story.take(), ["quick"]);
    assert_eq!(dispatcher.emit(placed(1)).await.ran(), 2);
    assert_eq!(story.take(), ["quick", "slow"]);
}

#[tokio::test(start_paused = true)]
async fn emits_of_one_type_overlap() {
    let (dispatcher, story) = with_story();
    dispatcher.on(slow);
    let start = tokio::time::Instant::now();
    let reports = futures_util::future::join_all((0..50).map(|n| dispatcher.emit(placed(n)))).await;
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    assert!(reports.iter().all(|report| report.ran() == 1 && report.is_ok()));
    assert_eq!(story.take().len(), 50);
}

#[tokio::test]
async fn emit_sync_hands_async_handlers_to_the_runtime() {
    let (dispatcher, story) = with_story();
    let (done, was_done) = tokio::sync::oneshot::channel();
    let done = Arc::new(parking_lot::Mutex::new(Some(done)));
    dispatcher.on(move |_: &Opened| done.lock().take().unwrap().send(()).unwrap());
    let inner = dispatcher.clone();
    dispatcher.on(move |order: Placed| {
        let inner = inner.clone();
        async move {
            assert_eq!(order.quantity, 3);
            assert!(inner.emit(Opened).await.is_ok());
        }
    });
    let told = story.clone();
    dispatcher.on(move |_: &Placed| told.tell("sync"));
    let report = dispatcher.emit_sync(&placed(3));
    assert_eq!((report.ran(), report.handed_over(), report.not_run().len()), (1, 1, 0));
    was_done.await.unwrap();
}

#[test]
fn without_a_runtime_the_report_names_the_async_handlers() {
    let (dispatcher, _) = with_story();
    dispatcher.on(quick);
    let report = dispatcher.emit_sync(&placed(1));
    assert_eq!((report.ran(), report.not_run()), (0, &["quick".into()][..]));
    assert!(report.into_result().unwrap_err().to_string().contains("use `emit`"));
}

#[tokio::test]
async fn an_event_that_cannot_be_cloned_reaches_async_handlers_by_an_arc() {
    async fn opened(_: Arc<Opened>, State(story): State<Story>) {
        story.tell("opened");
    }
    let (dispatcher, story) = with_story();
    dispatcher.on(opened);
    assert_eq!(dispatcher.emit_sync(&Opened).not_run().len(), 1);
    assert_eq!(dispatcher.emit_sync_arc(&Arc::new(Opened)).handed_over(), 1);
    tokio::task::yield_now().await;
    assert_eq!(story.take(), ["opened"]);
}

#[test]
fn returned_events_are_emitted_in_turn_with_their_cause() {
    async fn cancel(order: Placed, context: Context, State(story): State<Story>) -> Option<Cancelled> {
        story.tell(format!("placed {} root {}", order.quantity, context.causation_id().is_none()));
        story.tell(context.event_id().to_string());
        (order.quantity > 1).then_some(Cancelled(order.quantity))
    }
    async fn cancelled(event: Cancelled, context: Context, State(story): State<Story>) {
        story.tell(context.causation_id().unwrap().to_string());
        assert_eq!(context.correlation_id(), context.causation_id().unwrap());
        story.tell(format!("cancelled {} depth {}", event.0, context.metadata().causation_depth));
    }
    let (dispatcher, story) = with_story();
    dispatcher.on(cancel);
    dispatcher.on(cancelled);
    assert_eq!(dispatcher.emit(placed(2)).now_or_never().unwrap().ran(), 2);
    let [first, id, cause, last] = &story.take()[..] else { panic!("four lines") };
    assert_eq!((first.as_str(), last.as_str()), ("placed 2 root true", "cancelled 2 depth 1"));
    assert_eq!(id, cause);
}

#[test]
fn a_synchronous_handler_may_return_events_in_a_result() {
    let (dispatcher, story) = with_story();
    dispatcher.on(|order: &Placed| Ok::<_, String>(Cancelled(order.quantity)));
    let told = story.clone();
    dispatcher.on(move |event: &Cancelled| told.tell(format!("cancelled {}", event.0)));
    assert_eq!(dispatcher.emit_sync(&placed(4)).ran(), 2);
    assert_eq!(story.take(), ["cancelled 4"]);
}

#[test]
fn a_nested_emit_carries_correlation_and_causation_by_itself() {
    let (dispatcher, story) = with_story();
    let inner = dispatcher.clone();
    dispatcher.on(move |_: &Placed| drop(inner.emit_sync(&Cancelled(1))));
    let told = story.clone();
    dispatcher.on(move |event: &RawEvent| {
        let metadata = event.metadata().unwrap();
        told.tell(format!("{} {}", metadata.causation_depth, metadata.correlation_id.as_ref().unwrap()));
    });
    let _ = dispatcher.emit_sync(&placed(1));
    let lines = story.take();
    let ids: Vec<&str> = lines.iter().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{lines:?}");
    let depths: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(depths, ["1", "0"]);
}

#[test]
fn an_event_known_by_name_alone_is_emitted_and_heard() {
    let (dispatcher, story) = with_story();
    let told = story.clone();
    dispatcher
        .on(move |event: &RawEvent| told.tell(format!("{} {}", event.event_type(), event.payload().len())));
    assert_eq!(dispatcher.emit_sync(&RawEvent::empty("sensor.ready")).ran(), 1);
    let reading = RawEvent::json("sensor.reading", json!({ "celsius": 21 }));
    assert_eq!(dispatcher.emit(reading).now_or_never().unwrap().ran(), 1);
    assert_eq!(story.take(), ["sensor.ready 0", "sensor.reading 14"]);
}

#[test]
fn a_report_names_async_handlers_that_were_wanted_and_takes_no_call_from_the_others() {
    async fn large(_: Placed) {}
    let (dispatcher, _) = with_story();
    dispatcher.on(large.when(|order: &Placed| order.quantity > 100));
    let once = dispatcher.on((async |_: RawEvent| {}).named("once").once());
    let report = dispatcher.emit_sync(&placed(3));
    assert_eq!((report.not_run(), once.is_active()), (&["once".into()][..], true));
    assert_eq!(dispatcher.emit_sync(&placed(300)).not_run().len(), 2);
    assert_eq!(dispatcher.emit(placed(3)).now_or_never().unwrap().ran(), 1);
    assert!(dispatcher.emit_sync(&placed(3)).into_result().is_ok());
}

#[tokio::test]
async fn only_handlers_that_are_wanted_are_handed_over() {
    async fn large(_: Placed) {}
    let (dispatcher, _) = with_story();
    dispatcher.on(large.when(|order: &Placed| order.quantity > 100));
    assert_eq!(dispatcher.emit_sync(&placed(3)).handed_over(), 0);
    dispatcher.on(large);
    assert_eq!(dispatcher.emit_sync(&placed(3)).handed_over(), 1);
    assert_eq!(dispatcher.emit_sync(&placed(300)).handed_over(), 2);
}

#[test]
fn options_of_a_publish_fail_the_handler_that_a_dispatcher_calls() {
    async fn delayed(order: Placed, context: Context) {
        let options = PublishOptions::new();
        let options = if order.quantity == 0 { options } else { options.delay(Duration::from_secs(1)) };
        context.publish_with(Cancelled(order.quantity), options);
    }
    let (dispatcher, story) = with_story();
    dispatcher.on(delayed);
    let told = story.clone();
    dispatcher.on(move |event: &Cancelled| told.tell(event.0.to_string()));
    let report = dispatcher.emit(placed(1)).now_or_never().unwrap();
    let text = report.failures()[0].to_string();
    assert!(text.contains("order.cancelled") && text.contains(".delay(..)"), "{text}");
    assert!(dispatcher.emit(placed(0)).now_or_never().unwrap().is_ok());
    assert_eq!(story.take(), ["0"]);
}
