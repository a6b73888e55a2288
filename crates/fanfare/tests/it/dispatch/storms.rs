//! Chains of events that lead to events end somewhere.

use std::sync::Arc;

use fanfare::{
    BlockingExt, Context, State,
    dispatch::{Dispatcher, FailureKind, Storm, StormGuard},
};
use futures_util::FutureExt;

use super::{Cancelled, Opened, Placed, Story, placed, until};

#[test]
fn a_handler_that_emits_its_own_event_is_cut_after_its_rounds() {
    let story = Story::default();
    let dispatcher = Dispatcher::new();
    let (inner, told) = (dispatcher.clone(), story.clone());
    dispatcher.on(move |_: &Placed| {
        told.tell("round");
        let report = inner.emit_sync(&placed(1));
        for failure in report.failures() {
            told.tell(format!("{:?} {}", failure.kind(), failure.error()));
        }
    });
    assert!(dispatcher.emit_sync(&placed(1)).is_ok());
    let lines = story.take();
    assert_eq!(lines.iter().filter(|line| *line == "round").count(), 9);
    let cut = lines.iter().find(|line| line.starts_with("Storm")).unwrap();
    assert!(cut.contains("8 times") && cut.contains("order.placed -> order.placed"), "{cut}");
}

#[test]
fn returned_events_are_cut_too_and_the_report_says_so() {
    async fn ping(event: Cancelled) -> Cancelled {
        Cancelled(event.0 + 1)
    }
    let dispatcher = Dispatcher::builder().storm_guard(StormGuard::new().loop_max(1000)).build();
    dispatcher.on(ping);
    let report = dispatcher.emit(Cancelled(0)).now_or_never().unwrap();
    assert_eq!(report.ran(), 65);
    let [failure] = report.failures() else { panic!("one failure") };
    assert_eq!(failure.kind(), FailureKind::Storm);
    assert_eq!(failure.error().downcast_ref::<Storm>().unwrap().chain().len(), 66);
}

#[test]
fn a_root_event_may_have_a_budget() {
    async fn burst(_: Placed, State(story): State<Story>) -> Vec<Cancelled> {
        story.tell("burst");
        (0..10).map(Cancelled).collect()
    }
    let story = Story::default();
    let guard = StormGuard::new().fan_out_max(4);
    let dispatcher = Dispatcher::builder().state(story.clone()).storm_guard(guard).build();
    dispatcher.on(burst);
    let told = story.clone();
    dispatcher.on(move |event: &Cancelled| told.tell(event.0.to_string()));
    let report = dispatcher.emit(placed(1)).now_or_never().unwrap();
    assert_eq!(story.take(), ["burst", "0", "1", "2", "3"]);
    assert_eq!(report.failures().len(), 6);
    assert_eq!(dispatcher.emit(placed(1)).now_or_never().unwrap().failures().len(), 6);
}

#[test]
fn an_event_type_may_have_a_rate() {
    let guard = StormGuard::new().rate_max(3, std::time::Duration::from_secs(3600));
    let dispatcher = Dispatcher::builder().storm_guard(guard).build();
    dispatcher.on(|_: &Placed| {});
    dispatcher.on(|_: &Opened| {});
    let ran: Vec<_> = (0..5).map(|n| dispatcher.emit_sync(&placed(n)).ran()).collect();
    assert_eq!(ran, [1, 1, 1, 0, 0]);
    let report = dispatcher.emit(placed(1)).now_or_never().unwrap();
    assert_eq!(report.failures()[0].kind(), FailureKind::Storm);
    assert_eq!(dispatcher.emit_sync(&Opened).ran(), 1);
}

#[tokio::test]
async fn what_a_blocking_handler_emits_belongs_to_its_chain_and_its_loops_are_cut() {
    let (story, failures) = (Story::default(), Story::default());
    let hook = failures.clone();
    let dispatcher = Dispatcher::builder().on_error(move |failure| hook.tell(failure.to_string())).build();
    let (inner, told) = (dispatcher.clone(), story.clone());
    dispatcher.on((move |order: Arc<Placed>| {
        told.tell("round");
        // With a runtime attached it comes back to this very handler.
        assert!(told.len() < 1000, "a storm");
        inner.emit_sync(&*order).ignore();
    })
    .blocking());
    let context = story.clone();
    dispatcher.on(move |_: Cancelled, emitted: Context| {
        context.tell(format!("depth {}", emitted.metadata().causation_depth));
        async {}
    });
    let inner = dispatcher.clone();
    dispatcher.on((move |_: Arc<Opened>| inner.emit_sync(&Cancelled(1)).ignore()).blocking());
    dispatcher.emit(placed(1)).await.ignore();
    until(|| failures.len() == 1).await;
    assert_eq!(story.take().len(), 9);
    assert!(failures.take()[0].contains("8 times in one chain"));
    dispatcher.emit(Opened).await.ignore();
    until(|| story.len() == 1).await;
    assert_eq!(story.take(), ["depth 1"]);
}
