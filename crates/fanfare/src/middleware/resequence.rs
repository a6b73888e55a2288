//! Puts events that arrive out of order back in order, by the producer's own number per key.
//!
//! A call whose number is not the next one waits. What is missing is given up after the gap time-out, and what comes
//! after that all the same runs at once.

use std::{
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytestring::ByteString;
use fanfare_core::{BoxFuture, Event};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Call, Middleware, Next, Outcome};

/// The key and the producer's number of what is called; `None`: it is in no sequence.
type Number = dyn Fn(&Call) -> Option<(ByteString, u64)> + Send + Sync;

/// Runs a handler in the order of its events' own numbers, per key.
#[derive(Clone)]
pub struct Resequence {
    number: Arc<Number>,
    first: u64,
    gap_timeout: Duration,
    waiting_max: usize,
    lanes: Arc<Mutex<HashMap<(ByteString, ByteString), Lane>>>,
}

/// The events of one key, as one handler sees them.
struct Lane {
    next: u64,
    is_running: bool,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// More events wait for a missing one than may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{waiting_max} events wait for one that is missing")]
pub struct GapTooLong {
    waiting_max: usize,
}

impl Resequence {
    /// By a number that `number` reads from each event, one higher each time and `first` for the first. Events without a
    /// key are one row. By default a gap is given up after 10 s, and 1,024 events of a key wait at most.
    pub fn by<E: Event>(first: u64, number: impl Fn(&E) -> u64 + Send + Sync + 'static) -> Self {
        let number = move |call: &Call| {
            call.event::<E>().map(|event| (event.key().unwrap_or_default(), number(event)))
        };
        Self {
            number: Arc::new(number),
            first,
            gap_timeout: Duration::from_secs(10),
            waiting_max: 1024,
            lanes: Arc::default(),
        }
    }

    /// How long an event waits for those before it.
    #[must_use]
    pub fn gap_timeout(mut self, timeout: Duration) -> Self {
        self.gap_timeout = timeout;
        self
    }

    /// How many events of one key wait; more fail with [`GapTooLong`].
    #[must_use]
    pub fn waiting_max(mut self, events: usize) -> Self {
        self.waiting_max = events;
        self
    }

    /// Takes the turn of a number, or a place in the row.
    fn line_up(&self, key: &(ByteString, ByteString), number: u64) -> Result<Place, GapTooLong> {
        let mut lanes = self.lanes.lock();
        let first = self.first;
        let lane = lanes.entry(key.clone()).or_insert_with(|| Lane {
            next: first,
            is_running: false,
            waiting: BTreeMap::new(),
        });
        let is_repeat = lane.waiting.contains_key(&number) || (number == lane.next && lane.is_running);
        if number < lane.next || is_repeat {
            return Ok(Place::Late);
        }
        if number == lane.next {
            lane.is_running = true;
            return Ok(Place::Now);
        }
        if lane.waiting.len() >= self.waiting_max {
            return Err(GapTooLong { waiting_max: self.waiting_max });
        }
        let (sender, receiver) = oneshot::channel();
        lane.waiting.insert(number, sender);
        Ok(Place::Waits(receiver))
    }

    /// Gives up what is missing before the first that waits.
    fn give_up_gap(&self, key: &(ByteString, ByteString)) {
        if let Some(lane) = self.lanes.lock().get_mut(key)
            && !lane.is_running
            && let Some((number, _)) = lane.waiting.first_key_value()
        {
            tracing::warn!(key = &*key.1, missing = lane.next, "a missing event is given up");
            lane.next = *number;
            lane.call_next();
        }
    }
}

enum Place {
    Now,
    Waits(oneshot::Receiver<()>),
    /// Those after it have run, or it is a repeat of one that waits or runs.
    Late,
}

impl Lane {
    /// Calls the next in the row, if it is there. One that has gone is passed over.
    fn call_next(&mut self) {
        while let Some(sender) = self.waiting.remove(&self.next) {
            self.is_running = sender.send(()).is_ok();
            if self.is_running {
                return;
            }
            self.next += 1;
        }
        self.is_running = false;
    }
}

/// A turn or a place in the row; ends when dropped, however the call ended.
struct Turn {
    resequence: Resequence,
    key: (ByteString, ByteString),
    number: u64,
    standing: Standing,
}

enum Standing {
    None,
    Waits,
    Runs,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(lane) = self.resequence.lanes.lock().get_mut(&self.key) {
            // One that waited and is not in the row was called, and goes before it knew.
            let is_called = match self.standing {
                Standing::None => false,
                Standing::Waits => lane.waiting.remove(&self.number).is_none(),
                Standing::Runs => true,
            };
            if is_called {
                lane.next = self.number + 1;
                lane.call_next();
            }
        }
    }
}

impl Middleware for Resequence {
    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let Some((key, number)) = (self.number)(&call) else { return next.run() };
        let key = (call.handler.clone(), key);
        let mut turn = Turn { resequence: self.clone(), key, number, standing: Standing::None };
        let place = self.line_up(&turn.key, number);
        turn.standing = match &place {
            Ok(Place::Now) => Standing::Runs,
            Ok(Place::Waits(_)) => Standing::Waits,
            Ok(Place::Late) | Err(_) => Standing::None,
        };
        Box::pin(async move {
            let mut called = match place {
                Err(error) => return Err(error.into()),
                Ok(Place::Late) => {
                    tracing::debug!(key = &*turn.key.1, number, "an event comes late");
                    return next.run().await;
                }
                Ok(Place::Now) => {
                    let outcome = next.run().await;
                    drop(turn);
                    return outcome;
                }
                Ok(Place::Waits(called)) => pin!(called),
            };
            let mut gap = call.clock.sleep(turn.resequence.gap_timeout);
            poll_fn(|cx| {
                if called.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                while gap.as_mut().poll(cx).is_ready() {
                    turn.resequence.give_up_gap(&turn.key);
                    if called.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(());
                    }
                    gap = call.clock.sleep(turn.resequence.gap_timeout);
                }
                Poll::Pending
            })
            .await;
            turn.standing = Standing::Runs;
            let outcome = next.run().await;
            drop(turn);
            outcome
        })
    }
}

impl std::fmt::Debug for Resequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resequence").field("gap_timeout", &self.gap_timeout).finish_non_exhaustive()
    }
}
