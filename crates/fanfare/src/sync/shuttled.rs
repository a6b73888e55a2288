//! The same names as in `real.rs` for the model checker, which may change threads at each of these operations.

use std::{ops::Deref, sync::Arc};

use shuttle::sync::{MutexGuard, PoisonError, TryLockError};
pub(crate) use shuttle::{sync::atomic::AtomicU8, thread_local};

/// `parking_lot::Mutex`.
#[derive(Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// `arc_swap::ArcSwap`: each operation is one step, as the original promises.
pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self(Mutex(shuttle::sync::Mutex::new(Arc::new(value))))
    }

    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        Guard(self.0.lock().clone())
    }

    #[allow(dead_code, reason = "used once types are known by name")]
    pub(crate) fn store(&self, value: Arc<T>) {
        drop(self.swap(value));
    }

    pub(crate) fn swap(&self, value: Arc<T>) -> Arc<T> {
        std::mem::replace(&mut *self.0.lock(), value)
    }
}

impl<T: Default> Default for ArcSwap<T> {
    fn default() -> Self {
        Self::from_pointee(T::default())
    }
}

/// `arc_swap::Guard`.
pub(crate) struct Guard<T>(T);

impl<T> Guard<T> {
    pub(crate) fn from_inner(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
