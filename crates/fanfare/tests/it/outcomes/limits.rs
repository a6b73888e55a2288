//! Limits are kept, and said.

use std::{sync::Arc, time::Duration};

use fanfare::{App, Attempt, Failure, HandlerExt, Retry, State, clock::SystemRandom, testing::TestApp};
use fanfare_broker::{Broker, Options};
use fanfare_core::{Operator, Selection};

use crate::support::{Seen, StepTaken, app, clock, pass_secs, step};

async fn late(
    event: StepTaken,
    Attempt(attempt): Attempt,
    State(seen): State<Seen<u32>>,
) -> Result<(), Failure> {
    seen.push(event.number);
    if attempt == 1 && event.thing != "free" {
        Err(Failure::retry_after("later", Duration::from_secs(60)))
    } else {
        Ok(())
    }
}

async fn figure(app: &TestApp, name: &str) -> f64 {
    let text = app.running().metrics().await;
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap().to_owned();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_of_waiting_records_the_group_stalls_loudly_and_drains() {
    for is_unordered in [false, true] {
        let seen = Seen::<u32>::default();
        let handler = late.waiting_max(10).in_flight_max(4).concurrency(4).retry(Retry::exponential());
        let handler = if is_unordered { handler.unordered() } else { handler };
        let app = TestApp::start(App::new("test").state(seen.clone()).on(handler)).await.unwrap();
        for number in 0..10 {
            app.publish(step(&format!("key {number}"), number)).await;
        }
        app.idle().await;
        assert_eq!(
            (figure(&app, "fanfare_waiting").await, figure(&app, "fanfare_stalls_total").await),
            (10.0, 1.0)
        );
        app.publish(step("free", 100)).await;
        app.idle().await;
        assert!(!seen.all().contains(&100), "a new record was taken over the limit");
        app.advance(Duration::from_secs(70)).await;
        assert!(seen.all().contains(&100));
        assert_eq!((app.handled("late"), figure(&app, "fanfare_waiting").await), (11, 0.0));
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_a_time_than_allowed() {
    async fn slow(event: StepTaken, State(seen): State<Seen<i32>>) {
        seen.push(1);
        pass_secs(1 + u64::from(event.number % 3)).await;
        seen.push(-1);
    }
    let seen = Seen::<i32>::default();
    let app = TestApp::start(App::new("test").state(seen.clone()).on(slow.concurrency(3))).await.unwrap();
    for number in 0..40 {
        app.publish(step(&number.to_string(), number)).await;
    }
    app.idle().await;
    let mut running = 0;
    let most = seen
        .all()
        .into_iter()
        .map(|change| {
            running += change;
            running
        })
        .max();
    assert_eq!((most, app.handled("slow")), (Some(3), 40));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_taken_at_a_time_than_allowed() {
    async fn slow(_: StepTaken) {
        pass_secs(20).await;
    }
    let app = App::new("test").on(slow.concurrency(2).in_flight_max(5));
    let app = TestApp::start(app).await.unwrap();
    for number in 0..12 {
        app.publish(step(&number.to_string(), number)).await;
    }
    for _ in 0..5 {
        app.advance(Duration::from_secs(10)).await;
        assert_eq!(figure(&app, "fanfare_in_flight").await, 5.0);
        app.advance(Duration::from_secs(1)).await;
    }
    app.idle().await;
    assert_eq!(app.handled("slow"), 12);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_keeps_its_last_attempt_and_32_before_it() {
    async fn fails(_: StepTaken) -> Result<(), String> {
        Err("again".into())
    }
    let handler = fails.retry(Retry::fixed(Duration::from_secs(1)).attempts_max(40));
    let app = TestApp::start(App::new("test").on(handler)).await.unwrap();
    app.publish(step("a", 0)).await;
    app.advance(Duration::from_secs(60)).await;
    let dead = app.dead_letters("fails").await;
    let attempts: Vec<u32> = dead[0].history.iter().map(|failed| failed.attempt).collect();
    assert_eq!(attempts, (8..=40).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn over_the_limit_of_dead_letters_a_delivery_stays_until_some_are_mended() {
    async fn fails(_: StepTaken, State(seen): State<Seen<()>>) -> Result<(), String> {
        seen.push(());
        Err("no".repeat(2_000))
    }
    let (clock, seen) = (clock(), Seen::<()>::default());
    let options = Options::new(clock.clone(), Arc::new(SystemRandom::seeded(5))).dead_letters_max(1);
    let broker = Arc::new(Broker::memory(options).unwrap());
    let app = app(&clock).with_transport(broker.clone()).state(seen.clone()).on(fails.retry(Retry::none()));
    let running = app.start().await.unwrap();
    running.publisher().publish(step("a", 0)).await.unwrap();
    running.publisher().publish(step("b", 1)).await.unwrap();
    pass_secs(10).await;
    let group = broker.groups().await.unwrap().remove(0);
    assert_eq!((group.dead, group.lag), (1, 1));
    assert!(seen.all().len() > 5, "it is tried again and again");
    let dead = broker.dead_letters(&group.name, 0, 9).await.unwrap();
    assert_eq!((dead[0].record.place.position, dead[0].reason.len()), (0, 1024));
    broker.discard(&group.name, Selection::All).await.unwrap();
    pass_secs(10).await;
    let dead = broker.dead_letters(&group.name, 0, 9).await.unwrap();
    assert_eq!((dead.len(), dead[0].record.place.position, dead[0].history.len()), (1, 1, 1));
    assert_eq!(broker.groups().await.unwrap()[0].lag, 0);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn in_order_means_one_at_a_time_by_position_and_a_retry_stops_the_group() {
    let seen = Seen::<u32>::default();
    let handler = late.in_order().retry(Retry::exponential());
    let app = TestApp::start(App::new("test").state(seen.clone()).on(handler)).await.unwrap();
    for (number, thing) in ["a", "free", "b", "free"].into_iter().enumerate() {
        app.publish(step(thing, number as u32)).await;
    }
    app.idle().await;
    assert_eq!(seen.all(), [0]);
    app.advance(Duration::from_secs(200)).await;
    assert_eq!(seen.all(), [0, 0, 1, 2, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn unordered_means_that_a_retry_stops_nobody() {
    let seen = Seen::<u32>::default();
    let handler = late.unordered().retry(Retry::exponential());
    let app = TestApp::start(App::new("test").state(seen.clone()).on(handler)).await.unwrap();
    for number in 0..3 {
        app.publish(step("a", number)).await;
    }
    app.idle().await;
    assert_eq!(seen.len(), 3);
}
