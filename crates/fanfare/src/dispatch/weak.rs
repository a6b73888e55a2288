//! Handlers that never keep their owner alive.

use std::{marker::PhantomData, ops::Deref, rc, sync};

use fanfare_core::Event;
use send_wrapper::SendWrapper;

use super::{
    handler::{RefHandler, Trouble},
    listen::{ByRef, Returns},
    ref_handler::settle,
};

/// Whom a subscription ends with.
pub(crate) trait Owner<T>: Clone + Send + Sync + 'static {
    type Strong: Deref<Target = T>;

    fn upgrade(&self) -> Option<Self::Strong>;
    fn is_gone(&self) -> bool;
}

impl<T: Send + Sync + 'static> Owner<T> for sync::Weak<T> {
    type Strong = sync::Arc<T>;

    fn upgrade(&self) -> Option<sync::Arc<T>> {
        Self::upgrade(self)
    }

    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}

impl<T: 'static> Owner<T> for SendWrapper<rc::Weak<T>> {
    type Strong = rc::Rc<T>;

    fn upgrade(&self) -> Option<rc::Rc<T>> {
        (**self).upgrade()
    }

    fn is_gone(&self) -> bool {
        self.strong_count() == 0
    }
}

/// A function of its owner and an event; over when the owner is gone.
pub(crate) struct WeakFn<O, T, F, E, R> {
    pub(crate) owner: O,
    pub(crate) f: F,
    pub(crate) marker: PhantomData<fn(&T, E) -> R>,
}

impl<O, T, F, E, R> RefHandler<E> for WeakFn<O, T, F, E, R>
where
    O: Owner<T>,
    E: Event,
    F: Fn(&T, &E) -> R + Send + Sync,
    ByRef: Returns<R>,
{
    fn call(&self, event: &E, trouble: &mut Option<Trouble>) -> bool {
        match self.owner.upgrade() {
            Some(owner) => settle::<ByRef, R>((self.f)(&owner, event), trouble),
            None => {
                *trouble = Some(Trouble::OwnerGone);
                false
            }
        }
    }

    fn is_over(&self) -> bool {
        self.owner.is_gone()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::Location,
        sync::{
            Arc,
            atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        },
    };

    use fanfare_core::Event;

    use super::Owner;
    use crate::dispatch::Dispatcher;

    struct Tick;

    impl Event for Tick {
        const TYPE: &'static str = "tick";
    }

    /// Dies with the others of its kind; counts how often somebody asks for it.
    #[derive(Clone)]
    struct Mortal {
        dies: bool,
        have_died: Arc<AtomicBool>,
        asked: Arc<AtomicUsize>,
    }

    impl Owner<()> for Mortal {
        type Strong = Arc<()>;

        fn upgrade(&self) -> Option<Arc<()>> {
            (!self.dies || !self.have_died.load(Relaxed)).then(Arc::default)
        }

        fn is_gone(&self) -> bool {
            self.asked.fetch_add(1, Relaxed);
            self.upgrade().is_none()
        }
    }

    #[test]
    fn an_emit_that_meets_many_dead_owners_leaves_them_out_in_one_go() {
        const EACH: usize = 200;
        let (dispatcher, have_died, asked) =
            (Dispatcher::new(), Arc::default(), Arc::<AtomicUsize>::default());
        for dies in [false; EACH].into_iter().chain([true; EACH]) {
            let owner = Mortal { dies, have_died: Arc::clone(&have_died), asked: asked.clone() };
            dispatcher.listen_weak(owner, |(): &(), _: &Tick| {}, "", Location::caller());
        }
        have_died.store(true, Relaxed);
        asked.store(0, Relaxed);
        assert_eq!(dispatcher.emit_sync(&Tick).ran(), EACH);
        let times = asked.load(Relaxed);
        assert!(times <= 4 * EACH, "asked {times} times");
        assert_eq!(dispatcher.emit_sync(&Tick).ran(), EACH);
        assert_eq!(asked.load(Relaxed), times);
    }
}
