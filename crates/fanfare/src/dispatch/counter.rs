//! A counter that threads raise without touching one another's cache lines.

use std::{cell::Cell, sync::atomic::Ordering::Relaxed};

use crate::sync::{AtomicU64, AtomicUsize, Mutex, global, thread_local};

/// Threads with a cell of their own; those beyond share the last one.
const OWN_MAX: usize = if cfg!(shuttle) { 2 } else { 31 };

#[repr(align(64))]
#[derive(Default)]
struct Cell64(AtomicU64);

/// Raised by `add`, read by `sum`.
#[derive(Default)]
pub(crate) struct Counter {
    own: [Cell64; OWN_MAX],
    shared: Cell64,
}

impl Counter {
    /// Adds one.
    #[inline]
    pub(crate) fn add(&self) {
        match self.own.get(index()) {
            // Only this thread writes the cell, so that a load and a store are enough.
            Some(cell) => cell.0.store(cell.0.load(Relaxed).wrapping_add(1), Relaxed),
            None => {
                self.shared.0.fetch_add(1, Relaxed);
            }
        }
    }

    /// What was added by all threads until now.
    pub(crate) fn sum(&self) -> u64 {
        let own: u64 = self.own.iter().map(|cell| cell.0.load(Relaxed)).sum();
        own + self.shared.0.load(Relaxed)
    }
}

const UNSET: usize = usize::MAX;

thread_local! {
    static INDEX: Cell<usize> = const { Cell::new(UNSET) };
    /// Gives the index back when its thread ends.
    static LEASE: Lease = Lease::take();
}

/// This thread's cell.
#[inline]
fn index() -> usize {
    let index = INDEX.with(Cell::get);
    if index == UNSET { take() } else { index }
}

#[cold]
fn take() -> usize {
    // A thread that is ending and gave its index back uses the shared cell.
    let index = LEASE.try_with(|lease| lease.0).unwrap_or(OWN_MAX);
    INDEX.with(|own| own.set(index));
    index
}

/// The indices that were given back, and the first that was never taken.
struct Indices {
    free: Mutex<Vec<usize>>,
    next: AtomicUsize,
}

global! {
    static INDICES: Indices = Indices { free: Mutex::new(Vec::new()), next: AtomicUsize::new(0) };
}

struct Lease(usize);

impl Lease {
    fn take() -> Self {
        let free = INDICES.free.lock().pop();
        Self(free.unwrap_or_else(|| INDICES.next.fetch_add(1, Relaxed).min(OWN_MAX)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Under the model checker it may be gone before this one.
        let _ = INDEX.try_with(|own| own.set(OWN_MAX));
        if self.0 < OWN_MAX {
            INDICES.free.lock().push(self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn what_many_threads_add_is_summed_exactly() {
        let counter = Counter::default();
        for _ in 0..4 {
            std::thread::scope(|scope| {
                for _ in 0..40 {
                    scope.spawn(|| (0..100).for_each(|_| counter.add()));
                }
            });
        }
        assert_eq!(counter.sum(), 4 * 40 * 100);
    }
}
