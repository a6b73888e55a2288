//! A middleware of one's own, made of a function.

use std::future::Future;

use fanfare_core::BoxFuture;

use super::{Call, Fits, Middleware, Next, NextSync, Outcome};

/// Makes a middleware of `async fn(Call, Next) -> Outcome`, for async handlers.
pub fn from_fn<F, Fut>(f: F) -> FromFn<F>
where
    F: Fn(Call, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    FromFn(f)
}

/// See [`from_fn`].
#[derive(Clone, Debug)]
pub struct FromFn<F>(F);

impl<F, Fut> Middleware for FromFn<F>
where
    F: Fn(Call, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        Box::pin((self.0)(call, next))
    }
}

/// Makes a middleware of `fn(&Call, NextSync<'_>) -> Outcome`, for synchronous handlers.
pub fn from_fn_sync<F>(f: F) -> FromFnSync<F>
where
    F: Fn(&Call, NextSync<'_>) -> Outcome + Send + Sync + 'static,
{
    FromFnSync(f)
}

/// See [`from_fn_sync`].
#[derive(Clone, Debug)]
pub struct FromFnSync<F>(F);

impl<F> Middleware for FromFnSync<F>
where
    F: Fn(&Call, NextSync<'_>) -> Outcome + Send + Sync + 'static,
{
    fn fits(&self) -> Fits {
        Fits::Sync
    }

    fn handle(&self, _: Call, next: Next) -> BoxFuture<'static, Outcome> {
        // Refused around async handlers when they subscribe.
        next.run()
    }

    fn handle_sync(&self, call: &Call, next: NextSync<'_>) -> Outcome {
        (self.0)(call, next)
    }
}
