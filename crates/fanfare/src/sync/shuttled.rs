//! The same names as in `real.rs` for the model checker, which may change threads at each of these operations.

use std::{
    collections::VecDeque,
    ops::{Deref, DerefMut},
    sync::{Arc, OnceLock, atomic},
    time::{Duration, Instant},
};

use shuttle::{
    rand::{Rng, thread_rng},
    sync::{PoisonError, TryLockError},
};
pub(crate) use shuttle::{
    sync::atomic::{AtomicU8, AtomicU64, AtomicUsize},
    thread, thread_local,
};

/// A static that each schedule finds as new.
macro_rules! global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $init:expr;) => {
        shuttle::lazy_static! {
            $(#[$attribute])*
            static ref $name: $type = $init;
        }
    };
}
pub(crate) use global;

/// `parking_lot::Mutex`.
#[derive(Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, held: Some(self.hold()) }
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let held = match self.0.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(MutexGuard { mutex: self, held: Some(held) })
    }

    fn hold(&self) -> shuttle::sync::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `parking_lot::MutexGuard`.
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    held: Option<shuttle::sync::MutexGuard<'a, T>>,
}

impl<T> MutexGuard<'_, T> {
    pub(crate) fn unlocked<R>(guard: &mut Self, run: impl FnOnce() -> R) -> R {
        guard.held = None;
        let outcome = run();
        guard.held = Some(guard.mutex.hold());
        outcome
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("it is held but within `unlocked`")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("it is held but within `unlocked`")
    }
}

/// `parking_lot::Condvar`, whose time-outs may come at any moment.
#[derive(Default)]
pub(crate) struct Condvar(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    last: u64,
    tickets: VecDeque<u64>,
}

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Waiting { last: 0, tickets: VecDeque::new() }))
    }

    pub(crate) fn notify_one(&self) {
        self.0.lock().tickets.pop_front();
    }

    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, limit: Duration) -> Waited {
        let ticket = {
            let mut waiting = self.0.lock();
            waiting.last += 1;
            let ticket = waiting.last;
            waiting.tickets.push_back(ticket);
            ticket
        };
        let is_over = MutexGuard::unlocked(guard, || {
            loop {
                thread::yield_now();
                let mut waiting = self.0.lock();
                let Some(at) = waiting.tickets.iter().position(|other| *other == ticket) else {
                    return false;
                };
                if thread_rng().gen_ratio(1, 4) {
                    waiting.tickets.remove(at);
                    let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
                    PASSED.fetch_add(nanos, atomic::Ordering::Relaxed);
                    return true;
                }
            }
        });
        Waited(is_over)
    }
}

/// `parking_lot::WaitTimeoutResult`.
pub(crate) struct Waited(bool);

impl Waited {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

/// How much time has passed, in nanoseconds: what was waited for in vain, and nothing else.
static PASSED: atomic::AtomicU64 = atomic::AtomicU64::new(0);

#[allow(clippy::disallowed_methods, reason = "the driver of the Clock port")]
pub(crate) fn now() -> Instant {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let passed = PASSED.load(atomic::Ordering::Relaxed);
    *BEGAN.get_or_init(Instant::now) + Duration::from_nanos(passed)
}

/// `arc_swap::ArcSwap`: each operation is one step, as the original promises.
pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self(Mutex::new(Arc::new(value)))
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
