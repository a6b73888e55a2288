//! Who is called, for how long, in which shape.

use std::sync::Arc;

use fanfare::{
    Context, Envelope, Events, HandlerExt, RawEvent, State,
    dispatch::{Dispatcher, SubscribeExt, Subscription},
};
use futures_util::FutureExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{Cancelled, Opened, Placed, Story, placed};

async fn by_value(order: Placed, State(story): State<Story>) {
    story.tell(format!("value {}", order.quantity));
}

async fn shared(order: Arc<Placed>, State(story): State<Story>) {
    story.tell(format!("shared {}", order.quantity));
}

async fn enveloped(order: Envelope<Placed>, State(story): State<Story>) {
    story.tell(format!("envelope {} {:?}", order.metadata.event_type, order.metadata.key.as_deref()));
}

async fn raw(event: RawEvent, State(story): State<Story>) {
    story.tell(format!("raw {} {:?}", event.event_type(), event.payload()));
}

async fn with_context(order: Placed, context: Context, State(story): State<Story>) {
    story.tell(format!("context {} {} {}", context.event_type(), context.handler(), order.quantity));
}

#[derive(Events, Serialize, Deserialize)]
enum OrderEvent {
    Placed(Placed),
    Cancelled(Cancelled),
}

async fn either(event: OrderEvent, State(story): State<Story>) {
    story.tell(match event {
        OrderEvent::Placed(placed) => format!("placed {}", placed.quantity),
        OrderEvent::Cancelled(Cancelled(n)) => format!("cancelled {n}"),
    });
}

fn with_story() -> (Dispatcher, Story) {
    let story = Story::default();
    (Dispatcher::builder().state(story.clone()).build(), story)
}

fn a_function(order: &Placed) {
    assert_eq!(order.quantity, 1);
}

#[test]
fn closures_and_functions_of_a_reference_run_in_the_order_of_subscription() {
    let (dispatcher, story) = with_story();
    for name in ["first", "second"] {
        let story = story.clone();
        dispatcher.on(move |order: &Placed| story.tell(format!("{name} {}", order.quantity)));
    }
    dispatcher.on(a_function);
    assert_eq!(dispatcher.emit_sync(&placed(1)).ran(), 3);
    assert_eq!(story.take(), ["first 1", "second 1"]);
}

#[test]
fn async_handlers_take_every_shape_of_the_event_and_extractors() {
    let (dispatcher, story) = with_story();
    dispatcher.on(by_value);
    dispatcher.on(shared);
    dispatcher.on(enveloped);
    dispatcher.on(raw);
    dispatcher.on(with_context);
    dispatcher.on(either);
    let report = dispatcher.emit(placed(2)).now_or_never().unwrap();
    assert_eq!((report.ran(), report.is_ok()), (6, true));
    assert_eq!(
        story.take(),
        [
            "value 2",
            "shared 2",
            "envelope order.placed Some(\"Rust Book\")",
            "raw order.placed b\"{\\\"item\\\":\\\"Rust Book\\\",\\\"quantity\\\":2}\"",
            "context order.placed with_context 2",
            "placed 2",
        ]
    );
    assert_eq!(dispatcher.emit(Cancelled(7)).now_or_never().unwrap().ran(), 2);
    assert_eq!(story.take(), ["raw order.cancelled b\"7\"", "cancelled 7"]);
}

#[test]
fn a_filter_narrows_what_a_raw_handler_hears_and_a_local_event_has_no_payload() {
    let (dispatcher, story) = with_story();
    dispatcher.on(raw.types("door.*"));
    assert!(dispatcher.emit_sync(&placed(1)).is_unheard());
    assert_eq!(dispatcher.emit(Opened).now_or_never().unwrap().ran(), 1);
    assert_eq!(story.take(), ["raw door.opened b\"\""]);
}

#[test]
fn a_dropped_handle_leaves_its_subscription_and_a_dropped_guard_ends_it() {
    let (dispatcher, story) = with_story();
    let (kept, guarded) = (story.clone(), story.clone());
    drop(dispatcher.on(move |_: &Placed| kept.tell("kept")));
    let guard = dispatcher.on(move |_: &Placed| guarded.tell("guarded")).guard();
    let _ = dispatcher.emit_sync(&placed(1));
    drop(guard);
    let _ = dispatcher.emit_sync(&placed(1));
    assert_eq!(story.take(), ["kept", "guarded", "kept"]);
}

