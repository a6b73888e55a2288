//! Runs a handler again when it failed.

use fanfare_core::{BoxFuture, Failure, Retry};

use super::{Call, Middleware, Next, Outcome};

/// Runs a failed handler again by a policy, in memory: a stop of the process forgets it.
#[derive(Clone, Copy, Debug)]
pub struct Retrying(Retry);

impl Retrying {
    /// Retries by this policy. A [`Failure::permanent`] is not retried.
    pub fn new(policy: Retry) -> Self {
        Self(policy)
    }
}

impl Middleware for Retrying {
    fn refused_on_app(&self) -> Option<&'static str> {
        Some("retries within one delivery, which ends with the process; say .retry(policy) of the handler")
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let policy = self.0;
        Box::pin(async move {
            let mut attempt = 1;
            loop {
                let error = match next.run().await {
                    Ok(sink) => return Ok(sink),
                    Err(error) => error,
                };
                let random = crate::dispatch::random();
                let delay = policy.delay_after(attempt, random);
                let Some(delay) = delay.filter(|_| !Failure::is_permanent(&*error)) else {
                    return Err(error);
                };
                let delay = Failure::after(&*error).unwrap_or(delay);
                tracing::debug!(handler = call.handler(), attempt, ?delay, %error, "retried");
                call.clock.sleep(delay).await;
                attempt += 1;
            }
        })
    }
}
