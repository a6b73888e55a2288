//! The dispatcher against a list that anyone can read: subscribe to one type, to a filter, to an enum, with a predicate,
//! leave, lose the owner, emit by value, by reference and raw, hand over to the queue, emit within, wait, panic.

use std::{sync::Arc, task::Poll};

use fanfare::{
    Events, RawEvent,
    dispatch::{Dispatcher, SubscribeExt, Subscription, SyncExt, Tuned},
};
use futures_util::FutureExt;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Cancelled, Placed};

#[derive(Events, Serialize, Deserialize)]
enum OrderEvent {
    Placed(Placed),
    Cancelled(Cancelled),
}

/// What a handler does when it is called, beside being noted.
#[derive(Clone, Copy, Debug)]
enum Does {
    Nothing,
    Panic,
    /// Ends this subscription, its own or another's.
    Leave(usize),
    /// Subscribes one more that does nothing.
    Join,
    /// Emits the other event; handlers of that do not.
    EmitOther,
}

/// What a handler listens to, and in which shape.
#[derive(Clone, Copy, PartialEq, Debug)]
enum To {
    Placed,
    Cancelled,
    /// One event type, weakly.
    PlacedWeakly,
    CancelledWeakly,
    /// One event type, as a future.
    PlacedLater,
    CancelledLater,
    /// An enum of both, as a future.
    EitherLater,
    /// By filter.
    Filter(Option<&'static str>),
}

const FILTERS: [(Option<&str>, [bool; 2]); 5] = [
    (None, [true, true]),
    (Some("order.>"), [true, true]),
    (Some("*.cancelled"), [false, true]),
    (Some("order.placed"), [true, false]),
    (Some("door.>"), [false, false]),
];

impl To {
    fn is_weak(self) -> bool {
        matches!(self, Self::PlacedWeakly | Self::CancelledWeakly)
    }

    fn is_later(self) -> bool {
        matches!(self, Self::PlacedLater | Self::CancelledLater | Self::EitherLater)
    }

    fn takes(self, event: Heard) -> bool {
        match self {
            Self::Placed | Self::PlacedWeakly | Self::PlacedLater => !event.is_other,
            Self::Cancelled | Self::CancelledWeakly | Self::CancelledLater => event.is_other,
            Self::EitherLater => true,
            Self::Filter(filter) => {
                let (_, takes) = FILTERS.iter().find(|(one, _)| *one == filter).unwrap();
                takes[usize::from(event.is_other)]
            }
        }
    }
}

/// One of the two events.
#[derive(Clone, Copy, Debug)]
struct Heard {
    is_other: bool,
    is_large: bool,
}

impl Heard {
    fn number(self) -> u32 {
        if self.is_large { 100 } else { 1 }
    }