#[test]
fn unsubscribing_frees_what_the_handler_captured_while_the_handle_is_kept() {
    let dispatcher = Dispatcher::new();
    let captured = Arc::new(());
    let inside = captured.clone();
    let subscription = dispatcher.on(move |_: &Placed| drop(inside.clone()));
    assert!(subscription.is_active() && subscription.unsubscribe() && !subscription.unsubscribe());
    assert_eq!((subscription.is_active(), Arc::strong_count(&captured)), (false, 1));
}

#[test]
fn an_emit_sees_the_set_as_it_was_when_it_began_less_those_who_left() {
    let (dispatcher, story) = with_story();
    let last = Arc::new(parking_lot::Mutex::new(None::<fanfare::dispatch::Subscription>));
    let (inner, leaver, joined) = (dispatcher.clone(), last.clone(), story.clone());
    dispatcher.on(move |_: &Placed| {
        if let Some(last) = leaver.lock().take() {
            last.unsubscribe();
        }
        let joined = joined.clone();
        drop(inner.on(move |_: &Placed| joined.tell("joined")));
    });
    let told = story.clone();
    *last.lock() = Some(dispatcher.on(move |_: &Placed| told.tell("left")));
    assert_eq!(dispatcher.emit_sync(&placed(1)).ran(), 1);
    assert_eq!(story.take(), [""; 0]);
    assert_eq!(dispatcher.emit_sync(&placed(1)).ran(), 2);
    assert_eq!(story.take(), ["joined"]);
}

#[test]
fn a_missing_state_is_reported_with_the_line_of_the_registration_and_its_type() {
    let dispatcher = Dispatcher::new();
    let missing = dispatcher.try_on(by_value).unwrap_err().to_string();
    assert!(missing.contains("Story"), "{missing}");
    let line = line!() + 1;
    let panic = std::panic::catch_unwind(|| drop(dispatcher.on(by_value))).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains(&format!("subscribing.rs:{line}")) && text.contains("Story"), "{text}");
}

#[test]
fn a_handler_that_is_dropped_may_itself_change_subscriptions() {
    struct Resubscribes(Dispatcher);
    impl Drop for Resubscribes {
        fn drop(&mut self) {
            self.0.on(|_: &Opened| {});
        }
    }
    let dispatcher = Dispatcher::new();
    let on_drop = Resubscribes(dispatcher.clone());
    let subscription = dispatcher.on(move |_: &Placed| {
        let _ = &on_drop;
    });
    assert!(subscription.unsubscribe());
    assert_eq!(dispatcher.emit_sync(&Opened).ran(), 1);
}

#[test]
fn an_async_handler_that_was_unsubscribed_before_it_began_does_not_begin() {
    let (dispatcher, story) = (Dispatcher::builder().state(Story::default()).build(), Story::default());
    let leavers = Arc::new(Mutex::new(Vec::<Subscription>::new()));
    let all = leavers.clone();
    dispatcher.on(move |_: Arc<Placed>| {
        let all = all.clone();
        async move { all.lock().drain(..).for_each(|one| assert!(one.unsubscribe())) }
    });
    let telling = |line: &'static str| {
        let story = story.clone();
        move |_: Arc<Placed>| {
            story.tell(line);
            async {}
        }
    };
    let all_types = story.clone();
    leavers.lock().extend([
        dispatcher.on(telling("plain")),
        dispatcher.on(telling("in a row").in_key_order()),
        dispatcher.on(telling("chosen").when(|_: &Placed| true)),
        dispatcher.on(move |_: RawEvent| {
            all_types.tell("of all types");
            async {}
        }),
    ]);
    dispatcher.on(telling("once").once());
    dispatcher.on(telling("stays"));
    assert_eq!(dispatcher.emit(placed(1)).now_or_never().unwrap().ran(), 3);
    assert_eq!(story.take(), ["once", "stays"]);
    assert_eq!(dispatcher.emit(placed(1)).now_or_never().unwrap().ran(), 2);
}

#[tokio::test]
async fn a_handler_that_was_handed_over_does_not_begin_once_it_is_unsubscribed() {
    let (dispatcher, story) = (Dispatcher::new(), Story::default());
    let told = story.clone();
    let subscription = dispatcher.on(move |_: Arc<Placed>| {
        told.tell("begun");
        async {}
    });
    assert_eq!(dispatcher.emit_sync(&placed(1)).handed_over(), 1);
    assert!(subscription.unsubscribe());
    for _ in 0..9 {
        tokio::task::yield_now().await;
    }
    assert_eq!(story.take(), [""; 0]);
}
