//! The dispatcher against a list that anyone can read: subscribe, leave, lose the owner, emit, emit within, panic.

use std::sync::Arc;

use fanfare::dispatch::{Dispatcher, SubscribeExt, Subscription};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::{Cancelled, Placed, placed};

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

#[derive(Clone, Copy, Debug)]
enum Step {
    Subscribe { to_other: bool, priority: i32, is_once: bool, is_weak: bool, does: Does },
    Unsubscribe(usize),
    DropOwner(usize),
    Emit { other: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let does = prop_oneof![
        4 => Just(Does::Nothing),
        1 => Just(Does::Panic),
        2 => (0..12usize).prop_map(Does::Leave),
        1 => Just(Does::Join),
        1 => Just(Does::EmitOther),
    ];
    let subscribe = (any::<bool>(), -1..2i32, any::<bool>(), any::<bool>(), does).prop_map(
        |(to_other, priority, is_once, is_weak, does)| Step::Subscribe {
            to_other,
            // A weak subscription has neither; it stands for plain ones otherwise.
            priority: if is_weak { 0 } else { priority },
            is_once: is_once && !is_weak,
            is_weak,
            does,
        },
    );
    let step = prop_oneof![
        4 => subscribe,
        1 => (0..12usize).prop_map(Step::Unsubscribe),
        1 => (0..12usize).prop_map(Step::DropOwner),
        4 => any::<bool>().prop_map(|other| Step::Emit { other }),
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
    to_other: bool,
    priority: i32,
    is_once: bool,
    does: Does,
    is_there: bool,
}

impl Model {
    fn emit(&mut self, other: bool, noted: &mut Vec<usize>) {
        let mut order: Vec<usize> = (0..self.all.len())
            .filter(|&number| self.all[number].to_other == other && self.all[number].is_there)
            .collect();
        order.sort_by_key(|&number| std::cmp::Reverse(self.all[number].priority));
        for number in order {
            let listed = self.all[number];
            if !listed.is_there {
                continue;
            }
            noted.push(number);
            self.all[number].is_there = !listed.is_once;
            match listed.does {
                Does::Leave(whose) => self.leave(whose),
                Does::Join => self.join(other),
                Does::EmitOther if !other => self.emit(true, noted),
                _ => {}
            }
        }
    }

    fn leave(&mut self, whose: usize) {
        if let Some(listed) = self.all.get_mut(whose) {
            listed.is_there = false;
        }
    }

    fn join(&mut self, to_other: bool) {
        let does = Does::Nothing;
        self.all.push(Listed { to_other, priority: 0, is_once: false, does, is_there: true });
    }
}

/// The same on a dispatcher.
#[derive(Clone)]
struct Real {
    dispatcher: Dispatcher,
    all: Arc<Mutex<Vec<Subscription>>>,
    noted: Arc<Mutex<Vec<usize>>>,
}

impl Real {
    fn subscribe(&self, to_other: bool, priority: i32, is_once: bool, owner: Option<&Arc<()>>, does: Does) {
        let number = self.all.lock().len();
        let real = self.clone();
        let act = move || real.act(number, to_other, does);
        let subscription = match (owner, to_other, is_once) {
            (Some(owner), false, _) => self.dispatcher.on_weak(owner, move |(), _: &Placed| act()),
            (Some(owner), true, _) => self.dispatcher.on_weak(owner, move |(), _: &Cancelled| act()),
            (None, false, false) => self.dispatcher.on((move |_: &Placed| act()).priority(priority)),
            (None, true, false) => self.dispatcher.on((move |_: &Cancelled| act()).priority(priority)),
            (None, false, true) => self.dispatcher.on((move |_: &Placed| act()).priority(priority).once()),
            (None, true, true) => self.dispatcher.on((move |_: &Cancelled| act()).priority(priority).once()),
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
            Does::Join => self.subscribe(is_other, 0, false, None, Does::Nothing),
            Does::EmitOther if !is_other => drop(self.dispatcher.emit_sync(&Cancelled(1))),
            Does::EmitOther => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn handlers_are_called_as_the_model_calls_them(steps in steps()) {
        let mut model = Model::default();
        let real = Real { dispatcher: Dispatcher::new(), all: Arc::default(), noted: Arc::default() };
        let mut owners: Vec<Option<Arc<()>>> = Vec::new();
        for step in steps {
            match step {
                Step::Subscribe { to_other, priority, is_once, is_weak, does } => {
                    let owner = is_weak.then(|| Arc::new(()));
                    real.subscribe(to_other, priority, is_once, owner.as_ref(), does);
                    model.all.push(Listed { to_other, priority, is_once, does, is_there: true });
                    owners.resize(model.all.len() - 1, None);
                    owners.push(owner);
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
                Step::Emit { other } => {
                    let mut expected = Vec::new();
                    model.emit(other, &mut expected);
                    let report = if other {
                        real.dispatcher.emit_sync(&Cancelled(1))
                    } else {
                        real.dispatcher.emit_sync(&placed(1))
                    };
                    let noted = std::mem::take(&mut *real.noted.lock());
                    let panicked = |number: &&usize| matches!(model.all[**number].does, Does::Panic);
                    let direct = |number: &&usize| model.all[**number].to_other == other;
                    prop_assert_eq!(report.ran(), expected.iter().filter(direct).count());
                    prop_assert_eq!(
                        report.failures().len(),
                        expected.iter().filter(direct).filter(panicked).count()
                    );
                    prop_assert_eq!(noted, expected);
                }
            }
        }
    }
}