    fn raw(self) -> RawEvent {
        match self.is_other {
            true => RawEvent::json("order.cancelled", json!(self.number())),
            false => RawEvent::json("order.placed", json!({ "item": "Book", "quantity": self.number() })),
        }
    }
}

/// How it is emitted.
#[derive(Clone, Copy, PartialEq, Debug)]
enum How {
    Awaited,
    /// Without a runtime: those that are no futures run.
    Sync,
    Raw,
    RawSync,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Subscribe(Listed),
    Unsubscribe(usize),
    DropOwner(usize),
    Emit(Heard, How),
    /// By value or raw.
    Enqueue(Heard, bool),
    /// Runs what is in the queue.
    Run,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let does = prop_oneof![
        4 => Just(Does::Nothing),
        1 => Just(Does::Panic),
        2 => (0..12usize).prop_map(Does::Leave),
        1 => Just(Does::Join),
        1 => Just(Does::EmitOther),
    ];
    let to = prop_oneof![
        2 => Just(To::Placed),
        2 => Just(To::Cancelled),
        1 => Just(To::PlacedWeakly),
        1 => Just(To::CancelledWeakly),
        1 => Just(To::PlacedLater),
        1 => Just(To::CancelledLater),
        1 => Just(To::EitherLater),
        3 => (0..FILTERS.len()).prop_map(|number| To::Filter(FILTERS[number].0)),
    ];
    let said = (any::<bool>(), any::<bool>(), any::<bool>());
    let subscribe = (to, -1..2i32, said, does).prop_map(|(to, priority, said, does)| {
        let (is_once, is_choosy, pauses) = said;
        // A weak subscription has no options.
        let can = !to.is_weak();
        Step::Subscribe(Listed {
            to,
            priority: if can { priority } else { 0 },
            is_once: is_once && can,
            is_choosy: is_choosy && can,
            pauses: pauses && to.is_later(),
            does,
            is_there: true,
        })
    });
    let heard = (any::<bool>(), any::<bool>()).prop_map(|(is_other, is_large)| Heard { is_other, is_large });
    let how = prop_oneof![Just(How::Awaited), Just(How::Sync), Just(How::Raw), Just(How::RawSync)];
    let step = prop_oneof![
        4 => subscribe,
        1 => (0..12usize).prop_map(Step::Unsubscribe),
        1 => (0..12usize).prop_map(Step::DropOwner),
        4 => (heard.clone(), how).prop_map(|(event, how)| Step::Emit(event, how)),
        1 => (heard, any::<bool>()).prop_map(|(event, is_raw)| Step::Enqueue(event, is_raw)),
        1 => Just(Step::Run),
    ];
    proptest::collection::vec(step, 0..40)
}

/// The reference: one list, walked from its beginning.
#[derive(Default)]
struct Model {
    all: Vec<Listed>,
}

#[derive(Clone, Copy, Debug)]
struct Listed {
    to: To,
    priority: i32,
    is_once: bool,
    /// Wants large ones alone.
    is_choosy: bool,
    /// Waits for another poll before it does anything.
    pauses: bool,
    does: Does,
    is_there: bool,
}

impl Model {
    /// Notes whom the emit calls, those of nested emits among them; answers whom it calls itself.
    fn emit(&mut self, event: Heard, is_sync: bool, noted: &mut Vec<usize>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.all.len())
            .filter(|&number| self.all[number].to.takes(event) && self.all[number].is_there)
            .collect();
        order.sort_by_key(|&number| std::cmp::Reverse(self.all[number].priority));
        let (later, now): (Vec<usize>, Vec<usize>) =
            order.into_iter().partition(|&number| self.all[number].to.is_later());
        let mut called = Vec::new();
        for number in now {
            if self.admit(number, event) {
                called.push(number);
                self.call(number, event, noted);
            }
        }
        // Futures are taken together and begin one after the other: one that was ended meanwhile does not begin, one
        // that has begun goes on.
        let taken: Vec<usize> =
            later.into_iter().filter(|&number| !is_sync && self.admit(number, event)).collect();
        let mut paused = Vec::new();
        for number in taken {
            let Listed { is_there, is_once, pauses, .. } = self.all[number];
            if is_there || is_once {
                called.push(number);
                if pauses { paused.push(number) } else { self.call(number, event, noted) }
            }
        }
        paused.into_iter().for_each(|number| self.call(number, event, noted));
        called
    }

    fn admit(&mut self, number: usize, event: Heard) -> bool {
        let Listed { is_there, is_once, is_choosy, .. } = self.all[number];
        let is_admitted = is_there && (!is_choosy || event.is_large);
        self.all[number].is_there = is_there && !(is_admitted && is_once);
        is_admitted
    }

    fn call(&mut self, number: usize, event: Heard, noted: &mut Vec<usize>) {
        noted.push(number);
        match self.all[number].does {
            Does::Leave(whose) => self.leave(whose),
            Does::Join => {
                let to = if event.is_other { To::Cancelled } else { To::Placed };
                self.join(plain(to));
            }
            Does::EmitOther if !event.is_other => {
                self.emit(Heard { is_other: true, is_large: false }, true, noted);
            }
            _ => {}
        }
    }

    fn leave(&mut self, whose: usize) {
        if let Some(listed) = self.all.get_mut(whose) {
            listed.is_there = false;
        }
    }

    fn join(&mut self, listed: Listed) {
        self.all.push(listed);
    }
}

