//! Puts events that arrive out of order back in order, per key: by the producer's own number or by the event's own time.
//!
//! On a dispatcher a call whose turn has not come waits. On an application the deliveries wait, unsettled, before
//! their handler is called; [`crate::HandlerExt::unordered`] says that they may.

use std::{collections::HashMap, fmt, future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use bytestring::ByteString;
use fanfare_core::{BoxFuture, Clock, Event, RawEvent, Recorded, Timestamp};
use tokio::sync::oneshot;

use super::{
    Call, Middleware, Next, Outcome,
    call::HandlerKey,
    row::{Arrival, Row},
};
use crate::sync::Mutex;

/// The key of an event and where it stands among those of its key; `None`: in no order.
type Of<T> = dyn Fn(&T) -> Option<(ByteString, i128)> + Send + Sync;

/// How many keys are remembered; beyond it those are forgotten that have nothing waiting.
const KEYS_MAX: usize = 65_536;

/// Runs a handler in the order of its events' own numbers or times, per key.
///
/// What is late, because those behind it have run, runs at once. Events without a key are one row. The order is kept in
/// memory: after a restart a row of numbers begins anew, with the first number or, after the gap time-out, with the
/// lowest that waits.
#[derive(Clone)]
pub struct Resequence {
    of_call: Arc<Of<Call>>,
    of_record: Arc<Of<Recorded>>,
    first: Option<u64>,
    wait: Duration,
    waiting_max: usize,
    rows: Arc<Mutex<HashMap<RowKey, Row<oneshot::Sender<()>>>>>,
}

/// Handler and key.
type RowKey = (HandlerKey, ByteString);

/// More events wait for a missing one than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting_max} events wait for one that is missing")]
pub struct GapTooLong {
    waiting_max: usize,
}

impl Resequence {
    /// By a number that `number` reads from each event, one higher each time and `first` for the first. By default a gap
    /// is given up after 10 s, and 1,024 events of a key wait at most.
    pub fn by<E: Event>(first: u64, number: impl Fn(&E) -> u64 + Send + Sync + 'static) -> Self {
        Self::new(Some(first), Duration::from_secs(10), move |event: &E| i128::from(number(event)))
    }

    /// By a time that `time` reads from each event. Each waits so long for earlier ones, whether they come or not.
    pub fn by_time<E: Event>(wait: Duration, time: impl Fn(&E) -> Timestamp + Send + Sync + 'static) -> Self {
        Self::new(None, wait, move |event: &E| time(event).as_nanosecond())
    }

    fn new<E: Event>(
        first: Option<u64>,
        wait: Duration,
        at: impl Fn(&E) -> i128 + Send + Sync + 'static,
    ) -> Self {
        let of_event = Arc::new(move |event: &E| (event.key().unwrap_or_default(), at(event)));
        let of_recorded = of_event.clone();
        Self {
            of_call: Arc::new(move |call| call.event::<E>().map(|event| of_event(event))),
            of_record: Arc::new(move |record| {
                let is_ours = *record.message.metadata.event_type == *E::TYPE;
                let event =
                    is_ours.then(|| RawEvent::from_recorded(record).to_event::<E>()).flatten()?.ok()?;
                let (_, at) = of_recorded(&event);
                // An option at the publish may have given another key than the event's.
                Some((record.message.metadata.key.clone().unwrap_or_default(), at))
            }),
            first,
            wait,
            waiting_max: 1024,
            rows: Arc::default(),
        }
    }

    /// How long an event waits for those before it.
    #[must_use]
    pub fn gap_timeout(mut self, timeout: Duration) -> Self {
        self.wait = timeout;
        self
    }

    /// How many events of one key wait; more fail with [`GapTooLong`]. On an application the handler's
    /// `in_flight_max` is the limit.
    #[must_use]
    pub fn waiting_max(mut self, events: usize) -> Self {
        self.waiting_max = events;
        self
    }

    /// Where a record stands.
    pub(crate) fn of_record(&self, record: &Recorded) -> Option<(ByteString, i128)> {
        (self.of_record)(record)
    }

    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    /// A row of this order.
    pub(crate) fn row<T>(&self) -> Row<T> {
        Row::new(self.first)
    }

    /// Forgets keys that nothing waits for, when there are too many.
    pub(crate) fn trim<K: Eq + std::hash::Hash, T>(rows: &mut HashMap<K, Row<T>>) {
        if rows.len() > KEYS_MAX {
            rows.retain(|_, row| !row.is_idle());
        }
    }

    /// Calls the next of a row, if it is its turn. One that has gone is passed over.
    fn call_next(&self, key: &RowKey, now: Duration) {
        let mut rows = self.rows.lock();
        let Some(row) = rows.get_mut(key) else { return };
        while let Some(called) = row.call(now) {
            if let Some(missing) = called.missing {
                tracing::warn!(key = &*key.1, missing, "a missing event is given up");
            }
            if called.item.send(()).is_ok() {
                return;
            }
            row.end(called.place);
        }
    }
}

/// A place in a row; it ends when dropped, however the call ended.
struct Place {
    resequence: Resequence,
    clock: Arc<dyn Clock>,
    key: RowKey,
    place: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(row) = self.resequence.rows.lock().get_mut(&self.key) {
            row.end(self.place);
        }
        self.resequence.call_next(&self.key, self.clock.monotonic());
    }
}

impl Middleware for Resequence {
    fn sequence(&self) -> Option<&Resequence> {
        Some(self)
    }

    fn forget(&self, subscription: u64) {
        self.rows.lock().retain(|((of, _), _), _| *of != subscription);
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let Some((key, at)) = (self.of_call)(&call) else { return next.run() };
        let key = (call.handler_key(), key);
        let now = call.clock.monotonic();
        let (sender, receiver) = oneshot::channel();
        let arrival = {
            let mut rows = self.rows.lock();
            Self::trim(&mut rows);
            let row = rows.entry(key.clone()).or_insert_with(|| self.row());
            row.arrive(at, now.saturating_add(self.wait), self.waiting_max, sender)
        };
        let place = match arrival {
            Arrival::Waits(place) => {
                self.call_next(&key, now);
                Place { resequence: self.clone(), clock: call.clock.clone(), key, place }
            }
            Arrival::Late => {
                tracing::debug!(key = &*key.1, at, "an event comes late");
                return next.run();
            }
            Arrival::Full => {
                let error = GapTooLong { waiting_max: self.waiting_max };
                return Box::pin(std::future::ready(Err(error.into())));
            }
        };
        Box::pin(async move {
            let (mut called, mut over) = (pin!(receiver), Some(call.clock.sleep(place.resequence.wait)));
            poll_fn(|cx| {
                if called.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                if let Some(sleep) = &mut over
                    && sleep.as_mut().poll(cx).is_ready()
                {
                    over = None;
                    place.resequence.call_next(&place.key, call.clock.monotonic());
                    return called.as_mut().poll(cx).map(drop);
                }
                Poll::Pending
            })
            .await;
            let outcome = next.run().await;
            drop(place);
            outcome
        })
    }
}

impl fmt::Debug for Resequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resequence").field("wait", &self.wait).finish_non_exhaustive()
    }
}
