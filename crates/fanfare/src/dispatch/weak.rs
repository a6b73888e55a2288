//! Handlers that never keep their owner alive.

use std::{marker::PhantomData, sync::Weak};

use fanfare_core::Event;

use super::{
    handler::{RefHandler, Trouble},
    listen::{ByRef, Returns},
    ref_handler::settle,
};

/// A function of its owner and an event; over when the owner is gone.
pub(crate) struct WeakFn<T, F, E, R> {
    pub(crate) owner: Weak<T>,
    pub(crate) f: F,
    pub(crate) marker: PhantomData<fn(E) -> R>,
}

impl<T, F, E, R> RefHandler<E> for WeakFn<T, F, E, R>
where
    T: Send + Sync,
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
        self.owner.strong_count() == 0
    }
}
