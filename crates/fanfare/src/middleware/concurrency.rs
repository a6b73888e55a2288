//! How many calls of a handler run at a time.

use std::{collections::HashMap, sync::Arc};

use fanfare_core::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{Call, Middleware, Next, Outcome, call::HandlerKey};

/// Lets at most so many calls of each handler run at a time; others wait in order.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    running_max: usize,
    handlers: Mutex<HashMap<HandlerKey, Arc<Semaphore>>>,
}

impl ConcurrencyLimit {
    /// At least one call.
    pub fn new(running_max: usize) -> Self {
        Self { running_max: running_max.max(1), handlers: Mutex::default() }
    }
}

impl Middleware for ConcurrencyLimit {
    fn forget(&self, subscription: u64) {
        self.handlers.lock().retain(|(of, _), _| *of != subscription);
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let places = {
            let mut handlers = self.handlers.lock();
            let new = || Arc::new(Semaphore::new(self.running_max));
            handlers.entry(call.handler_key()).or_insert_with(new).clone()
        };
        Box::pin(async move {
            // The semaphore is never closed.
            let _place = places.acquire_owned().await;
            next.run().await
        })
    }
}
