//! Events that handlers return: their limits, and storms.

use std::time::Duration;

use fanfare::{
    App, BlockingExt, Context, Event, HandlerExt, PublishOptions, Publisher, Retry, State,
    dispatch::StormGuard, testing::TestApp,
};
use fanfare_core::{Clock, ErrorKind};
use serde::{Deserialize, Serialize, Serializer};

use crate::support::{Seen, StepTaken, app, clock, pass_secs, poor, step};

#[tokio::test(start_paused = true)]
async fn an_output_that_is_too_large_makes_a_dead_letter_and_the_key_goes_on() {
    async fn grow(event: StepTaken) -> Option<StepTaken> {
        (event.number == 0).then(|| step(&"x".repeat(20 << 20), 1))
    }
    let app = TestApp::start(App::new("test").on(grow)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.publish(step("a", 1)).await;
    app.idle().await;
    let dead = app.dead_letters("grow").await;
    assert_eq!((dead.len(), app.handled("grow")), (1, 1));
    assert!(dead[0].reason.starts_with("its outputs cannot be published"), "{}", dead[0].reason);
}

#[tokio::test(start_paused = true)]
async fn want_of_space_for_outputs_is_a_retry_that_does_not_count() {
    async fn steps(
        event: StepTaken,
        context: Context,
        State(seen): State<Seen<(u32, u32)>>,
    ) -> Option<StepTaken> {
        seen.push((event.number, context.attempt()));
        (event.number == 0).then(|| step("out", 100))
    }
    let clock = clock();
    let poor = poor(&clock);
    let seen = Seen::<(u32, u32)>::default();
    let running =
        app(&clock).with_transport(poor.clone()).state(seen.clone()).on(steps).start().await.unwrap();
    running.publisher().publish(step("a", 0)).await.unwrap();
    running.publisher().publish(step("a", 1)).await.unwrap();
    poor.fail_next_submit(ErrorKind::Full);
    pass_secs(10).await;
    assert_eq!(seen.all(), [(0, 1), (0, 1), (1, 1), (100, 1)]);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_circle_of_handlers_ends_in_a_dead_letter_that_tells_the_chain() {
    async fn ping(event: StepTaken) -> StepTaken {
        step(&event.thing, event.number + 1)
    }
    let app = TestApp::start(App::new("test").on(ping)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.idle().await;
    let dead = app.dead_letters("ping").await;
    assert_eq!((dead.len(), app.handled("ping")), (1, 8));
    assert!(dead[0].reason.contains("came back to the same type and key 8 times"), "{}", dead[0].reason);
    assert!(dead[0].reason.contains("chain: step.taken -> step.taken"), "{}", dead[0].reason);
}

#[tokio::test(start_paused = true)]
async fn a_chain_over_ever_new_keys_ends_at_its_depth() {
    async fn wander(event: StepTaken) -> StepTaken {
        step(&format!("{}", event.number + 1), event.number + 1)
    }
    let app = TestApp::start(App::new("test").on(wander)).await.unwrap();
    app.publish(step("0", 0)).await;
    app.idle().await;
    let dead = app.dead_letters("wander").await;
    assert_eq!((dead.len(), app.handled("wander")), (1, 64));
    assert!(dead[0].reason.contains("65 deep, 64 at most"), "{}", dead[0].reason);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_schedules_itself_as_a_new_root_goes_on() {
    async fn tick(event: StepTaken, context: Context) {
        let options = PublishOptions::new().delay(Duration::from_secs(60)).new_root();
        context.publish_with(step("clock", event.number + 1), options);
    }
    let app = TestApp::start(App::new("test").on(tick)).await.unwrap();
    app.publish(step("clock", 0)).await;
    app.advance(Duration::from_secs(60 * 100 + 30)).await;
    assert_eq!((app.handled("tick"), app.dead_letters("tick").await.len()), (101, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_out_when_the_handler_fails() {
    async fn fail(_: StepTaken, context: Context) -> Result<(), String> {
        context.publish(step("out", 1));
        Err("after publishing".into())
    }
    let app = TestApp::start(App::new("test").on(fail.retry(Retry::none()))).await.unwrap();
    app.publish(step("a", 0)).await;
    app.idle().await;
    assert_eq!(app.events::<StepTaken>().await, [step("a", 0)]);
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "result.made")]
struct ResultMade {
    #[serde(serialize_with = "only_even")]
    number: u32,
}

fn only_even<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    assert!(number.is_multiple_of(2), "{number} is odd");
    serializer.serialize_u32(*number)
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_an_output_is_encoded_is_a_counted_failure_and_the_group_goes_on() {
    async fn make(event: StepTaken, context: Context) -> Option<ResultMade> {
        if event.number == 3 {
            context.publish(ResultMade { number: 3 });
            return None;
        }
        Some(ResultMade { number: event.number })
    }
    for concurrency in [1, 16] {
        let handler =
            make.concurrency(concurrency).retry(Retry::fixed(Duration::from_secs(1)).attempts_max(2));
        let app = TestApp::start(App::new("test").on(handler)).await.unwrap();
        for number in 1..=4 {
            app.publish(step("a", number)).await;
        }
        app.advance(Duration::from_secs(10)).await;
        let reasons: Vec<_> =
            app.dead_letters("make").await.into_iter().map(|dead| dead.reason.to_string()).collect();
        let odd = |number| format!("gave up after 2 attempts: panicked: {number} is odd");
        assert_eq!(reasons, [odd(1), odd(3)]);
        assert_eq!((app.handled("make"), app.failed("make")), (2, 4));
        let begin = app.clock().monotonic();
        let clock = app.clock().clone();
        app.shutdown().await;
        assert_eq!(clock.monotonic() - begin, Duration::ZERO, "the drain waited for something");
    }
}

async fn chain(app: &TestApp) -> Vec<(u32, u16, bool, bool)> {
    let log = app.running().transport().log().unwrap();
    let page = log.read(&fanfare::TopicFilter::all(), log.start(), 100).await.unwrap();
    let root = page.records[0].message.metadata.id.clone();
    let records = page.records.iter().map(|record| {
        let metadata = &record.message.metadata;
        let number = serde_json::from_slice::<StepTaken>(&record.message.payload).unwrap().number;
        let is_caused = metadata.causation_id.is_some();
        (number, metadata.causation_depth, is_caused, metadata.correlation_id.as_ref() == Some(&root))
    });
    records.collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_publishes_by_itself_belongs_to_its_chain() {
    async fn direct(event: StepTaken, publisher: Publisher) -> Result<(), fanfare::PublishError> {
        if event.number == 0 {
            publisher.publish(step("b", 1)).await?;
            publisher.publish(step("c", 2)).new_root().await?;
        }
        Ok(())
    }
    fn blocking(event: StepTaken, State(publisher): State<std::sync::Arc<std::sync::OnceLock<Publisher>>>) {
        if event.number == 1 {
            drop(publisher.get().unwrap().try_publish(step("d", 3)).unwrap());
        }
    }
    let publisher = std::sync::Arc::new(std::sync::OnceLock::new());
    let app = App::new("test").state(publisher.clone()).on(direct).on(blocking.blocking());
    let app = TestApp::start(app).await.unwrap();
    let _ = publisher.set(app.publisher().clone());
    app.publish(step("a", 0)).await;
    app.idle().await;
    let mut chain = chain(&app).await;
    chain.sort();
    assert_eq!(chain, [(0, 0, false, false), (1, 1, true, true), (2, 0, true, false), (3, 2, true, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_direct_publish_in_a_circle_is_refused_and_its_delivery_a_dead_letter_at_once() {
    async fn again(event: StepTaken, publisher: Publisher) -> Result<(), fanfare::PublishError> {
        publisher.publish(step(&event.thing, event.number + 1)).await?;
        Ok(())
    }
    let app = TestApp::start(App::new("test").on(again)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.idle().await;
    let dead = app.dead_letters("again").await;
    assert_eq!((dead.len(), app.handled("again"), app.failed("again")), (1, 8, 1));
    assert!(
        dead[0].reason.contains("8 times") && dead[0].reason.contains("step.taken ->"),
        "{}",
        dead[0].reason
    );
}

#[tokio::test(start_paused = true)]
async fn a_root_event_may_have_a_budget_and_a_type_a_rate() {
    async fn burst(event: StepTaken) -> Vec<StepTaken> {
        let next = |n| step(&format!("{} {n}", event.thing), event.number + 1);
        if event.number < 3 { (0..3).map(next).collect() } else { Vec::new() }
    }
    let guard = StormGuard::new().fan_out_max(10);
    let app = TestApp::start(App::new("test").storm_guard(guard).on(burst)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.idle().await;
    let dead = app.dead_letters("burst").await;
    assert!(app.events::<StepTaken>().await.len() <= 11);
    assert!(dead[0].reason.contains("more than 10 events"), "{}", dead[0].reason);
    app.publish(step("b", 3)).await;
    app.idle().await;
    assert_eq!(app.dead_letters("burst").await.len(), dead.len(), "another root has a budget of its own");

    let guard = StormGuard::new().rate_max(4, Duration::from_secs(60));
    let app = TestApp::start(App::new("test").storm_guard(guard).on(burst.concurrency(1))).await.unwrap();
    app.publish(step("a", 2)).await;
    app.publish(step("b", 2)).await;
    app.idle().await;
    let dead = app.dead_letters("burst").await;
    assert_eq!((dead.len(), app.events::<StepTaken>().await.len()), (1, 5));
    assert!(dead[0].reason.contains("more than 4 events of one type"), "{}", dead[0].reason);
    app.advance(Duration::from_secs(60)).await;
    assert_eq!(app.redrive("burst").await, 1);
    app.idle().await;
    assert_eq!(app.events::<StepTaken>().await.len(), 8, "the breaker has closed");
}
