//! What a poor transport lacks is made up for within it.

use std::time::Duration;

use fanfare::{Attempt, Failure, HandlerExt, RawEvent, Retry, State};
use fanfare_core::Extension;

use crate::support::{Lines, Seen, StepTaken, app, clock, pass_secs, poor, step};

async fn once(
    event: StepTaken,
    Attempt(attempt): Attempt,
    State(seen): State<Seen<u32>>,
) -> Result<(), Failure> {
    seen.push(event.number);
    match (event.number, attempt) {
        (0, 1) => Err(Failure::retry_after("not yet", Duration::from_secs(60))),
        (9, _) => Err(Failure::permanent("never")),
        _ => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn the_cursor_never_passes_a_record_that_is_not_settled() {
    let clock = clock();
    let poor = poor(&clock);
    let group = "test//once".parse().unwrap();
    let seen = Seen::<u32>::default();
    let build =
        || app(&clock).with_transport(poor.clone()).state(seen.clone()).on(once.retry(Retry::exponential()));
    let running = build().start().await.unwrap();
    for number in 0..3 {
        running.publisher().publish(step(&number.to_string(), number)).await.unwrap();
    }
    pass_secs(10).await;
    assert_eq!((seen.all(), poor.cursor(&group)), (vec![0, 1, 2], Some(0)));
    running.shutdown().await.unwrap();
    // The hole and what lies beyond it come again: nothing is lost, and what is settled twice is the price.
    let running = build().start().await.unwrap();
    pass_secs(100).await;
    assert_eq!((seen.len(), poor.cursor(&group)), (7, Some(3)));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_delayed_event_comes_when_it_is_due_and_holds_nobody_up() {
    let clock = clock();
    let poor = poor(&clock);
    let seen = Seen::<u32>::default();
    let running = app(&clock)
        .with_transport(poor.clone())
        .state(seen.clone())
        .on(once.named("once"))
        .start()
        .await
        .unwrap();
    running.publisher().publish(step("a", 5)).delay(Duration::from_secs(60)).await.unwrap();
    running.publisher().publish(step("a", 6)).await.unwrap();
    pass_secs(59).await;
    assert_eq!(seen.all(), [6]);
    let before = clock.monotonic();
    while seen.len() < 2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(clock.monotonic() - before <= Duration::from_millis(1200));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_goes_to_a_topic_of_the_transport_with_its_reason() {
    async fn bury(event: RawEvent, State(seen): State<Seen<String>>) {
        let reason = event.metadata().unwrap().extension("deadreason").cloned();
        let Some(Extension::Text(reason)) = reason else { panic!("no reason") };
        seen.push(format!("{} {} {reason}", event.topic().unwrap(), event.event_type()));
    }
    let clock = clock();
    let poor = poor(&clock);
    let buried = Seen::<String>::default();
    let app = app(&clock).with_transport(poor.clone()).state(Seen::<u32>::default()).state(buried.clone());
    let running = app.on(once).on(bury.types("dead.>")).start().await.unwrap();
    running.publisher().publish(step("a", 9)).await.unwrap();
    pass_secs(5).await;
    assert_eq!(buried.all(), ["dead.test.once dead.step.taken permanent failure: never"]);
    assert_eq!(poor.cursor(&"test//once".parse().unwrap()), Some(1));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_made_up_for_is_told_once_per_subscription() {
    async fn other(_: StepTaken) {}
    let clock = clock();
    let (lines, _subscriber) = Lines::filtered("info");
    let app = app(&clock).with_transport(poor(&clock)).state(Seen::<u32>::default());
    app.on(once).on(other).start().await.unwrap().shutdown().await.unwrap();
    let told = lines.saying("the transport lacks some of what handlers are promised");
    let groups: Vec<_> = told.iter().map(|line| line["fields"]["group"].clone()).collect();
    assert_eq!(groups, ["test//once", "test//other"]);
    let fields = &told[0]["fields"];
    assert_eq!((&told[0]["level"], &fields["transport"]), (&"WARN".into(), &"poor".into()));
    let made_up_for = fields["made_up_for"].as_str().unwrap();
    for part in [
        "attempts: counted in this process; a restart counts anew",
        "delays: ",
        "dead letters: ",
        "held keys: ",
    ] {
        assert!(made_up_for.contains(part), "no {part} in {made_up_for}");
    }
}
