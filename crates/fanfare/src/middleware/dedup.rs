//! Calls a handler once per event id.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use fanfare_core::{BoxFuture, EventId, Sink};
use parking_lot::Mutex;

use super::{Call, Fits, Middleware, Next, NextSync, Outcome, call::HandlerKey};

/// Skips an event that the handler has handled, or is handling, among the newest ids that it remembers.
#[derive(Clone, Debug)]
pub struct Dedup {
    ids_max: usize,
    handlers: Arc<Mutex<HashMap<HandlerKey, Seen>>>,
}

#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<EventId>,
    order: VecDeque<EventId>,
}

impl Dedup {
    /// Remembers so many ids per handler; on a dispatcher per subscription.
    pub fn new(ids_max: usize) -> Self {
        Self { ids_max: ids_max.max(1), handlers: Arc::default() }
    }

    /// Takes note of an event; `None`: it is a repeat.
    fn begin(&self, call: &Call) -> Option<Noted> {
        let id = call.event_id().clone();
        let mut handlers = self.handlers.lock();
        let seen = handlers.entry(call.handler_key()).or_default();
        if !seen.ids.insert(id.clone()) {
            return None;
        }
        seen.order.push_back(id);
        if seen.order.len() > self.ids_max
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.ids.remove(&oldest);
        }
        Some(Noted { dedup: self.clone(), call: call.clone(), is_handled: false })
    }
}

/// An event being handled. It is forgotten unless it is handled with success.
struct Noted {
    dedup: Dedup,
    call: Call,
    is_handled: bool,
}

impl Noted {
    fn end(mut self, outcome: Outcome) -> Outcome {
        self.is_handled = outcome.is_ok();
        outcome
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if self.is_handled {
            return;
        }
        if let Some(seen) = self.dedup.handlers.lock().get_mut(&self.call.handler_key()) {
            let id = self.call.event_id();
            seen.ids.remove(id);
            seen.order.retain(|known| known != id);
        }
    }
}

impl Middleware for Dedup {
    fn fits(&self) -> Fits {
        Fits::Both
    }

    fn forget(&self, subscription: u64) {
        self.handlers.lock().retain(|(of, _), _| *of != subscription);
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let noted = self.begin(&call);
        Box::pin(async move {
            match noted {
                Some(noted) => {
                    let outcome = next.run().await;
                    noted.end(outcome)
                }
                None => Ok(Sink::default()),
            }
        })
    }

    fn handle_sync(&self, call: &Call, next: NextSync<'_>) -> Outcome {
        match self.begin(call) {
            Some(noted) => noted.end(next.run()),
            None => Ok(Sink::default()),
        }
    }
}
