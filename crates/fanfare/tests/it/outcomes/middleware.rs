//! The middleware of the dispatcher, around an application's handlers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fanfare::{
    App, Attempt, Context, HandlerExt, RawEvent, Retry, State,
    middleware::{
        Call, CircuitBreaker, Dedup, Logging, Next, NextSync, Outcome, RateLimit, Retrying, Timeout, Timing,
        from_fn, from_fn_sync, tower,
    },
    testing::TestApp,
};
use serde_json::json;

use crate::support::{Seen, StepTaken, step};

async fn flaky(
    event: StepTaken,
    Attempt(attempt): Attempt,
    State(seen): State<Seen<String>>,
) -> Result<(), String> {
    seen.push(format!("{} attempt {attempt}", event.number));
    match event.number {
        13 => panic!("thirteen"),
        number if attempt <= number => Err(format!("no {attempt}")),
        _ => Ok(()),
    }
}

async fn audited(call: Call, next: Next) -> Outcome {
    let outcome = next.run().await;
    let error = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let (handler, event_type, key) = (call.handler(), call.event_type(), call.metadata().key.clone());
    AUDIT.get().unwrap().push(format!("{handler} {event_type} {key:?} {error}"));
    outcome
}

static AUDIT: std::sync::OnceLock<Seen<String>> = std::sync::OnceLock::new();

#[tokio::test(start_paused = true)]
async fn it_goes_around_every_attempt_and_the_handler_keeps_its_name() {
    let audit = AUDIT.get_or_init(Seen::default);
    let (timing, seen) = (Timing::new(), Seen::<String>::default());
    let app = App::new("test").state(seen.clone()).wrap(timing.clone()).wrap(Logging::new()).on(flaky
        .wrap(from_fn(audited))
        .wrap(tower(::tower::layer::util::Identity::new()))
        .retry(Retry::exponential()));
    let app = TestApp::start(app).await.unwrap();
    app.publish(step("a", 1)).await;
    app.advance(Duration::from_secs(60)).await;
    assert_eq!(seen.all(), ["1 attempt 1", "1 attempt 2"]);
    let line = |error| format!("flaky step.taken Some(\"a\") {error}");
    assert_eq!(audit.all(), [line("no 1"), line("")]);
    assert_eq!((app.handled("flaky"), app.failed("flaky")), (1, 1));
    let [times] = &timing.latencies()[..] else { panic!("one handler") };
    assert_eq!((times.handler.as_str(), times.calls), ("flaky", 2));
}

#[tokio::test(start_paused = true)]
async fn panics_and_records_that_do_not_decode_mean_the_same_within() {
    let seen = Seen::<String>::default();
    let handler = flaky.wrap(Logging::new()).retry(Retry::none());
    let app = TestApp::start(App::new("test").state(seen).on(handler)).await.unwrap();
    app.publish(step("a", 13)).await;
    app.publish(RawEvent::json("step.taken", json!({ "thing": "b", "number": "none" }))).await;
    app.idle().await;
    let reasons: Vec<_> =
        app.dead_letters("flaky").await.into_iter().map(|dead| dead.reason.to_string()).collect();
    let [panicked, undecoded] = &reasons[..] else { panic!("{reasons:?}") };
    assert!(panicked.contains("panicked: thirteen"), "{panicked}");
    assert!(undecoded.contains("failed to decode the payload"), "{undecoded}");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_and_an_open_breaker_fail_the_attempt_which_is_retried() {
    async fn slow(event: StepTaken, Attempt(attempt): Attempt, State(calls): State<Arc<AtomicU32>>) {
        calls.fetch_add(1, Ordering::Relaxed);
        if event.number == 0 && attempt == 1 {
            std::future::pending::<()>().await;
        }
    }
    let calls = Arc::new(AtomicU32::new(0));
    let breaker = CircuitBreaker::new(1, Duration::from_secs(100));
    let handler = slow
        .wrap(Timeout::new(Duration::from_secs(2)))
        .wrap(breaker)
        .retry(Retry::fixed(Duration::from_secs(60)).attempts_max(9));
    let app = TestApp::start(App::new("test").state(calls.clone()).on(handler)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.advance(Duration::from_secs(3)).await;
    app.publish(step("b", 1)).await;
    app.advance(Duration::from_secs(10)).await;
    assert_eq!(
        (app.failed("slow"), calls.load(Ordering::Relaxed)),
        (2, 1),
        "the breaker refused the other one"
    );
    app.advance(Duration::from_secs(300)).await;
    assert_eq!((app.handled("slow"), app.dead_letters("slow").await.len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn limits_and_deduplication_work_per_handler() {
    async fn counts(_: StepTaken, State(calls): State<Arc<AtomicU32>>) {
        calls.fetch_add(1, Ordering::Relaxed);
    }
    let calls = Arc::new(AtomicU32::new(0));
    let handler = counts.wrap(Dedup::new(100)).wrap(RateLimit::new(1, Duration::from_secs(1))).concurrency(1);
    let app = TestApp::start(App::new("test").state(calls.clone()).on(handler)).await.unwrap();
    let start = tokio::time::Instant::now();
    for (key, id) in [("a", "1"), ("b", "2"), ("c", "1")] {
        app.publisher().publish(step(key, 1)).id(id).await.unwrap();
    }
    app.idle().await;
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!((app.handled("counts"), calls.load(Ordering::Relaxed)), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_call_buffered_does_not_go_out_with_a_second_one_of_its_attempt() {
    async fn publishes(
        event: StepTaken,
        context: Context,
        State(calls): State<Arc<AtomicU32>>,
    ) -> Result<(), String> {
        context.publish(step("out", 100 + event.number));
        if calls.fetch_add(1, Ordering::Relaxed) == 0 { Err("the first time".into()) } else { Ok(()) }
    }
    async fn twice(_: Call, next: Next) -> Outcome {
        match next.run().await {
            Err(_) => next.run().await,
            outcome => outcome,
        }
    }
    let handler = publishes.wrap(from_fn(twice)).types("step.*").concurrency(1);
    let app = App::new("test").state(Arc::new(AtomicU32::new(0))).on(handler);
    let app = TestApp::start(app).await.unwrap();
    app.publisher().publish(step("a", 1)).await.unwrap();
    app.advance(Duration::from_millis(1)).await;
    let all = app.events::<StepTaken>().await;
    assert_eq!(all.iter().filter(|event| event.number == 101).count(), 1, "{all:?}");
}

#[tokio::test]
async fn what_makes_no_sense_on_an_application_is_refused_by_name_with_its_line() {
    async fn retried(_: StepTaken) {}
    async fn waited_for(_: StepTaken) {}
    let app = App::new("test").transport("memory:");
    let line = line!() + 1;
    let app = app.on(retried.wrap(Retrying::new(Retry::none())));
    let app = app.on(waited_for.wrap(from_fn_sync(|_: &Call, next: NextSync<'_>| next.run())));
    let refused = app.start().await.unwrap_err();
    let [retrying, sync] = refused.mistakes() else { panic!("{refused}") };
    assert_eq!(retrying.location().unwrap().line(), line);
    assert!(
        retrying.text().contains("`Retrying`") && retrying.text().contains(".retry(policy)"),
        "{retrying}"
    );
    assert!(sync.text().contains("`FromFnSync`") && sync.text().contains("it is async"), "{sync}");
}