fn plain(to: To) -> Listed {
    let does = Does::Nothing;
    Listed { to, priority: 0, is_once: false, is_choosy: false, pauses: false, does, is_there: true }
}

/// The same on a dispatcher.
#[derive(Clone)]
struct Real {
    dispatcher: Dispatcher,
    all: Arc<Mutex<Vec<Subscription>>>,
    noted: Arc<Mutex<Vec<usize>>>,
}

/// Returns when it is polled a second time, if it pauses at all.
async fn pause(pauses: bool) {
    let mut is_over = !pauses;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut is_over, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn tuned<H, X, T: 'static>(handler: Tuned<H, X>, listed: Listed, is_large: fn(&T) -> bool) -> Tuned<H, X> {
    let handler = handler.priority(listed.priority);
    let handler = if listed.is_choosy { handler.when(is_large) } else { handler };
    if listed.is_once { handler.once() } else { handler }
}

fn is_large_raw(event: &RawEvent) -> bool {
    match event.event_type() {
        "order.cancelled" => event.decode::<Cancelled>().is_ok_and(|event| event.0 > 10),
        _ => event.decode::<Placed>().is_ok_and(|event| event.quantity > 10),
    }
}

impl Real {
    fn subscribe(&self, listed: Listed, owner: &Arc<()>) {
        let number = self.all.lock().len();
        let (real, to_all, pauses) = (self.clone(), &self.dispatcher, listed.pauses);
        let act = move |is_other: bool| real.act(number, is_other, listed.does);
        let later = {
            let act = act.clone();
            move |is_other: bool| {
                let act = act.clone();
                async move {
                    pause(pauses).await;
                    act(is_other);
                }
            }
        };
        let placed = |event: &Placed| event.quantity > 10;
        let cancelled = |event: &Cancelled| event.0 > 10;
        let subscription = match listed.to {
            To::Placed => to_all.on(tuned((move |_: &Placed| act(false)).priority(0), listed, placed)),
            To::Cancelled => {
                to_all.on(tuned((move |_: &Cancelled| act(true)).priority(0), listed, cancelled))
            }
            To::PlacedWeakly => to_all.on_weak(owner, move |(), _: &Placed| act(false)),
            To::CancelledWeakly => to_all.on_weak(owner, move |(), _: &Cancelled| act(true)),
            To::PlacedLater => {
                to_all.on(tuned((move |_: Arc<Placed>| later(false)).priority(0), listed, placed))
            }
            To::CancelledLater => {
                to_all.on(tuned((move |_: Arc<Cancelled>| later(true)).priority(0), listed, cancelled))
            }
            To::EitherLater => {
                let later = move |event: OrderEvent| later(matches!(event, OrderEvent::Cancelled(_)));
                to_all.on(tuned(later.priority(0), listed, |event: &OrderEvent| match event {
                    OrderEvent::Placed(event) => event.quantity > 10,
                    OrderEvent::Cancelled(event) => event.0 > 10,
                }))
            }
            To::Filter(filter) => {
                let any = move |event: &RawEvent| act(event.event_type() == "order.cancelled");
                match filter {
                    Some(filter) => to_all.on(tuned(any.types(filter), listed, is_large_raw)),
                    None => to_all.on(tuned(any.priority(0), listed, is_large_raw)),
                }
            }
        };
        self.all.lock().push(subscription);
    }

    fn act(&self, number: usize, is_other: bool, does: Does) {
        self.noted.lock().push(number);
        match does {
            Does::Nothing => {}
            Does::Panic => std::panic::resume_unwind(Box::new("a handler of the model")),
            Does::Leave(whose) => {
                let subscription = self.all.lock().get(whose).cloned();
                if let Some(subscription) = subscription {
                    subscription.unsubscribe();
                }
            }
            Does::Join => {
                let to = if is_other { To::Cancelled } else { To::Placed };
                self.subscribe(plain(to), &Arc::new(()));
            }
            Does::EmitOther if !is_other => drop(self.dispatcher.emit_sync(&Cancelled(1))),
            Does::EmitOther => {}
        }
    }

