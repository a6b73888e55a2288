//! What an emit allocates, and what those that came and went leave behind.

use std::sync::Arc;

use fanfare::dispatch::Dispatcher;
use futures_util::FutureExt;

use super::{Cancelled, Placed, placed};
use crate::allocations::{kept, made};

#[test]
fn an_emit_to_closures_allocates_nothing_and_one_to_async_handlers_the_events_arc() {
    let dispatcher = Dispatcher::new();
    for _ in 0..11 {
        dispatcher.on(|_: &Placed| {});
        dispatcher.on(async |_: Arc<Cancelled>| {});
    }
    let event = placed(1);
    let in_sync = || assert_eq!(dispatcher.emit_sync(&event).ran(), 11);
    let in_async = || assert_eq!(dispatcher.emit(Cancelled(1)).now_or_never().unwrap().ran(), 11);
    // The first emit of each makes the slots.
    in_sync();
    in_async();
    assert_eq!((made(in_sync), made(in_async)), (0, 1));
}

#[test]
fn short_lived_subscribers_leave_nothing_behind() {
    let dispatcher = Dispatcher::new();
    dispatcher.on(|_: &Placed| {});
    let event = placed(1);
    let live = |number: u32| {
        if number.is_multiple_of(2) {
            let owner = Arc::new(number);
            dispatcher.on_weak(&owner, |_: &u32, _: &Placed| {});
            assert_eq!(dispatcher.emit_sync(&event).ran(), 2);
        } else {
            let _guard = dispatcher.on(move |_: &Placed| assert!(number > 0)).guard();
            assert_eq!(dispatcher.emit_sync(&event).ran(), 2);
        }
    };
    (0..1_000).for_each(live);
    let before = kept();
    // The bench does it a million times.
    (0..50_000).for_each(live);
    assert_eq!(kept() - before, 0);
}
