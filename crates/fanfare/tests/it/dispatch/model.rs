//! The dispatcher against a list that anyone can read: subscribe to one type, to a filter, to an enum, leave, lose the
//! owner, emit by value and by reference, emit within, panic.

use std::sync::Arc;

use fanfare::{
    Events, RawEvent,
    dispatch::{Dispatcher, SubscribeExt, Subscription, SyncExt, Tuned},
};
use futures_util::FutureExt;
use parking_lot::Mutex;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Cancelled, Placed, placed};

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
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Subscribe {
        to: To,
        priority: i32,
        is_once: bool,
        does: Does,
    },
    Unsubscribe(usize),
    DropOwner(usize),
    /// `emit` runs all, `emit_sync` without a runtime those that are no futures.
    Emit {
        event: Heard,
        is_sync: bool,
    },
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
    let subscribe = (to, -1..2i32, any::<bool>(), does).prop_map(|(to, priority, is_once, does)| {
        // A weak subscription has neither.
        let priority = if to.is_weak() { 0 } else { priority };
        Step::Subscribe { to, priority, is_once: is_once && !to.is_weak(), does }
    });
    let emit = (any::<bool>(), any::<bool>())
        .prop_map(|(is_other, is_sync)| Step::Emit { event: Heard { is_other }, is_sync });
    let step = prop_oneof![
        4 => subscribe,
        1 => (0..12usize).prop_map(Step::Unsubscribe),
        1 => (0..12usize).prop_map(Step::DropOwner),
        4 => emit,
    ];
    proptest::collection::vec(step, 0..40)
}

/// The reference: one list, walked from its beginning.
#[derive(Default)]
struct Model {
    all: Vec<Listed>,
}

#[derive(Clone, Copy)]
struct Listed {
    to: To,
    priority: i32,
    is_once: bool,
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
            if self.admit(number) {
                called.push(number);
                self.call(number, event, noted);
            }
        }
        // Futures are taken together and begin one after the other: one that was ended meanwhile does not begin.
        let taken: Vec<usize> = later.into_iter().filter(|&number| !is_sync && self.admit(number)).collect();
        for number in taken {
            if self.all[number].is_there || self.all[number].is_once {
                called.push(number);
                self.call(number, event, noted);
            }
        }
        called
    }

    fn admit(&mut self, number: usize) -> bool {
        let Listed { is_there, is_once, .. } = self.all[number];
        self.all[number].is_there = is_there && !is_once;
        is_there
    }

    fn call(&mut self, number: usize, event: Heard, noted: &mut Vec<usize>) {
        noted.push(number);
        match self.all[number].does {
            Does::Leave(whose) => self.leave(whose),
            Does::Join => {
                let to = if event.is_other { To::Cancelled } else { To::Placed };
                self.join(Listed { to, priority: 0, is_once: false, does: Does::Nothing, is_there: true });
            }
            Does::EmitOther if !event.is_other => {
                self.emit(Heard { is_other: true }, true, noted);
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

/// The same on a dispatcher.
#[derive(Clone)]
struct Real {
    dispatcher: Dispatcher,
    all: Arc<Mutex<Vec<Subscription>>>,
    noted: Arc<Mutex<Vec<usize>>>,
}

fn tuned<H, X>(handler: Tuned<H, X>, priority: i32, is_once: bool) -> Tuned<H, X> {
    let handler = handler.priority(priority);
    if is_once { handler.once() } else { handler }
}

impl Real {
    fn subscribe(&self, to: To, priority: i32, is_once: bool, owner: &Arc<()>, does: Does) {
        let number = self.all.lock().len();
        let (real, to_all) = (self.clone(), &self.dispatcher);
        let act = move |is_other: bool| real.act(number, is_other, does);
        let subscription = match to {
            To::Placed => to_all.on(tuned((move |_: &Placed| act(false)).priority(0), priority, is_once)),
            To::Cancelled => {
                to_all.on(tuned((move |_: &Cancelled| act(true)).priority(0), priority, is_once))
            }
            To::PlacedWeakly => to_all.on_weak(owner, move |(), _: &Placed| act(false)),
            To::CancelledWeakly => to_all.on_weak(owner, move |(), _: &Cancelled| act(true)),
            To::PlacedLater => {
                let later = move |_: Arc<Placed>| {
                    let act = act.clone();
                    async move { act(false) }
                };
                to_all.on(tuned(later.priority(0), priority, is_once))
            }
            To::CancelledLater => {
                let later = move |_: Arc<Cancelled>| {
                    let act = act.clone();
                    async move { act(true) }
                };
                to_all.on(tuned(later.priority(0), priority, is_once))
            }
            To::EitherLater => {
                let later = move |event: OrderEvent| {
                    let act = act.clone();
                    async move { act(matches!(event, OrderEvent::Cancelled(_))) }
                };
                to_all.on(tuned(later.priority(0), priority, is_once))
            }
            To::Filter(filter) => {
                let any = move |event: &RawEvent| act(event.event_type() == "order.cancelled");
                match filter {
                    Some(filter) => to_all.on(tuned(any.types(filter), priority, is_once)),
                    None => to_all.on(tuned(any.priority(0), priority, is_once)),
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
                self.subscribe(to, 0, false, &Arc::new(()), Does::Nothing);
            }
            Does::EmitOther if !is_other => drop(self.dispatcher.emit_sync(&Cancelled(1))),
            Does::EmitOther => {}
        }
    }

    /// Emits; answers how many ran and how many of them failed.
    fn emit(&self, event: Heard, is_sync: bool) -> (usize, usize) {
        let to_all = &self.dispatcher;
        let report = match (event.is_other, is_sync) {
            (true, true) => to_all.emit_sync(&Cancelled(1)),
            (true, false) => to_all.emit(Cancelled(1)).now_or_never().unwrap(),
            (false, true) => to_all.emit_sync(&placed(1)),
            (false, false) => to_all.emit(placed(1)).now_or_never().unwrap(),
        };
        (report.ran(), report.failures().len())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn handlers_are_called_as_the_model_calls_them(steps in steps()) {
        let mut model = Model::default();
        let real = Real { dispatcher: Dispatcher::new(), all: Arc::default(), noted: Arc::default() };
        let mut owners: Vec<Option<Arc<()>>> = Vec::new();
        for step in steps {
            match step {
                Step::Subscribe { to, priority, is_once, does } => {
                    let owner = Arc::new(());
                    real.subscribe(to, priority, is_once, &owner, does);
                    model.join(Listed { to, priority, is_once, does, is_there: true });
                    owners.resize(model.all.len() - 1, None);
                    owners.push(to.is_weak().then_some(owner));
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
                Step::Emit { event, is_sync } => {
                    let mut expected = Vec::new();
                    let called = model.emit(event, is_sync, &mut expected);
                    let failed = called.iter().filter(|&&number| matches!(model.all[number].does, Does::Panic));
                    let outcome = real.emit(event, is_sync);
                    prop_assert_eq!(outcome, (called.len(), failed.count()));
                    prop_assert_eq!(std::mem::take(&mut *real.noted.lock()), expected);
                }
            }
            let listed = model.all.iter().filter(|listed| listed.is_there).count();
            prop_assert_eq!(real.all.lock().iter().filter(|one| one.is_active()).count(), listed);
        }
    }
}
