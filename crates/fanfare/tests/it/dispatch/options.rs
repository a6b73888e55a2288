//! Priority, once, predicates, weak owners, bound arguments, and what a snapshot shows of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use fanfare::{
    HandlerExt, RawEvent, Retry,
    dispatch::{Dispatcher, StormGuard, SubscribeExt, Subscription, SyncExt},
    extract::Missing,
    middleware::Timing,
};
use futures_util::FutureExt;

use super::{Cancelled, Opened, Placed, Story, placed};

fn telling(story: &Story, line: &'static str) -> impl Fn(&Placed) + Send + Sync + 'static {
    let story = story.clone();
    move |_: &Placed| story.tell(line)
}

#[test]
fn handlers_run_by_priority_and_then_in_the_order_of_subscription() {
    let (dispatcher, story) = (Dispatcher::new(), Story::default());
    dispatcher.on(telling(&story, "third"));
    dispatcher.on(telling(&story, "last").priority(-1));
    dispatcher.on(telling(&story, "first").priority(10));
    dispatcher.on(telling(&story, "second").priority(10));
    let _ = dispatcher.emit_sync(&placed(1));
    assert_eq!(story.take(), ["first", "second", "third", "last"]);
}

#[test]
fn once_is_once_however_many_threads_emit() {
    let dispatcher = Dispatcher::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = ran.clone();
    let subscription = dispatcher.on((move |_: &Placed| {
        count.fetch_add(1, Ordering::Relaxed);
    })
    .once());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|n| drop(dispatcher.emit_sync(&placed(n)))));
        }
    });
    assert_eq!((ran.load(Ordering::Relaxed), subscription.is_active()), (1, false));
}

#[test]
fn an_async_handler_and_one_of_all_events_may_be_called_once() {
    async fn once(_: Placed) {}
    let dispatcher = Dispatcher::new();
    dispatcher.on(once.once());
    dispatcher.on((|_: &RawEvent| {}).once());
    assert_eq!(dispatcher.emit(placed(1)).now_or_never().unwrap().ran(), 2);
    assert!(dispatcher.emit(placed(1)).now_or_never().unwrap().is_unheard());
    assert!(dispatcher.emit(Opened).now_or_never().unwrap().is_unheard());
}

#[test]
fn a_predicate_chooses_events_and_what_it_skips_has_not_run() {
    async fn large(_: Arc<Placed>) {}
    let (dispatcher, story) = (Dispatcher::new(), Story::default());
    dispatcher.on(telling(&story, "large").when(|order: &Placed| order.quantity > 10));
    dispatcher.on(large.when(|order: &Placed| order.quantity > 10));
    let told = story.clone();
    dispatcher.on((move |event: &RawEvent| told.tell(event.event_type()))
        .when(|event: &RawEvent| event.decode::<Placed>().is_ok_and(|order| order.quantity > 10)));
    assert_eq!(dispatcher.emit(placed(1)).now_or_never().unwrap().ran(), 0);
    assert_eq!(dispatcher.emit(placed(11)).now_or_never().unwrap().ran(), 3);
    assert_eq!(story.take(), ["large", "order.placed"]);
    let misfit = dispatcher.try_on(large.when(|_: &Opened| true)).unwrap_err().to_string();
    assert!(misfit.contains("Opened") && misfit.contains("Placed"), "{misfit}");
}

#[test]
fn a_weak_subscription_ends_with_its_owner_and_does_not_keep_it() {
    struct Panel(Story);
    let (dispatcher, story) = (Dispatcher::new(), Story::default());
    let panel = Arc::new(Panel(story.clone()));
    let subscription =
        dispatcher.on_weak(&panel, |panel: &Panel, order: &Placed| panel.0.tell(order.quantity.to_string()));
    assert_eq!(dispatcher.emit_sync(&placed(1)).ran(), 1);
    assert_eq!(Arc::strong_count(&panel), 1);
    drop(panel);
    assert_eq!(dispatcher.emit_sync(&placed(2)).ran(), 0);
    assert!(dispatcher.emit_sync(&placed(3)).is_unheard());
    assert_eq!((story.take(), subscription.is_active()), (vec!["1".to_owned()], false));
}

#[test]
fn middleware_is_not_told_of_an_owner_that_is_gone() {
    let timing = Timing::new();
    let dispatcher = Dispatcher::builder().wrap(timing.clone()).build();
    let owner = Arc::new(());
    dispatcher.on_weak(&owner, |(), _: &Placed| {});
    assert_eq!(dispatcher.emit_sync(&placed(1)).ran(), 1);
    drop(owner);
    assert_eq!(dispatcher.emit_sync(&placed(1)).ran(), 0);
    assert_eq!(timing.latencies()[0].calls, 1);
}

