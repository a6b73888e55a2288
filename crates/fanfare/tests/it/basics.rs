//! An application handles what is published.

use fanfare::{Context, State};

use crate::support::{Seen, StepTaken, app, clock, pass_secs, poor, step};

#[tokio::test(start_paused = true)]
async fn what_is_published_is_handled_once_per_group_and_acknowledged() {
    async fn first(event: StepTaken, State(seen): State<Seen<u32>>) {
        seen.push(event.number);
    }
    async fn second(event: StepTaken, State(seen): State<Seen<u32>>) {
        seen.push(event.number + 100);
    }
    let clock = clock();
    let poor = poor(&clock);
    let seen = Seen::<u32>::default();
    let running = app(&clock)
        .with_transport(poor.clone())
        .state(seen.clone())
        .on(first)
        .on(second)
        .start()
        .await
        .unwrap();
    for number in 0..3 {
        running.publisher().publish(step("a", number)).await.unwrap();
    }
    pass_secs(1).await;
    let mut all = seen.all();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 100, 101, 102]);
    assert_eq!(poor.cursor(&"test//first".parse().unwrap()), Some(3));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn returned_and_buffered_events_go_out_with_the_acknowledgement_and_tell_their_cause() {
    async fn steps(event: StepTaken, context: Context) -> Option<StepTaken> {
        if event.number > 0 {
            return None;
        }
        context.publish(step("buffered", 2));
        Some(step("returned", 1))
    }
    let clock = clock();
    let poor = poor(&clock);
    let running = app(&clock).with_transport(poor.clone()).on(steps).start().await.unwrap();
    let receipt = running.publisher().publish(step("a", 0)).await.unwrap();
    pass_secs(1).await;
    let records = poor.records();
    assert_eq!(records.len(), 3);
    for (record, key) in records.iter().skip(1).zip(["returned", "buffered"]) {
        let metadata = &record.message.metadata;
        assert_eq!(metadata.key.as_deref(), Some(key));
        assert_eq!(metadata.causation_id.as_ref(), Some(&receipt.id));
        assert_eq!(metadata.correlation_id.as_ref(), Some(&receipt.id));
        assert_eq!(metadata.causation_depth, 1);
    }
}
