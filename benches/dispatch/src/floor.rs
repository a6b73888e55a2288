//! The least that an in-process dispatcher does, by itself and behind a look-up.
//!
//! [`Floor`] is the floor of the bars: a typed list found in a map by the type's id, as whoever has events of many types
//! must, a liveness flag per handler, and a panic guard that is entered again behind a handler that panicked. [`List`] is
//! the same in the caller's hand. One thread; nobody subscribes while events fly; no report, no causes, no counts.

use std::{
    any::{Any, TypeId},
    cell::Cell,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

type Handler<E> = Box<dyn Fn(&E) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Floor {
    lists: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

pub(crate) struct List<E>(Vec<(Arc<AtomicBool>, Handler<E>)>);

impl Floor {
    pub(crate) fn on<E: 'static>(&mut self, handler: impl Fn(&E) + Send + Sync + 'static) {
        let list = self.lists.entry(TypeId::of::<E>()).or_insert_with(|| Box::new(List::<E>::new()));
        list.downcast_mut::<List<E>>().expect("the list is of this type").on(handler);
    }

    #[inline]
    pub(crate) fn emit<E: 'static>(&self, event: &E) -> usize {
        let list = self.lists.get(&TypeId::of::<E>()).and_then(|list| list.downcast_ref::<List<E>>());
        list.map_or(0, |list| list.emit(event))
    }
}

impl<E: 'static> List<E> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn on(&mut self, handler: impl Fn(&E) + Send + Sync + 'static) {
        self.0.push((Arc::new(AtomicBool::new(true)), Box::new(handler)));
    }

    #[inline]
    pub(crate) fn emit(&self, event: &E) -> usize {
        let at = Cell::new(0);
        loop {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                for (is_alive, handler) in self.0.get(at.get()..).unwrap_or_default() {
                    at.set(at.get() + 1);
                    if is_alive.load(Ordering::Acquire) {
                        handler(event);
                    }
                }
            }));
            if caught.is_ok() {
                return at.get();
            }
        }
    }
}
