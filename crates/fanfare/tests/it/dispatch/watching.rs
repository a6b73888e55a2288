//! Spans, latencies, log lines, and the order of keys.
#![allow(clippy::disallowed_methods, reason = "tokio's paused time")]

use std::{sync::Arc, time::Duration};

use fanfare::{
    Context, State,
    clock::RuntimeClock,
    dispatch::{Dispatcher, SubscribeExt, SyncExt},
};
use futures_util::{FutureExt, future::join_all};
use tracing_subscriber::fmt::{MakeWriter, format::FmtSpan};

use super::{Cancelled, Opened, Placed, Story, placed};

/// A dispatcher for its own handlers.
#[derive(Clone, Default)]
struct Weak(Arc<std::sync::OnceLock<Dispatcher>>);

impl Weak {
    fn set(&self, dispatcher: &Dispatcher) {
        assert!(self.0.set(dispatcher.clone()).is_ok());
    }

    fn get(&self) -> Dispatcher {
        self.0.get().unwrap().clone()
    }
}

/// Collects what is logged while `run` runs on this thread.
fn logged(run: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Lines(Arc<parking_lot::Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl MakeWriter<'_> for Lines {
        type Writer = Self;
        fn make_writer(&self) -> Self {
            self.clone()
        }
    }
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .with_span_events(FmtSpan::NEW)
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    String::from_utf8(lines.0.lock().clone()).unwrap()
}

