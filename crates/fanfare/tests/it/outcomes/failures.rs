//! Failures that no retry mends, and what a dead letter keeps.

use std::time::Duration;

use fanfare::{App, Attempt, Failure, HandlerExt, RawEvent, Retry, State, testing::TestApp};
use serde_json::json;

use crate::support::{Seen, StepTaken, pass_secs, step};

#[derive(Debug, thiserror::Error)]
enum StockError {
    #[error("sold out")]
    SoldOut,
    #[error("busy")]
    Busy,
}

async fn reserve(event: StepTaken, State(seen): State<Seen<u32>>) -> Result<(), StockError> {
    seen.push(event.number);
    if event.number == 0 { Err(StockError::SoldOut) } else { Err(StockError::Busy) }
}

fn twice() -> Retry {
    Retry::fixed(Duration::from_secs(1)).attempts_max(2)
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_is_a_dead_letter_after_one_attempt_and_others_after_their_last() {
    let seen = Seen::<u32>::default();
    let handler =
        reserve.retry(twice()).permanent_if(|error: &StockError| matches!(error, StockError::SoldOut));
    let app = TestApp::start(App::new("test").state(seen.clone()).on(handler)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.publish(step("b", 1)).await;
    app.advance(Duration::from_secs(10)).await;
    let mut all = seen.all();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 1]);
    let dead = app.dead_letters("reserve").await;
    let summary: Vec<_> = dead.iter().map(|dead| (dead.reason.to_string(), dead.history.len())).collect();
    assert_eq!(
        summary,
        [("permanent failure: sold out".to_owned(), 1), ("gave up after 2 attempts: busy".to_owned(), 2)]
    );
    let history: Vec<_> =
        dead[1].history.iter().map(|failed| (failed.attempt, failed.error.to_string())).collect();
    assert_eq!(history, [(1, "busy".to_owned()), (2, "busy".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn redriven_dead_letters_come_back_to_the_group_that_gave_up_with_attempts_counted_anew() {
    async fn first(
        _: StepTaken,
        Attempt(attempt): Attempt,
        State(seen): State<Seen<u32>>,
    ) -> Result<(), Failure> {
        seen.push(attempt);
        if seen.len() == 1 { Err(Failure::permanent("not yet")) } else { Ok(()) }
    }
    async fn second(_: StepTaken) {}
    let seen = Seen::<u32>::default();
    let app = TestApp::start(App::new("test").state(seen.clone()).on(first).on(second)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.idle().await;
    assert_eq!(app.redrive("first").await, 1);
    app.idle().await;
    assert_eq!(seen.all(), [1, 1]);
    assert_eq!((app.handled("first"), app.handled("second")), (1, 1));
    assert!(app.dead_letters("first").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_takes_nothing_else_with_it() {
    async fn careful(event: StepTaken, Attempt(attempt): Attempt) {
        assert!(event.number != 0 || attempt > 1, "the first one of zero");
    }
    let app = TestApp::start(App::new("test").on(careful.retry(twice()))).await.unwrap();
    app.publish(step("a", 0)).await;
    app.publish(step("b", 1)).await;
    app.advance(Duration::from_secs(5)).await;
    assert_eq!((app.handled("careful"), app.failed("careful")), (2, 1));
    assert!(
        app.running()
            .metrics()
            .await
            .contains("fanfare_panicked_total{application=\"test\",role=\"\",handler=\"careful\"} 1")
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_decode_is_a_dead_letter_with_its_bytes() {
    async fn typed(_: StepTaken) {}
    let app = TestApp::start(App::new("test").on(typed)).await.unwrap();
    let odd = json!({ "thing": "a", "number": "seven" });
    app.publish(RawEvent::json("step.taken", odd.clone())).await;
    app.publish(step("a", 1)).await;
    app.idle().await;
    let dead = app.dead_letters("typed").await;
    assert_eq!(dead.len(), 1);
    assert!(dead[0].reason.contains("failed to decode the payload of `step.taken`"), "{}", dead[0].reason);
    assert_eq!(dead[0].record.message.payload, odd.to_string());
    assert_eq!(app.handled("typed"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_expired_before_its_turn_is_a_dead_letter() {
    async fn slow(_: StepTaken) {
        pass_secs(5).await;
    }
    let app = TestApp::start(App::new("test").on(slow)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.publisher().publish(step("a", 1)).expires_in(Duration::from_secs(3)).await.unwrap();
    app.publisher().publish(step("a", 2)).expires_in(Duration::from_secs(30)).await.unwrap();
    app.advance(Duration::from_secs(20)).await;
    let dead = app.dead_letters("slow").await;
    assert_eq!(dead.len(), 1);
    assert!(dead[0].reason.starts_with("expired at "), "{}", dead[0].reason);
    assert_eq!(app.handled("slow"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_stays_one_within_an_anyhow_error() {
    async fn wrapped(_: StepTaken) -> anyhow::Result<()> {
        let failed: Result<(), _> = Err(Failure::permanent("sold out"));
        anyhow::Context::context(failed, "while reserving")
    }
    let app = TestApp::start(App::new("test").on(wrapped)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.idle().await;
    let dead = app.dead_letters("wrapped").await;
    assert_eq!(dead[0].reason, "permanent failure: while reserving: sold out");
}

#[tokio::test(start_paused = true)]
async fn a_failure_may_say_when_it_wants_to_be_tried_again() {
    async fn patient(_: StepTaken, Attempt(attempt): Attempt) -> Result<(), Failure> {
        if attempt == 1 { Err(Failure::retry_after("later", Duration::from_secs(100))) } else { Ok(()) }
    }
    let app = TestApp::start(App::new("test").on(patient.retry(twice()))).await.unwrap();
    app.publish(step("a", 0)).await;
    app.advance(Duration::from_secs(99)).await;
    assert_eq!(app.handled("patient"), 0);
    app.advance(Duration::from_secs(2)).await;
    assert_eq!(app.handled("patient"), 1);
}
