//! How an application ends, and how the next one goes on.

use std::{sync::Arc, time::Duration};

use fanfare::{App, Attempt, HandlerExt, Retry, State, clock::RuntimeClock, testing::TestApp};
use fanfare_core::{Clock, Transport};

use crate::support::{Seen, StepTaken, memory, pass_secs, step};

type Told = Seen<(u32, u32, &'static str)>;

async fn work(event: StepTaken, Attempt(attempt): Attempt, State(told): State<Told>) -> Result<(), String> {
    told.push((event.number, attempt, "start"));
    if event.number == 9 && attempt == 1 {
        return Err("once".into());
    }
    pass_secs(u64::from(event.number)).await;
    told.push((event.number, attempt, "end"));
    Ok(())
}

/// Starts the same application again and again on one broker.
struct Starts {
    clock: Arc<RuntimeClock>,
    broker: Arc<dyn Transport>,
    told: Told,
}

impl Starts {
    fn new() -> Self {
        let clock = Arc::new(RuntimeClock::new());
        let broker = memory(&(clock.clone() as Arc<dyn Clock>));
        Self { clock, broker, told: Seen::default() }
    }

    async fn start(&self) -> TestApp {
        let handler = work.concurrency(2).retry(Retry::fixed(Duration::from_secs(100)));
        let app =
            App::new("test").state(self.told.clone()).drain_timeout(Duration::from_secs(10)).on(handler);
        TestApp::start_on(app, self.broker.clone(), self.clock.clone()).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_lets_handlers_end_and_hands_back_what_has_not_started() {
    let starts = Starts::new();
    let app = starts.start().await;
    for number in [5, 6, 7, 8] {
        app.publish(step(&number.to_string(), number)).await;
    }
    app.advance(Duration::from_secs(1)).await;
    let begin = starts.clock.monotonic();
    app.shutdown().await;
    let took = (starts.clock.monotonic() - begin).as_secs();
    assert!((4..=5).contains(&took), "the drain took {took} s");
    assert_eq!(starts.told.all(), [(5, 1, "start"), (6, 1, "start"), (5, 1, "end"), (6, 1, "end")]);

    let app = starts.start().await;
    app.idle().await;
    assert_eq!(&starts.told.all()[4..], [(7, 1, "start"), (8, 1, "start"), (7, 1, "end"), (8, 1, "end")]);
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_within_the_drain_is_handed_back_uncounted() {
    let starts = Starts::new();
    let app = starts.start().await;
    app.publish(step("a", 20)).await;
    app.advance(Duration::from_secs(1)).await;
    let begin = starts.clock.monotonic();
    app.shutdown().await;
    assert_eq!((starts.clock.monotonic() - begin).as_secs(), 10);
    let app = starts.start().await;
    app.idle().await;
    assert_eq!(starts.told.all(), [(20, 1, "start"), (20, 1, "start"), (20, 1, "end")]);
    app.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_remembered_across_a_restart_with_its_attempts_and_its_time() {
    let starts = Starts::new();
    let app = starts.start().await;
    app.publish(step("a", 9)).await;
    app.advance(Duration::from_secs(10)).await;
    app.shutdown().await;
    let app = starts.start().await;
    app.advance(Duration::from_secs(80)).await;
    assert_eq!(starts.told.all(), [(9, 1, "start")]);
    app.advance(Duration::from_secs(30)).await;
    assert_eq!(starts.told.all(), [(9, 1, "start"), (9, 2, "start"), (9, 2, "end")]);
    app.shutdown().await;
}
