//! Counts what a thread allocates and keeps.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local! {
    static MADE: Cell<u64> = const { Cell::new(0) };
    static KEPT: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: every call is the system allocator's; the counts beside it are a thread's own cells without a destructor.
#[allow(unsafe_code, reason = "a counting allocator cannot be had without; tests only")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MADE.set(MADE.get() + 1);
        KEPT.set(KEPT.get() + layout.size() as i64);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        KEPT.set(KEPT.get() - layout.size() as i64);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

/// How many allocations this thread makes in `run`.
pub(crate) fn made(run: impl FnOnce()) -> u64 {
    let before = MADE.get();
    run();
    MADE.get() - before
}

/// Bytes that this thread allocated and did not free.
pub(crate) fn kept() -> i64 {
    KEPT.get()
}