#[test]
fn an_argument_may_be_bound_in_advance() {
    let (dispatcher, story) = (Dispatcher::new(), Story::default());
    dispatcher.on_with(story.clone(), async |story: Story, order: Arc<Placed>| {
        story.tell(format!("bound {}", order.quantity));
    });
    assert_eq!(dispatcher.emit(placed(5)).now_or_never().unwrap().ran(), 1);
    assert_eq!(story.take(), ["bound 5"]);
}

#[test]
fn a_snapshot_shows_who_listens_and_how_often_they_ran_and_failed() {
    async fn receipt(_: Arc<Placed>) -> Result<(), &'static str> {
        Err("no paper")
    }
    let dispatcher = Dispatcher::new();
    dispatcher.on((|_: &Placed| {}).named("inventory").priority(5));
    dispatcher.on(receipt);
    for n in 0..3 {
        let _ = dispatcher.emit(placed(n)).now_or_never();
    }
    dispatcher.on((|_: &RawEvent| {}).named("audit").types("order.>"));
    let _ = dispatcher.emit(Cancelled(1)).now_or_never();
    let _ = dispatcher.emit(Opened).now_or_never();
    assert_eq!(
        dispatcher.diagram(),
        "door.opened (emitted 1, unheard 1)\n\
         order.cancelled (emitted 1)\n\
         └─ audit (sync, called 1)\n\
         order.placed (emitted 3)\n\
         ├─ inventory (sync, called 3, priority 5)\n\
         ├─ audit (sync, called 1)\n\
         └─ receipt (async, called 3, failed 3)\n"
    );
    let chart = dispatcher.snapshot().mermaid();
    assert!(chart.starts_with("flowchart LR\n    e0([\"door.opened\"])\n"), "{chart}");
    assert!(chart.contains("e1 --> h0\n") && chart.contains("e2 -.-> h2\n"), "{chart}");
}

#[test]
fn names_are_kept_by_async_handlers_and_filters_that_shut_the_type_out_are_refused() {
    async fn receipt(_: Arc<Placed>) {}
    let dispatcher = Dispatcher::new();
    assert_eq!(dispatcher.on(receipt).name(), "receipt");
    assert_eq!(dispatcher.on(receipt.named("other").priority(1)).name(), "other");
    assert!(dispatcher.try_on(receipt.types("door.>")).is_err());
}

#[test]
fn options_that_only_a_group_on_a_broker_keeps_are_refused_with_what_does_the_same_here() {
    async fn receipt(_: Arc<Placed>) -> Result<(), String> {
        Ok(())
    }
    let dispatcher = Dispatcher::new();
    let refused = |refused: Result<Subscription, Missing>| refused.unwrap_err().to_string();
    // The default of an application is no default here.
    let text = refused(dispatcher.try_on(receipt.concurrency(16)));
    assert!(text.contains(".concurrency(..)") && text.contains("ConcurrencyLimit"), "{text}");
    let text = refused(dispatcher.try_on(receipt.named("receipt").retry(Retry::none()).priority(1)));
    assert!(text.contains(".retry(..)") && text.contains("Retrying"), "{text}");
    let text = refused(dispatcher.try_on(receipt.in_order()));
    assert!(text.contains(".in_order(..)") && text.contains(".in_key_order()"), "{text}");
    assert!(fanfare::dispatch::LocalDispatcher::new().try_on(receipt.park()).is_err());
    let allowed = receipt.named("receipt").types("order.>").wrap(Timing::new());
    assert!(dispatcher.try_on(allowed.permanent_if(|_: &String| true)).is_ok());
    assert!(dispatcher.emit_sync(&Opened).is_unheard());
}

#[test]
fn a_snapshot_counts_no_call_that_was_cut_or_found_no_runtime() {
    async fn receipt(_: Arc<Placed>) {}
    let guard = StormGuard::new().rate_max(3, std::time::Duration::from_secs(3600)).loop_max(2);
    let dispatcher = Dispatcher::builder().storm_guard(guard).build();
    dispatcher.on((|_: &Placed| {}).named("inventory"));
    dispatcher.on(receipt);
    dispatcher.emit_sync(&placed(1)).ignore();
    for n in 0..4 {
        let _ = dispatcher.emit(placed(n)).now_or_never();
    }
    dispatcher.on((|event: &Cancelled| Ok::<_, String>(Cancelled(event.0))).named("loop"));
    dispatcher.emit_sync(&Cancelled(1)).ignore();
    dispatcher.on((|_: &RawEvent| {}).named("audit").types("sensor.>"));
    dispatcher.emit_sync(&RawEvent::empty("sensor.ready")).ignore();
    assert_eq!(
        dispatcher.diagram(),
        "order.cancelled (emitted 4)\n\
         └─ loop (sync, called 3)\n\
         order.placed (emitted 5)\n\
         ├─ inventory (sync, called 3)\n\
         └─ receipt (async, called 2)\n\
         sensor.ready (emitted 1)\n\
         └─ audit (sync, called 1)\n"
    );
}
