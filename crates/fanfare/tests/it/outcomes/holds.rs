//! Keys that a newer build wrote, and keys that are parked.

use std::sync::Arc;

use fanfare::{App, Event, Failure, HandlerExt, RawEvent, State, clock::RuntimeClock, testing::TestApp};
use fanfare_core::Transport;
use serde::{Deserialize, Serialize};

use crate::support::{Seen, StepTaken, memory, step};

/// The event as a newer build writes it.
#[derive(Event, Serialize, Deserialize)]
#[event(type = "step.taken", version = 2, key = thing)]
struct StepTakenV2 {
    thing: String,
    number: u32,
    colour: String,
}

fn newer(thing: &str, number: u32) -> StepTakenV2 {
    StepTakenV2 { thing: thing.into(), number, colour: "blue".into() }
}

async fn old(event: StepTaken, State(seen): State<Seen<(String, u32)>>) {
    seen.push((event.thing, event.number));
}

async fn new(event: StepTakenV2, State(seen): State<Seen<(String, u32)>>) {
    seen.push((event.thing, event.number));
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_holds_its_key_only_until_the_newer_build_starts() {
    let clock = Arc::new(RuntimeClock::new());
    let broker = memory(&(clock.clone() as Arc<dyn fanfare_core::Clock>));
    let seen = Seen::<(String, u32)>::default();
    let start = async |app: App| {
        let app = app.state(seen.clone());
        TestApp::start_on(app, broker.clone() as Arc<dyn Transport>, clock.clone()).await.unwrap()
    };
    let app = start(App::new("test").on(old.named("take"))).await;
    app.publish(step("a", 0)).await;
    app.publish(newer("a", 1)).await;
    app.publish(step("a", 2)).await;
    app.publish(step("b", 3)).await;
    app.idle().await;
    app.publish(step("a", 4)).await;
    app.publish(step("b", 5)).await;
    app.idle().await;
    let of = |thing: &str| -> Vec<u32> {
        seen.all().into_iter().filter(|(other, _)| other == thing).map(|(_, number)| number).collect()
    };
    assert_eq!((of("a"), of("b")), (vec![0], vec![3, 5]));
    let groups = broker.operator().unwrap().groups().await.unwrap();
    assert_eq!(groups[0].held, 1);
    app.shutdown().await;

    // The newer build reads the older records by serde's rules, which here means that it needs the colour.
    let app = start(App::new("test").on(new.named("take"))).await;
    app.idle().await;
    assert_eq!(of("a"), [0, 1]);
    let dead = app.dead_letters("take").await;
    let dead: Vec<_> = dead.iter().map(|dead| dead.record.place.revision).collect();
    assert_eq!(dead, [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_parked_key_waits_behind_its_dead_letter_until_it_is_redriven() {
    async fn strict(event: StepTaken, State(seen): State<Seen<u32>>) -> Result<(), Failure> {
        seen.push(event.number);
        if event.number == 0 && seen.len() == 1 { Err(Failure::permanent("broken")) } else { Ok(()) }
    }
    let seen = Seen::<u32>::default();
    let app = TestApp::start(App::new("test").state(seen.clone()).on(strict.park())).await.unwrap();
    for number in 0..3 {
        app.publish(step("a", number)).await;
    }
    app.publish(step("b", 10)).await;
    app.idle().await;
    assert_eq!(seen.all(), [0, 10]);
    app.redrive("strict").await;
    app.idle().await;
    assert_eq!(seen.all(), [0, 10, 0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn in_order_a_held_key_is_passed_over_and_the_others_go_on_behind_it() {
    let seen = Seen::<(String, u32)>::default();
    let app = App::new("test").state(seen.clone()).on(old.in_order());
    let app = TestApp::start(app).await.unwrap();
    let publisher = app.publisher();
    let batch = publisher.publish_all([step("a", 0), step("b", 1)]).and(newer("a", 2));
    let batch = batch.and(step("b", 3)).and(step("a", 4)).and(step("c", 5)).and(step("b", 6));
    assert!(batch.atomic().await.iter().all(Result::is_ok));
    app.idle().await;
    app.publish(step("b", 7)).await;
    app.idle().await;
    let numbers: Vec<u32> = seen.all().into_iter().map(|(_, number)| number).collect();
    assert_eq!(numbers, [0, 1, 3, 5, 6, 7]);
    let held = app.running().operator().unwrap().groups().await.unwrap()[0].held;
    assert_eq!((held, app.handled("old")), (1, 6));
}

#[tokio::test(start_paused = true)]
async fn in_order_a_parked_key_is_passed_over_and_comes_back_when_it_is_redriven() {
    async fn strict(event: StepTaken, State(seen): State<Seen<u32>>) -> Result<(), Failure> {
        seen.push(event.number);
        if event.number == 0 && seen.len() == 1 { Err(Failure::permanent("broken")) } else { Ok(()) }
    }
    let seen = Seen::<u32>::default();
    let app =
        TestApp::start(App::new("test").state(seen.clone()).on(strict.in_order().park())).await.unwrap();
    let batch =
        app.publisher().publish_all([step("a", 0), step("b", 1), step("a", 2), step("c", 3), step("b", 4)]);
    assert!(batch.atomic().await.iter().all(Result::is_ok));
    app.idle().await;
    assert_eq!(seen.all(), [0, 1, 3, 4]);
    app.redrive("strict").await;
    app.idle().await;
    assert_eq!(seen.all(), [0, 1, 3, 4, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_held_key_goes_on_when_nobody_takes_its_type_any_more() {
    async fn other(event: RawEvent, State(seen): State<Seen<(String, u32)>>) {
        seen.push((event.event_type().to_owned(), 0));
    }
    let clock = Arc::new(RuntimeClock::new());
    let broker = memory(&(clock.clone() as Arc<dyn fanfare_core::Clock>));
    let seen = Seen::<(String, u32)>::default();
    let start = async |app: App| {
        let app = app.state(seen.clone());
        TestApp::start_on(app, broker.clone() as Arc<dyn Transport>, clock.clone()).await.unwrap()
    };
    let app = start(App::new("test").on(old.named("take"))).await;
    app.publish(newer("a", 1)).await;
    app.publish(step("a", 2)).await;
    app.idle().await;
    let held = async || {
        let group = broker.operator().unwrap().groups().await.unwrap().remove(0);
        (group.held, group.lag)
    };
    assert_eq!(held().await.0, 1);
    app.shutdown().await;

    let app = start(App::new("test").on(other.named("take").types("chat.>"))).await;
    app.idle().await;
    assert_eq!((seen.len(), held().await), (0, (0, 0)));
    let text = app.running().metrics().await;
    assert!(text.contains("fanfare_unhandled_total{type=\"step.taken\"} 2"), "{text}");
}
