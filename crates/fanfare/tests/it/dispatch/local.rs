//! Handlers that stay on their thread.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use fanfare::{
    HandlerExt, RawEvent,
    dispatch::{LocalDispatcher, Queue, SubscribeExt, SyncExt},
    middleware::Logging,
};
use futures_util::FutureExt;

use super::{Cancelled, Placed, placed};

type Lines = Rc<RefCell<Vec<String>>>;

fn take(lines: &Lines) -> Vec<String> {
    std::mem::take(&mut lines.borrow_mut())
}

#[test]
fn handlers_that_are_not_send_have_every_verb_and_option() {
    let lines = Lines::default();
    let dispatcher = LocalDispatcher::builder().timing().build();
    let (first, raw, later) = (lines.clone(), lines.clone(), lines.clone());
    dispatcher.on(move |order: &Placed| first.borrow_mut().push(format!("sync {}", order.quantity)));
    let audit = move |event: &RawEvent| raw.borrow_mut().push(event.event_type().to_owned());
    dispatcher.on(audit.named("audit").types("order.>").wrap(Logging::new()).priority(1));
    let subscription = dispatcher.on((move |order: Arc<Placed>| {
        let lines = later.clone();
        async move {
            lines.borrow_mut().push(format!("async {}", order.quantity));
            Cancelled(order.quantity)
        }
    })
    .named("later")
    .when(|order: &Placed| order.quantity < 10));
    let report = dispatcher.emit(placed(1)).now_or_never().unwrap();
    assert_eq!((report.ran(), report.is_ok()), (4, true));
    assert_eq!(take(&lines), ["order.placed", "sync 1", "async 1", "order.cancelled"]);
    assert_eq!(dispatcher.emit(placed(10)).now_or_never().unwrap().ran(), 2);
    let answers = dispatcher.ask::<Cancelled, _>(placed(2)).now_or_never().unwrap();
    assert_eq!(answers.into_vec(), [Cancelled(2)]);
    assert!(subscription.unsubscribe() && !subscription.is_active());
    assert!(dispatcher.diagram().contains("audit (sync, called"), "{}", dispatcher.diagram());
}

#[test]
fn panics_errors_hooks_and_missing_states_are_as_elsewhere() {
    let lines = Lines::default();
    let told = lines.clone();
    let dispatcher = LocalDispatcher::builder()
        .on_error(move |failure| told.borrow_mut().push(failure.to_string()))
        .build();
    let nothing = Rc::new(());
    dispatcher.on((move |order: &Placed| {
        let _ = &nothing;
        assert_eq!(order.quantity, 0, "at home");
    })
    .named("panics"));
    assert_eq!(dispatcher.emit_sync(&placed(1)).failures().len(), 1);
    let [line] = &take(&lines)[..] else { panic!("one line") };
    assert!(line.starts_with("`panics` panicked on `order.placed`") && line.contains("at home"), "{line}");
    async fn counts(_: Placed, _: fanfare::State<u8>) {}
    assert!(dispatcher.try_on(counts).unwrap_err().to_string().contains("u8"));
}

#[test]
fn guards_and_weak_owners_end_subscriptions_and_free_what_they_hold() {
    let dispatcher = LocalDispatcher::new();
    let owner = Rc::new(Cell::new(0));
    dispatcher.on_weak(&owner, |owner: &Cell<u32>, order: &Placed| owner.set(owner.get() + order.quantity));
    let held = Rc::new(());
    let inside = held.clone();
    let guard = dispatcher.on(move |_: &Placed| drop(inside.clone())).guard();
    assert_eq!(dispatcher.emit_sync(&placed(5)).ran(), 2);
    assert_eq!((owner.get(), Rc::strong_count(&owner), Rc::strong_count(&held)), (5, 1, 2));
    drop((owner, guard));
    assert_eq!((dispatcher.emit_sync(&placed(5)).ran(), Rc::strong_count(&held)), (0, 1));
    assert!(dispatcher.emit_sync(&placed(5)).is_unheard());
}

#[tokio::test]
async fn emit_sync_hands_async_handlers_to_this_threads_executor_or_names_them() {
    async fn waits(order: Arc<Placed>) {
        assert_eq!(order.quantity, 1);
    }
    // A runtime is at hand, and its threads are others.
    let alone = LocalDispatcher::new();
    alone.on(waits);
    assert_eq!(alone.emit_sync(&placed(1)).not_run(), ["waits"]);
    let ran = Rc::new(Cell::new(false));
    let local = tokio::task::LocalSet::new();
    let attached = LocalDispatcher::builder().spawner(|task| drop(tokio::task::spawn_local(task))).build();
    let set = ran.clone();
    attached.on(move |_: Arc<Placed>| {
        let set = set.clone();
        async move {
            tokio::task::yield_now().await;
            set.set(true);
        }
    });
    local.run_until(async { assert_eq!(attached.emit_sync(&placed(1)).handed_over(), 1) }).await;
    local.await;
    assert!(ran.get());
}

#[tokio::test]
async fn its_queue_and_its_expectations_run_on_this_thread() {
    let dispatcher = LocalDispatcher::builder().queue(Queue::bounded(4)).build();
    let lines = Lines::default();
    let told = lines.clone();
    dispatcher.on(move |order: &Placed| told.borrow_mut().push(order.quantity.to_string()));
    let wanted = Rc::new(Cell::new(2));
    let expected =
        dispatcher.expect(move |order: &Placed| order.quantity == wanted.get(), Duration::from_secs(60));
    for n in 1..=3 {
        dispatcher.enqueue(placed(n)).await.unwrap();
    }
    dispatcher.close();
    dispatcher.run().await;
    assert_eq!(
        (take(&lines), expected.await.unwrap()),
        (vec!["1".into(), "2".into(), "3".into()], placed(2))
    );
}
