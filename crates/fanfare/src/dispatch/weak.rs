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