#[test]
fn each_emit_and_each_handler_has_a_span_with_names_and_ids_when_asked_for() {
    async fn receipt(_: Arc<Placed>, context: Context) -> Cancelled {
        tracing::info!(id = %context.event_id(), "within");
        Cancelled(1)
    }
    let dispatcher = Dispatcher::builder().spans().build();
    dispatcher.on(receipt);
    dispatcher.on((|_: &Cancelled| {}).named("audit"));
    let text = logged(|| {
        assert!(dispatcher.emit(placed(1)).now_or_never().unwrap().is_ok());
        assert!(dispatcher.emit_sync(&Cancelled(2)).is_ok());
    });
    let line = |part: &str| {
        text.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {text}"))
    };
    let id = line("within").split("id=").last().unwrap().trim().to_owned();
    let emit = line("emit{event_type=\"order.placed\"");
    assert!(emit.contains(&format!("event_id={id} correlation_id={id}")), "{text}");
    let handle = line("handle{handler=\"receipt\"");
    assert!(handle.contains("emit{event_type=\"order.placed\"") && handle.contains("new"), "{handle}");
    let caused = line("emit{event_type=\"order.cancelled\"");
    assert!(caused.contains(&format!("correlation_id={id} causation_id={id}")), "{text}");
    assert_eq!(text.matches("handle{handler=\"audit\"").count(), 2, "{text}");
    let quiet = Dispatcher::new();
    quiet.on(receipt);
    assert!(!logged(|| quiet.emit(placed(1)).now_or_never().unwrap().ignore()).contains("emit{"));
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_latencies_where_they_are_measured() {
    async fn slow(order: Arc<Placed>) {
        tokio::time::sleep(Duration::from_secs(u64::from(order.quantity))).await;
    }
    let dispatcher = Dispatcher::builder().clock(Arc::new(RuntimeClock::new())).timing().build();
    dispatcher.on(slow);
    for seconds in [1, 3] {
        dispatcher.emit(placed(seconds)).await.ignore();
    }
    let snapshot = dispatcher.snapshot();
    let took = snapshot.types[0].handlers[0].latencies.as_ref().unwrap();
    assert_eq!((took.calls, took.mean, took.max), (2, Duration::from_secs(2), Duration::from_secs(3)));
    assert!(took.p99 >= took.max && took.p99 < took.max * 2);
    assert!(snapshot.to_string().contains("mean 2s, p99 4."), "{snapshot}");
    let unmeasured = Dispatcher::new();
    unmeasured.on(slow);
    assert!(unmeasured.snapshot().types[0].handlers[0].latencies.is_none());
}

#[test]
fn nobody_listening_is_one_log_line_that_says_when_subscriptions_have_ended() {
    let dispatcher = Dispatcher::new();
    let text = logged(|| {
        for _ in 0..3 {
            dispatcher.emit_sync(&Opened).ignore();
            dispatcher.emit_sync(&fanfare::RawEvent::empty("bell.rung")).ignore();
        }
        drop(dispatcher.on(|_: &Opened| {}).guard());
        for _ in 0..3 {
            dispatcher.emit_sync(&Opened).ignore();
        }
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains("nobody has subscribed") && lines[0].contains("door.opened"), "{text}");
    assert!(lines[1].contains("nobody has subscribed") && lines[1].contains("bell.rung"), "{text}");
    assert!(lines[2].contains("its subscriptions have ended"), "{text}");
    let bell = &dispatcher.snapshot().types[0];
    assert_eq!((&*bell.event_type, bell.emitted, bell.unheard), ("bell.rung", 3, 3));
}

/// The first of each key takes longest.
async fn uneven(order: Placed, State(story): State<Story>) {
    tokio::time::sleep(Duration::from_secs(10 / u64::from(order.quantity))).await;
    story.tell(format!("{} {}", order.item, order.quantity));
}

fn order(item: &str, quantity: u32) -> Placed {
    Placed { item: item.into(), quantity }
}

#[tokio::test(start_paused = true)]
async fn in_key_order_the_events_of_a_key_are_handled_as_they_were_emitted_and_keys_overtake() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    dispatcher.on(uneven.in_key_order());
    let start = tokio::time::Instant::now();
    join_all([("a", 1), ("b", 5), ("a", 2), ("b", 10)].map(|(item, n)| dispatcher.emit(order(item, n))))
        .await;
    assert_eq!(story.take(), ["b 5", "b 10", "a 1", "a 2"]);
    assert_eq!(start.elapsed(), Duration::from_secs(15));
    for n in [1, 2, 5] {
        assert_eq!(dispatcher.emit_sync(&order("c", n)).handed_over(), 1);
    }
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(story.take(), ["c 1", "c 2", "c 5"]);
}

#[tokio::test(start_paused = true)]
async fn an_emit_that_is_dropped_before_its_turn_does_not_let_the_next_one_overtake() {
    let story = Story::default();
    let dispatcher = Dispatcher::builder().state(story.clone()).build();
    dispatcher.on(uneven.in_key_order());
    let mut emits: Vec<_> = [1, 2, 5].map(|n| Box::pin(dispatcher.emit(order("a", n)))).into();
    for emit in &mut emits {
        assert!(emit.as_mut().now_or_never().is_none());
    }
    drop(emits.remove(1));
    let last = emits.remove(1);
    let first = emits.remove(0);
    let reports = futures_util::future::join(last, first).await;
    assert!(reports.0.is_ok() && reports.1.is_ok());
    assert_eq!(story.take(), ["a 1", "a 5"]);
}

#[test]
fn a_synchronous_handler_has_no_use_for_key_order() {
    let refused = Dispatcher::new().try_on((|_: &Placed| {}).in_key_order()).unwrap_err().to_string();
    assert!(refused.contains("KeyOrder") && refused.contains("synchronous"), "{refused}");
}

#[tokio::test]
async fn in_key_order_a_handler_that_awaits_its_own_key_is_refused_and_one_that_returns_it_is_not() {
    async fn waits(order: Arc<Placed>, State((dispatcher, story)): State<(Weak, Story)>) {
        story.tell(format!("waits {}", order.quantity));
        if order.quantity == 1 {
            let dispatcher = dispatcher.get();
            let other = Placed { item: "another".into(), quantity: 2 };
            assert!(dispatcher.emit(other).await.is_ok());
            let own = dispatcher.emit(placed(3)).await;
            story.tell(own.failures()[0].to_string());
            // Handed over, and not waited for, it comes when this one has ended.
            assert_eq!(dispatcher.emit_sync(&placed(4)).handed_over(), 2);
        }
    }
    async fn returns(order: Arc<Placed>, State((_, story)): State<(Weak, Story)>) -> Option<Placed> {
        story.tell(format!("returns {}", order.quantity));
        (order.quantity == 4).then(|| placed(5))
    }
    let (handle, story) = (Weak::default(), Story::default());
    let dispatcher = Dispatcher::builder().state((handle.clone(), story.clone())).build();
    handle.set(&dispatcher);
    dispatcher.on(waits.in_key_order());
    dispatcher.on(returns.in_key_order());
    let emit = dispatcher.emit(placed(1));
    assert!(tokio::time::timeout(Duration::from_secs(60), emit).await.unwrap().is_ok());
    super::until(|| story.len() >= 10).await;
    let lines = story.take();
    let refused = lines.iter().find(|line| line.contains("wait for itself")).unwrap();
    assert!(refused.contains("`waits` failed") && refused.contains("`Rust Book`"), "{refused}");
    for line in ["waits 2", "waits 4", "waits 5", "returns 3", "returns 4", "returns 5"] {
        assert!(lines.iter().any(|told| told == line), "{line}: {lines:?}");
    }
    assert!(!lines.iter().any(|told| told == "waits 3"));
}
