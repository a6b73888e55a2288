//! What may be published, and what is refused before it travels.

use std::{sync::Arc, time::Duration};

use fanfare::{
    App, Context, HandlerExt, PublishOptions, RawEvent, clock::SystemRandom, publish::Publisher,
    testing::TestApp,
};
use fanfare_broker::{Broker, Options};
use fanfare_core::{Clock, ErrorKind, Topic, cloudevents};

use crate::support::{StepTaken, app, clock, step};

async fn fine(_: StepTaken) {}

#[tokio::test(start_paused = true)]
async fn headers_that_are_attributes_or_no_names_are_refused() {
    let app = TestApp::start(App::new("test").on(fine)).await.unwrap();
    for name in [
        "id",
        "source",
        "type",
        "specversion",
        "data",
        "partitionkey",
        "causationchain",
        "correlationid",
        "typeversion",
        "idempotencykey",
        "deadreason",
        "",
        "Foo",
        "foo bar",
        "foo-bar",
        "data_base64",
        "größe",
    ] {
        let refused = app.publisher().publish(step("a", 1)).header(name, "x").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{name}");
        assert!(refused.to_string().contains(&format!("`{name}`")), "{refused}");
    }
    app.publisher()
        .publish(step("a", 1))
        .header("tenant7", "acme")
        .header("averylongnamethatisonlynotadvised", "x")
        .await
        .unwrap();
    let log = app.running().transport().log().unwrap();
    let page = log.read(&fanfare_core::TopicFilter::all(), log.start(), 10).await.unwrap();
    let message = &page.records[0].message;
    let text = cloudevents::to_json(&message.metadata, &message.payload).unwrap();
    let (metadata, _) = cloudevents::from_json(text.as_bytes()).unwrap();
    assert_eq!(metadata, message.metadata);
    assert_eq!(page.records.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_header_of_an_output_is_a_dead_letter_that_says_so() {
    async fn forget(_: StepTaken, context: Context) {
        let options = PublishOptions::new().header("causationchain", "");
        context.publish_with(RawEvent::empty("work.ended"), options);
    }
    let app = TestApp::start(App::new("test").on(forget)).await.unwrap();
    app.publish(step("a", 1)).await;
    app.idle().await;
    let dead = app.dead_letters("forget").await;
    assert!(
        dead[0].reason.contains("the header `causationchain` has a meaning of its own"),
        "{}",
        dead[0].reason
    );
}

#[tokio::test(start_paused = true)]
async fn a_raw_event_without_a_proper_type_is_refused_also_on_a_topic_of_its_own() {
    let app = TestApp::start(App::new("test").on(fine)).await.unwrap();
    for event_type in ["", ".", "order..placed", "order placed", "order.>", "*"] {
        let event = RawEvent::empty(event_type).on_topic(Topic::from_static("orders"));
        let refused = app.publisher().publish(event).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{event_type}");
        let refused = app.publisher().publish(RawEvent::empty(event_type)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid, "{event_type}");
    }
    let event = RawEvent::empty("order.placed").on_topic(Topic::from_static("orders"));
    app.publisher().publish(event).await.unwrap();
}

#[allow(clippy::disallowed_methods, reason = "the runtime's time is the test's clock")]
async fn slow(_: StepTaken) {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// An application whose memory holds some twenty events, each of which takes a second.
async fn nearly_full(clock: &Arc<dyn Clock>) -> fanfare::Running {
    let options = Options::new(clock.clone(), Arc::new(SystemRandom::seeded(3)));
    let broker = Broker::memory(options.recent_max(1_000).memory_max(10_000)).unwrap();
    app(clock).with_transport(Arc::new(broker)).on(slow.concurrency(1)).start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn publish_waits_for_room_where_work_makes_some() {
    let clock = clock();
    let running = nearly_full(&clock).await;
    let publisher = running.publisher();
    for n in 0..60 {
        publisher.publish(step("a", n)).await.unwrap();
    }
    for round in 0..3 {
        let batch = publisher.publish_all((0..10).map(|n| step("a", 100 + 10 * round + n)));
        let batch = if round == 1 { batch.atomic() } else { batch };
        let mut last = 0;
        for receipt in batch.await {
            let revision = receipt.unwrap().place.unwrap().revision;
            assert!(revision > last);
            last = revision;
        }
    }
    assert!(clock.monotonic() > Duration::from_secs(60), "it has waited: {:?}", clock.monotonic());
    running.shutdown().await.unwrap();
}

/// Hands events over until one is refused.
async fn refused(publisher: &Publisher) -> fanfare::publish::PublishError {
    for n in 0..1_000 {
        if let Err(refused) = publisher.try_publish(step("a", n)).unwrap().await {
            return refused;
        }
    }
    panic!("nothing was refused");
}

#[tokio::test(start_paused = true)]
async fn try_publish_does_not_wait_for_room() {
    let clock = clock();
    let running = nearly_full(&clock).await;
    let refused = refused(running.publisher()).await;
    assert_eq!((refused.kind(), refused.is_retryable()), (ErrorKind::Busy, true));
    let outgoing = refused.into_outgoing().expect("it comes back");
    let again = running.publisher().publish_message(outgoing).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Busy);
    assert_eq!(clock.monotonic(), Duration::ZERO);
    // One that is closed meanwhile is not waited for.
    let waiting = running.publisher().clone();
    let waiting = tokio::spawn(async move { waiting.publish(step("b", 1)).await });
    tokio::task::yield_now().await;
    running.shutdown().await.unwrap();
    let ended = waiting.await.unwrap();
    assert!(ended.as_ref().map_or_else(|error| error.kind() == ErrorKind::Closed, |_| true), "{ended:?}");
}
