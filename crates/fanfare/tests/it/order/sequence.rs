//! The order of the events' own numbers and times.

use std::{sync::Arc, time::Duration};

use fanfare::{App, Attempt, Event, HandlerExt, Retry, State, middleware::Resequence, testing::TestApp};
use fanfare_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::support::{Seen, StepTaken, Under, app, clock, pass_secs, step};

fn by_number() -> Resequence {
    Resequence::by(1, |step: &StepTaken| u64::from(step.number)).gap_timeout(Duration::from_secs(100))
}

async fn steps(
    event: StepTaken,
    Attempt(attempt): Attempt,
    State(seen): State<Seen<String>>,
) -> Result<(), String> {
    seen.push(format!("{} {}", event.thing, event.number));
    if event.thing == "flaky" && attempt == 1 { Err("once".into()) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn deliveries_wait_unsettled_for_those_before_them_and_run_in_order_on_every_transport() {
    for under in [Under::Memory, Under::Poor] {
        let (clock, seen) = (clock(), Seen::<String>::default());
        let handler = steps.wrap(by_number()).unordered().concurrency(2).ack_timeout(Duration::from_secs(5));
        let app = app(&clock).with_transport(under.open(&clock)).state(seen.clone()).on(handler);
        let running = app.start().await.unwrap();
        for (thing, number) in [("a", 3), ("a", 4), ("a", 5), ("b", 2), ("b", 1), ("a", 2)] {
            running.publisher().publish(step(thing, number)).await.unwrap();
        }
        // Far longer than an attempt may take: those that wait are no attempts, and are kept.
        pass_secs(60).await;
        assert_eq!(seen.all(), ["b 1", "b 2"], "{under:?}");
        running.publisher().publish(step("a", 1)).await.unwrap();
        pass_secs(1).await;
        assert_eq!(seen.all()[2..], ["a 1", "a 2", "a 3", "a 4", "a 5"], "{under:?}");
        let metrics = running.metrics().await;
        assert!(!metrics.contains("fanfare_failed_total{group=\"test/steps\"} 1"), "{metrics}");
        running.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_keeps_the_row_waiting_and_a_gap_is_given_up() {
    let seen = Seen::<String>::default();
    let handler = steps.wrap(by_number()).unordered().retry(Retry::fixed(Duration::from_secs(10)));
    let app = TestApp::start(App::new("test").state(seen.clone()).on(handler)).await.unwrap();
    for number in [2, 1, 4] {
        app.publish(step("flaky", number)).await;
    }
    app.advance(Duration::from_secs(50)).await;
    assert_eq!(seen.all(), ["flaky 1", "flaky 1", "flaky 2", "flaky 2"]);
    app.advance(Duration::from_secs(70)).await;
    assert_eq!(seen.all()[4..], ["flaky 4", "flaky 4"], "3 never came");
    app.publish(step("flaky", 3)).await;
    app.advance(Duration::from_secs(20)).await;
    assert_eq!((app.handled("steps"), app.dead_letters("steps").await.len()), (4, 0), "late, and not lost");
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_may_be_in_flight() {
    let seen = Seen::<String>::default();
    let handler = steps.wrap(by_number()).unordered().in_flight_max(4);
    let app = TestApp::start(App::new("test").state(seen.clone()).on(handler)).await.unwrap();
    for number in (1..=20).rev() {
        app.publish(step("a", number)).await;
    }
    app.advance(Duration::from_secs(99)).await;
    assert_eq!(seen.len(), 0, "the first is beyond what may wait");
    app.advance(Duration::from_secs(10_000)).await;
    assert_eq!((seen.len(), app.handled("steps")), (20, 20), "gaps are given up");
}

#[derive(Event, Serialize, Deserialize, Clone)]
#[event(type = "reading.taken", key = sensor)]
struct Reading {
    sensor: String,
    second: i64,
}

#[tokio::test(start_paused = true)]
async fn by_time_each_waits_for_earlier_ones() {
    async fn readings(reading: Arc<Reading>, State(seen): State<Seen<i64>>) {
        seen.push(reading.second);
    }
    let order = Resequence::by_time(Duration::from_secs(10), |reading: &Reading| {
        Timestamp::from_second(reading.second).unwrap()
    });
    let seen = Seen::<i64>::default();
    let app = App::new("test").state(seen.clone()).on(readings.wrap(order).unordered());
    let app = TestApp::start(app).await.unwrap();
    for second in [5, 3, 4] {
        app.publish(Reading { sensor: "door".into(), second }).await;
        app.advance(Duration::from_secs(3)).await;
    }
    assert_eq!(seen.len(), 0);
    app.advance(Duration::from_secs(2)).await;
    assert_eq!(seen.all(), [3, 4, 5]);
}

#[tokio::test]
async fn without_unordered_it_is_refused_by_name() {
    let app =
        App::new("test").transport("memory:").state(Seen::<String>::default()).on(steps.wrap(by_number()));
    let refused = app.start().await.unwrap_err().to_string();
    assert!(
        refused.contains("`steps`") && refused.contains("`Resequence`") && refused.contains(".unordered()"),
        "{refused}"
    );
}
