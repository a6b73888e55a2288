//! What may be published, and what is refused before it travels.

use fanfare::{App, Context, PublishOptions, RawEvent, testing::TestApp};
use fanfare_core::{ErrorKind, Topic, cloudevents};

use crate::support::{StepTaken, step};

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
