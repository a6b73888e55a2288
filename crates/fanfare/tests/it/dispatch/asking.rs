//! Questions and waiting.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Event,
    clock::RuntimeClock,
    dispatch::Dispatcher,
    middleware::{Dedup, Timeout},
};
use futures_util::FutureExt;

use super::{Cancelled, Placed, Story, placed};

#[derive(Event, Clone, Debug, PartialEq)]
#[event(type = "price.quoted", local)]
struct Quoted(u32);

#[test]
fn answers_are_collected_and_other_returned_events_are_emitted() {
    async fn cheap(order: Arc<Placed>) -> (Quoted, Cancelled) {
        (Quoted(order.quantity), Cancelled(0))
    }
    async fn dear(order: Arc<Placed>) -> Option<Quoted> {
        Some(Quoted(order.quantity * 10))
    }
    let (dispatcher, story) = (Dispatcher::new(), Story::default());
    dispatcher.on(cheap);
    dispatcher.on(dear);
    dispatcher.on(|_: &Placed| Ok::<_, String>(Quoted(1)));
    let told = story.clone();
    dispatcher.on(move |_: &Cancelled| told.tell("cancelled"));
    let unheard = story.clone();
    dispatcher.on(move |_: &Quoted| unheard.tell("quoted"));
    let answers = dispatcher.ask::<Quoted, _>(placed(7)).now_or_never().unwrap();
    assert_eq!(answers.report().ran(), 4);
    assert_eq!(answers.into_vec(), [Quoted(1), Quoted(7), Quoted(70)]);
    assert_eq!(story.take(), ["cancelled"]);
    let _ = dispatcher.emit(placed(7)).now_or_never();
    assert_eq!(story.take().iter().filter(|line| *line == "quoted").count(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_expected_event_is_the_first_that_is_wanted_since_the_call() {
    let dispatcher = Dispatcher::builder().clock(Arc::new(RuntimeClock::new())).build();
    let large = dispatcher.expect(|order: &Placed| order.quantity > 10, Duration::from_secs(5));
    for quantity in [1, 12, 13] {
        let _ = dispatcher.emit_sync(&placed(quantity));
    }
    assert_eq!(large.await, Ok(placed(12)));
    assert!(dispatcher.emit_sync(&placed(14)).is_unheard());
}

#[tokio::test(start_paused = true)]
async fn an_event_that_does_not_come_in_time_is_given_up() {
    let dispatcher = Dispatcher::builder().clock(Arc::new(RuntimeClock::new())).build();
    let start = tokio::time::Instant::now();
    let expired = dispatcher.expect(|_: &Placed| true, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert!(expired.to_string().contains("order.placed"));
    drop(dispatcher.expect(|_: &Placed| true, Duration::from_secs(5)));
    assert!(dispatcher.emit_sync(&placed(1)).is_unheard());
}

#[test]
fn an_expectation_ends_when_the_dispatcher_goes_and_no_middleware_goes_around_it() {
    let dispatcher =
        Dispatcher::builder().wrap(Timeout::new(Duration::from_secs(1))).wrap(Dedup::new(10)).build();
    let mut both = [(); 2].map(|()| dispatcher.expect(|_: &Placed| true, Duration::from_secs(3600)).boxed());
    assert!(both.iter_mut().all(|one| one.now_or_never().is_none()));
    dispatcher.emit_sync(&placed(1)).ignore();
    for one in both {
        assert_eq!(one.now_or_never(), Some(Ok(placed(1))));
    }
    let mut late = dispatcher.expect(|_: &Placed| true, Duration::from_secs(3600)).boxed();
    assert!((&mut late).now_or_never().is_none());
    drop(dispatcher);
    let expired = late.now_or_never().unwrap().unwrap_err();
    assert!(expired.is_closed() && expired.to_string().contains("dropped"), "{expired}");
}