    /// Emits; answers how many ran and how many of them failed.
    fn emit(&self, event: Heard, how: How) -> (usize, usize) {
        let (to_all, number) = (&self.dispatcher, event.number());
        let order = Placed { item: "Book".into(), quantity: number };
        let report = match (how, event.is_other) {
            (How::Sync, true) => to_all.emit_sync(&Cancelled(number)),
            (How::Sync, false) => to_all.emit_sync(&order),
            (How::Awaited, true) => polled(to_all.emit(Cancelled(number))),
            (How::Awaited, false) => polled(to_all.emit(order)),
            (How::Raw, _) => polled(to_all.emit(event.raw())),
            (How::RawSync, _) => to_all.emit_sync(&event.raw()),
        };
        (report.ran(), report.failures().len())
    }

    fn enqueue(&self, event: Heard, is_raw: bool) {
        let (to_all, number) = (&self.dispatcher, event.number());
        let is_taken = match (is_raw, event.is_other) {
            (true, _) => to_all.try_enqueue(event.raw()).is_ok(),
            (false, true) => to_all.try_enqueue(Cancelled(number)).is_ok(),
            (false, false) => to_all.try_enqueue(Placed { item: "Book".into(), quantity: number }).is_ok(),
        };
        assert!(is_taken, "there is room");
    }

    /// Runs so many events of the queue.
    fn run(&self, events: usize) {
        let mut run = Box::pin(self.dispatcher.run());
        // Each takes two polls where somebody pauses.
        (0..=2 * events).for_each(|_| assert!((&mut run).now_or_never().is_none()));
    }
}

/// Polls until it is ready; nobody waits for anything else than another poll.
fn polled<T>(future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    (0..9).find_map(|_| (&mut future).now_or_never()).expect("nobody waits for long")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn handlers_are_called_as_the_model_calls_them(steps in steps()) {
        let mut model = Model::default();
        let real = Real { dispatcher: Dispatcher::new(), all: Arc::default(), noted: Arc::default() };
        let mut owners: Vec<Option<Arc<()>>> = Vec::new();
        let mut queue: Vec<Heard> = Vec::new();
        for step in steps {
            match step {
                Step::Subscribe(listed) => {
                    let owner = Arc::new(());
                    real.subscribe(listed, &owner);
                    model.join(listed);
                    owners.resize(model.all.len() - 1, None);
                    owners.push(listed.to.is_weak().then_some(owner));
                }
                Step::Unsubscribe(whose) => {
                    let subscription = real.all.lock().get(whose).cloned();
                    let was_there = model.all.get(whose).is_some_and(|listed| listed.is_there);
                    prop_assert_eq!(subscription.is_some_and(|one| one.unsubscribe()), was_there);
                    model.leave(whose);
                }
                Step::DropOwner(whose) => {
                    if owners.get_mut(whose).and_then(Option::take).is_some() {
                        model.leave(whose);
                    }
                }
                Step::Emit(event, how) => {
                    let (is_sync, mut expected) = (matches!(how, How::Sync | How::RawSync), Vec::new());
                    let called = model.emit(event, is_sync, &mut expected);
                    let failed = called.iter().filter(|&&number| matches!(model.all[number].does, Does::Panic));
                    let outcome = real.emit(event, how);
                    prop_assert_eq!(outcome, (called.len(), failed.count()));
                    prop_assert_eq!(std::mem::take(&mut *real.noted.lock()), expected);
                }
                Step::Enqueue(event, is_raw) => {
                    real.enqueue(event, is_raw);
                    queue.push(event);
                }
                Step::Run => {
                    let mut expected = Vec::new();
                    real.run(queue.len());
                    queue.drain(..).for_each(|event| drop(model.emit(event, false, &mut expected)));
                    prop_assert_eq!(std::mem::take(&mut *real.noted.lock()), expected);
                }
            }
            let listed = model.all.iter().filter(|listed| listed.is_there).count();
            prop_assert_eq!(real.all.lock().iter().filter(|one| one.is_active()).count(), listed);
        }
    }
}
