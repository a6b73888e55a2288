//! Events that handlers return: their limits, and storms.

use std::time::Duration;

use fanfare::{App, Context, Event, HandlerExt, PublishOptions, Retry, State, testing::TestApp};
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
    assert!(dead[0].reason.contains("chain: ping:"), "{}", dead[0].reason);
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
