//! What stands around a handler.
#![allow(clippy::disallowed_methods, reason = "tokio's paused time")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fanfare::{
    HandlerExt, RawEvent, Retry, State,
    clock::RuntimeClock,
    dispatch::{Dispatcher, FailureKind, SubscribeExt, SyncExt},
    middleware::{
        BreakerOpen, Call, CircuitBreaker, ConcurrencyLimit, Dedup, GapTooLong, Logging, Next, NextSync,
        Outcome, RateExceeded, RateLimit, Resequence, Retrying, Timeout, Timing, from_fn, from_fn_sync,
        tower,
    },
};
use futures_util::{FutureExt, future::join_all};

use super::{Cancelled, Placed, Story, placed};

fn on_paused_time(story: &Story) -> Dispatcher {
    Dispatcher::builder().state(story.clone()).clock(Arc::new(RuntimeClock::new())).build()
}

async fn told(order: Arc<Placed>, State(story): State<Story>) {
    story.tell(format!("handled {}", order.quantity));
}

#[test]
fn the_last_one_added_is_outermost_and_those_of_the_dispatcher_are_around_all() {
    fn telling(name: &'static str) -> impl fanfare::middleware::Middleware {
        from_fn(move |call: Call, next: Next| async move {
            let story = Arc::clone(call.event::<Placed>().map(|_| STORY.get().unwrap()).unwrap());
            story.tell(format!("{name} before {}", call.handler()));
            let outcome = next.run().await;
            story.tell(format!("{name} after"));
            outcome
        })
    }
    static STORY: std::sync::OnceLock<Arc<Story>> = std::sync::OnceLock::new();
    let story = STORY.get_or_init(Arc::default);
    let dispatcher = Dispatcher::builder().state((**story).clone()).wrap(telling("all")).build();
    dispatcher.on(told.wrap(telling("inner")).wrap(telling("outer")));
    assert_eq!(dispatcher.emit(placed(1)).now_or_never().unwrap().ran(), 1);
    assert_eq!(
        story.take(),
        [
            "all before told",
            "outer before told",
            "inner before told",
            "handled 1",
            "inner after",
            "outer after",
            "all after"
        ]
    );
}

