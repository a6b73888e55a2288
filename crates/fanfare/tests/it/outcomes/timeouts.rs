//! Handlers that take too long.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use fanfare::{App, Attempt, BlockingExt, HandlerExt, Retry, State, clock::RuntimeClock, testing::TestApp};
use parking_lot::Mutex;

use crate::support::{Seen, StepTaken, app, clock, memory, pass_secs, poor, step};

fn quickly() -> Retry {
    Retry::fixed(Duration::from_secs(1)).attempts_max(2)
}

#[tokio::test(start_paused = true)]
async fn the_ack_timeout_counts_from_the_start_of_the_handler_drops_it_and_is_a_failure() {
    struct Dropped(Seen<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.push("dropped");
        }
    }
    async fn slow(event: StepTaken, Attempt(attempt): Attempt, State(seen): State<Seen<&'static str>>) {
        let _dropped = Dropped(seen.clone());
        pass_secs(if event.number == 0 && attempt == 1 { 60 } else { 8 }).await;
        seen.push("ended");
    }
    let seen = Seen::<&'static str>::default();
    let handler = slow.ack_timeout(Duration::from_secs(10)).concurrency(1).retry(quickly());
    let app = TestApp::start(App::new("test").state(seen.clone()).on(handler)).await.unwrap();
    app.publish(step("a", 0)).await;
    // It waits for the only worker longer than the timeout, which counts for nothing.
    app.publish(step("b", 1)).await;
    app.advance(Duration::from_millis(10_100)).await;
    assert_eq!(seen.all(), ["dropped"]);
    app.advance(Duration::from_secs(30)).await;
    assert_eq!((app.handled("slow"), app.failed("slow")), (2, 1));
}

/// A function that takes its time until the test lets it go.
#[derive(Clone)]
struct Doors(Arc<Mutex<mpsc::Receiver<()>>>);

fn stubborn(event: StepTaken, State(doors): State<Doors>, State(seen): State<Seen<u32>>) {
    seen.push(event.number);
    if event.number == 0 && seen.all().iter().filter(|number| **number == 0).count() == 1 {
        let _ = doors.0.lock().recv();
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocking_handler_that_goes_on_keeps_its_slot_and_its_record_is_not_run_again_until_it_ends() {
    let (open, door) = mpsc::channel();
    let seen = Seen::<u32>::default();
    let handler = stubborn.blocking().ack_timeout(Duration::from_secs(10)).concurrency(2).retry(quickly());
    let state = App::new("test").state(Doors(Arc::new(Mutex::new(door)))).state(seen.clone());
    let app = TestApp::start(state.on(handler)).await.unwrap();
    app.publish(step("a", 0)).await;
    while seen.len() < 1 {
        tokio::task::yield_now().await;
    }
    // While a blocking call runs, paused time does not advance by itself.
    for _ in 0..30 {
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(seen.all(), [0], "its record was run again");
    assert!(
        app.running()
            .metrics()
            .await
            .contains("fanfare_stuck{application=\"test\",role=\"\",handler=\"stubborn\"} 1")
    );
    app.publish(step("b", 1)).await;
    while seen.len() < 2 {
        tokio::task::yield_now().await;
    }
    open.send(()).unwrap();
    app.advance(Duration::from_secs(5)).await;
    assert_eq!((seen.all(), app.handled("stubborn"), app.failed("stubborn")), (vec![0, 1, 0], 2, 1));
}

#[test]
fn a_poll_that_does_not_return_is_reported_stuck_and_others_go_on() {
    async fn hog(event: StepTaken, State(doors): State<Doors>) {
        if event.number == 0 {
            let _ = doors.0.lock().recv();
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(async {
        let (open, door) = mpsc::channel();
        let clock = clock();
        let handler = hog.ack_timeout(Duration::from_millis(50)).retry(Retry::none());
        let app = app(&clock).with_transport(memory(&clock)).state(Doors(Arc::new(Mutex::new(door))));
        let running = app.on(handler).start().await.unwrap();
        running.publisher().publish(step("a", 0)).await.unwrap();
        running.publisher().publish(step("b", 1)).await.unwrap();
        let until = async |what: &str| {
            let begin = std::time::Instant::now();
            while !running.metrics().await.contains(what) {
                assert!(begin.elapsed() < Duration::from_secs(20), "no {what}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        until("fanfare_handled_total{application=\"test\",role=\"\",handler=\"hog\"} 1\n").await;
        until("fanfare_stuck{application=\"test\",role=\"\",handler=\"hog\"} 1\n").await;
        open.send(()).unwrap();
        until("fanfare_dead_lettered_total{application=\"test\",role=\"\",handler=\"hog\"} 1\n").await;
        until("fanfare_stuck{application=\"test\",role=\"\",handler=\"hog\"} 0\n").await;
        running.shutdown().await.unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_taken_away_cancels_its_handlers_and_their_results_are_discarded() {
    async fn slow(event: StepTaken, State(seen): State<Seen<String>>) {
        seen.push(format!("start {}", event.number));
        pass_secs(5).await;
        seen.push(format!("end {}", event.number));
    }
    let clock = clock();
    let poor = poor(&clock);
    let seen = Seen::<String>::default();
    let running =
        app(&clock).with_transport(poor.clone()).state(seen.clone()).on(slow).start().await.unwrap();
    let group = "test//slow".parse().unwrap();
    running.publisher().publish(step("a", 0)).await.unwrap();
    pass_secs(2).await;
    poor.revoke(&group);
    pass_secs(10).await;
    assert_eq!((seen.all(), poor.cursor(&group)), (vec!["start 0".to_owned()], Some(0)));
    poor.give_back(&group);
    pass_secs(10).await;
    assert_eq!(seen.all(), ["start 0", "start 0", "end 0"]);
    assert_eq!(poor.cursor(&group), Some(1));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_context_tells_how_much_time_is_left() {
    async fn look(_: StepTaken, context: fanfare::Context, State(seen): State<Seen<u64>>) {
        pass_secs(4).await;
        seen.push(context.time_left().unwrap().as_secs_f64().round() as u64);
    }
    let seen = Seen::<u64>::default();
    let clock = Arc::new(RuntimeClock::new());
    let broker = memory(&(clock.clone() as Arc<dyn fanfare_core::Clock>));
    let app = App::new("test").state(seen.clone()).on(look.ack_timeout(Duration::from_secs(10)));
    let app = TestApp::start_on(app, broker, clock).await.unwrap();
    app.publish(step("a", 0)).await;
    app.idle().await;
    assert_eq!(seen.all(), [6]);
}
