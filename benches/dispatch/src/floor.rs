//! The least that an in-process dispatcher does: a list per type, found by the type's id, a liveness flag per
//! handler, and a panic guard that is entered again behind a handler that panicked. One thread; nobody subscribes while
//! events fly; no report, no causes, no counts.

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

struct List<E>(Vec<(Arc<AtomicBool>, Handler<E>)>);

impl Floor {
    pub(crate) fn on<E: 'static>(&mut self, handler: impl Fn(&E) + Send + Sync + 'static) {
        let list = self.lists.entry(TypeId::of::<E>()).or_insert_with(|| Box::new(List::<E>(Vec::new())));
        let list = list.downcast_mut::<List<E>>().expect("the list is of this type");
        list.0.push((Arc::new(AtomicBool::new(true)), Box::new(handler)));
    }

    #[inline]
    pub(crate) fn emit<E: 'static>(&self, event: &E) -> usize {
        let list = self.lists.get(&TypeId::of::<E>()).and_then(|list| list.downcast_ref::<List<E>>());
        let Some(list) = list else { return 0 };
        let at = Cell::new(0);
        loop {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                for (is_alive, handler) in list.0.get(at.get()..).unwrap_or_default() {
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
