//! Ends a handler that takes too long.

use std::{future::poll_fn, task::Poll, time::Duration};

use fanfare_core::BoxFuture;

use super::{Call, Middleware, Next, Outcome};

/// Drops a handler's future when it has not ended in time.
#[derive(Clone, Copy, Debug)]
pub struct Timeout(Duration);

impl Timeout {
    /// How long a call may take.
    pub fn new(limit: Duration) -> Self {
        Self(limit)
    }
}

/// A handler did not end in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it did not end within {0:?}")]
pub struct TimedOut(Duration);

impl Middleware for Timeout {
    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let limit = self.0;
        Box::pin(async move {
            let (mut run, mut over) = (next.run(), None);
            poll_fn(move |cx| {
                if let Poll::Ready(outcome) = run.as_mut().poll(cx) {
                    return Poll::Ready(outcome);
                }
                let over = over.get_or_insert_with(|| call.clock.sleep(limit));
                over.as_mut().poll(cx).map(|()| Err(TimedOut(limit).into()))
            })
            .await
        })
    }
}