#[test]
fn a_synchronous_handler_takes_middleware_that_never_waits_and_refuses_one_that_may() {
    let story = Story::default();
    let dispatcher = Dispatcher::new();
    let (outer, inner) = (story.clone(), story.clone());
    let around = from_fn_sync(move |call: &Call, next: NextSync<'_>| -> Outcome {
        let outcome = next.run();
        outer.tell(format!("{} {}", call.event_type(), outcome.is_ok()));
        outcome
    });
    let handler = move |order: &Placed| {
        inner.tell("handled");
        if order.quantity > 1 { Err("too many") } else { Ok(()) }
    };
    dispatcher.on(handler.wrap(around).wrap(Logging::new()).wrap(Timing::new()));
    assert!(dispatcher.emit_sync(&placed(1)).is_ok());
    assert_eq!(dispatcher.emit_sync(&placed(2)).failures().len(), 1);
    assert_eq!(story.take(), ["handled", "order.placed true", "handled", "order.placed false"]);
    let refused = dispatcher.try_on((|_: &Placed| {}).wrap(Retrying::new(Retry::none()))).unwrap_err();
    assert!(refused.to_string().contains("`Retrying` may wait"), "{refused}");
    async fn waits(_: Placed) {}
    let refused = dispatcher.try_on(waits.wrap(from_fn_sync(|_: &Call, next: NextSync<'_>| next.run())));
    assert!(refused.unwrap_err().to_string().contains("it is async"));
}

#[tokio::test(start_paused = true)]
async fn a_retry_runs_the_handler_again_until_it_succeeds_or_gives_up() {
    async fn flaky(order: Arc<Placed>, State(tries): State<Arc<AtomicU32>>) -> Result<(), String> {
        match tries.fetch_add(1, Ordering::Relaxed) {
            tried if tried < order.quantity => Err(format!("try {tried}")),
            2 => panic!("a panic is an error"),
            _ => Ok(()),
        }
    }
    let tries = Arc::new(AtomicU32::new(0));
    let dispatcher = Dispatcher::builder().state(tries.clone()).clock(Arc::new(RuntimeClock::new())).build();
    let policy = Retry::fixed(Duration::from_secs(10)).attempts_max(4);
    dispatcher.on(flaky.wrap(Retrying::new(policy)));
    let start = tokio::time::Instant::now();
    assert!(dispatcher.emit(placed(2)).await.is_ok());
    assert_eq!((tries.swap(0, Ordering::Relaxed), start.elapsed()), (4, Duration::from_secs(30)));
    let report = dispatcher.emit(placed(9)).await;
    assert_eq!(report.failures()[0].error().to_string(), "try 3");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_drops_the_handler_and_is_a_failure_of_its_kind() {
    async fn endless(_: Arc<Placed>) {
        std::future::pending().await
    }
    let story = Story::default();
    let dispatcher = on_paused_time(&story);
    dispatcher.on(endless.wrap(Timeout::new(Duration::from_secs(2))));
    dispatcher.on(told.wrap(Timeout::new(Duration::from_secs(2))));
    let start = tokio::time::Instant::now();
    let report = dispatcher.emit(placed(1)).await;
    assert_eq!((report.ran(), start.elapsed()), (2, Duration::from_secs(2)));
    assert_eq!(report.failures()[0].kind(), FailureKind::Timeout);
    assert_eq!(story.take(), ["handled 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_lets_so_many_run_at_a_time() {
    async fn slow(_: Arc<Placed>) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let dispatcher = on_paused_time(&Story::default());
    dispatcher.on(slow.wrap(ConcurrencyLimit::new(2)));
    let start = tokio::time::Instant::now();
    join_all((0..6).map(|n| dispatcher.emit(placed(n)))).await;
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_waits_or_refuses() {
    let story = Story::default();
    let dispatcher = on_paused_time(&story);
    dispatcher.on(told.wrap(RateLimit::new(2, Duration::from_secs(1))));
    let start = tokio::time::Instant::now();
    for n in 0..6 {
        assert!(dispatcher.emit(placed(n)).await.is_ok());
    }
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    let dispatcher = on_paused_time(&story);
    dispatcher.on((|_: &Placed| {}).wrap(RateLimit::new(2, Duration::from_secs(1)).or_refuse()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let refused: Vec<bool> = (0..3).map(|n| !dispatcher.emit_sync(&placed(n)).is_ok()).collect();
    assert_eq!(refused, [false, false, true]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(dispatcher.emit_sync(&placed(1)).is_ok());
    assert!(dispatcher.emit_sync(&placed(1)).failures()[0].error().is::<RateExceeded>());
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opens_after_failures_in_a_row_and_closes_after_a_success() {
    let story = Story::default();
    let dispatcher = on_paused_time(&story);
    let breaker = CircuitBreaker::new(2, Duration::from_secs(10));
    let handler = move |order: &Placed| {
        story.tell("called");
        if order.quantity == 0 { Err("broken") } else { Ok(()) }
    };
    let story_of = |dispatcher: &Dispatcher, n| dispatcher.emit_sync(&placed(n));
    dispatcher.on(handler.wrap(breaker.clone()));
    let _ = (story_of(&dispatcher, 0), story_of(&dispatcher, 0));
    assert!(story_of(&dispatcher, 1).failures()[0].error().is::<BreakerOpen>());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!story_of(&dispatcher, 0).failures()[0].error().is::<BreakerOpen>());
    assert!(story_of(&dispatcher, 1).failures()[0].error().is::<BreakerOpen>());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(story_of(&dispatcher, 1).is_ok() && story_of(&dispatcher, 1).is_ok());
}

#[test]
fn an_event_of_a_known_id_is_handled_once_unless_it_failed() {
    use fanfare::RawEvent;
    let calls = Arc::new(AtomicU32::new(0));
    let dispatcher = Dispatcher::new();
    let counted = calls.clone();
    let handler = move |_: &RawEvent| match counted.fetch_add(1, Ordering::Relaxed) {
        0 => Err("the first time"),
        _ => Ok(()),
    };
    dispatcher.on(handler.wrap(Dedup::new(100)));
    let event = |id: &str| RawEvent::local(fanfare_core::Metadata::new(id.into(), "test", "some.thing"));
    let is_ok = |id: &str| dispatcher.emit_sync(&event(id)).is_ok();
    assert_eq!([is_ok("1"), is_ok("1"), is_ok("1"), is_ok("2")], [false, true, true, true]);
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[test]
fn timing_is_kept_by_handler() {
    let timing = Timing::new();
    let dispatcher = Dispatcher::builder().state(Story::default()).wrap(timing.clone()).build();
    dispatcher.on(told);
    for n in 0..3 {
        let _ = dispatcher.emit(placed(n)).now_or_never();
    }
    let [told] = &timing.latencies()[..] else { panic!("one handler") };
    assert_eq!((told.handler.as_str(), told.calls), ("told", 3));
    assert!(told.p50 <= told.p99);
}

#[tokio::test]
async fn layers_of_tower_fit_and_keep_their_state_between_calls() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    dispatcher.on(told.wrap(tower(::tower::limit::ConcurrencyLimitLayer::new(1))));
    assert!(dispatcher.emit(placed(1)).await.is_ok());
    assert!(dispatcher.emit(placed(2)).await.is_ok());
    assert_eq!(story.take(), ["handled 1", "handled 2"]);
}

#[tokio::test(start_paused = true)]
async fn events_that_arrive_out_of_order_are_handled_in_order_and_a_gap_is_given_up() {
    let story = Story::default();
    let dispatcher = on_paused_time(&story);
    let order = Resequence::by(1, |order: &Placed| order.quantity.into()).gap_timeout(Duration::from_secs(5));
    dispatcher.on(told.wrap(order));
    let start = tokio::time::Instant::now();
    join_all([3, 1, 2].map(|n| dispatcher.emit(placed(n)))).await;
    assert_eq!(
        (story.take().join(", "), start.elapsed()),
        ("handled 1, handled 2, handled 3".into(), Duration::ZERO)
    );
    join_all([6, 5].map(|n| dispatcher.emit(placed(n)))).await;
    assert_eq!(story.take(), ["handled 5", "handled 6"]);
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert!(dispatcher.emit(placed(4)).await.is_ok());
    assert!(dispatcher.emit(placed(7)).await.is_ok());
    assert_eq!(
        (story.take(), start.elapsed()),
        (vec!["handled 4".into(), "handled 7".into()], Duration::from_secs(5))
    );
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_turn_on_and_too_many_that_wait_are_refused() {
    let story = Story::default();
    let dispatcher = on_paused_time(&story);
    let order = Resequence::by(1, |order: &Placed| order.quantity.into()).waiting_max(2);
    dispatcher.on(told.wrap(order));
    let mut waits: Vec<_> = [2, 3].map(|n| Box::pin(dispatcher.emit(placed(n)))).into();
    waits.iter_mut().for_each(|wait| assert!(wait.as_mut().now_or_never().is_none()));
    let refused = dispatcher.emit(placed(4)).await;
    assert!(refused.failures()[0].error().is::<GapTooLong>());
    drop(waits.remove(0));
    assert!(dispatcher.emit(placed(1)).await.is_ok());
    assert!(dispatcher.emit(placed(2)).await.is_ok());
    assert!(waits.remove(0).await.is_ok());
    assert_eq!(story.take(), ["handled 1", "handled 2", "handled 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_resequenced_handler_may_follow_the_events_own_time() {
    let story = Story::default();
    let dispatcher = on_paused_time(&story);
    let at = |order: &Placed| fanfare_core::Timestamp::from_second(i64::from(order.quantity)).unwrap();
    dispatcher.on(told.wrap(Resequence::by_time(Duration::from_secs(2), at)));
    let emits = join_all([3, 1, 2].map(|n| dispatcher.emit(placed(n))));
    let start = tokio::time::Instant::now();
    assert!(emits.await.iter().all(|report| report.is_ok()));
    assert_eq!(story.take(), ["handled 1", "handled 2", "handled 3"]);
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert!(dispatcher.emit(placed(1)).now_or_never().unwrap().is_ok(), "a late one runs at once");
}

#[test]
fn handlers_of_one_name_share_no_state_of_a_middleware() {
    async fn audit(event: RawEvent, State(story): State<Story>) {
        story.tell(event.event_type());
    }
    mod stock {
        pub(super) async fn audit(_: super::RawEvent, state: super::State<super::Story>) {
            state.0.tell("stock");
        }
    }
    let (story, dedup) = (Story::default(), Dedup::new(1000));
    let around = || Dispatcher::builder().state(story.clone()).wrap(dedup.clone()).build();
    let (dispatcher, other) = (around(), around());
    dispatcher.on(audit);
    dispatcher.on(stock::audit);
    other.on(audit);
    let event = || RawEvent::local(fanfare_core::Metadata::new("1".into(), "test", "some.thing"));
    for _ in 0..2 {
        assert!(dispatcher.emit(event()).now_or_never().unwrap().is_ok());
        assert!(other.emit(event()).now_or_never().unwrap().is_ok());
    }
    assert_eq!(story.take(), ["some.thing", "stock", "some.thing"]);
    // Handlers without a name, made by one line.
    let panels = [(); 3].map(|()| Arc::new(story.clone()));
    for panel in &panels {
        dispatcher.on_weak(panel, |panel: &Story, _: &Cancelled| panel.tell("a panel"));
    }
    assert_eq!(dispatcher.emit_sync(&Cancelled(1)).ran(), 3);
    assert_eq!(story.take(), ["a panel"; 3]);
}

#[test]
fn what_a_middleware_keeps_of_a_handler_goes_with_its_subscription() {
    let breaker = CircuitBreaker::new(2, Duration::from_secs(10));
    let dispatcher = Dispatcher::builder().wrap(breaker.clone()).build();
    let guard = dispatcher.on(|_: &Placed| {}).guard();
    let owner = Arc::new(());
    dispatcher.on_weak(&owner, |(), _: &Placed| {});
    let report = dispatcher.emit_sync(&placed(1));
    assert_eq!((report.ran(), breaker.states(Duration::ZERO).len()), (2, 2));
    drop((guard, owner));
    dispatcher.emit_sync(&placed(1)).ignore();
    assert_eq!(breaker.states(Duration::ZERO), []);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_an_option_of_a_subscription_too_and_is_refused_around_a_synchronous_handler() {
    async fn endless(_: Arc<Placed>) {
        std::future::pending().await
    }
    let dispatcher = on_paused_time(&Story::default());
    dispatcher.on(endless.timeout(Duration::from_secs(2)));
    let start = tokio::time::Instant::now();
    let report = dispatcher.emit(placed(1)).await;
    assert_eq!(
        (report.failures()[0].kind(), start.elapsed()),
        (FailureKind::Timeout, Duration::from_secs(2))
    );
    let refused = dispatcher.try_on((|_: &Placed| {}).timeout(Duration::from_secs(2))).unwrap_err();
    assert!(refused.to_string().contains("`Timeout` may wait"), "{refused}");
}
