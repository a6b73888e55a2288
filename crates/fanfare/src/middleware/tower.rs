//! Layers of the tower ecosystem around a handler.

use std::task::{Context, Poll};

use fanfare_core::{BoxError, BoxFuture, Sink};
use tower::{Layer, Service, ServiceExt};

use super::{Call, Middleware, Next, Outcome};

/// Makes a middleware of a tower layer, for async handlers. The layer's service is made once and cloned for each
/// call, as tower's servers do.
pub fn tower<L>(layer: L) -> Tower<L::Service>
where
    L: Layer<HandlerService>,
{
    Tower(parking_lot::Mutex::new(layer.layer(HandlerService(()))))
}

/// See [`tower()`].
#[derive(Debug)]
pub struct Tower<S>(parking_lot::Mutex<S>);

/// The service that stands for whatever handler is called.
#[derive(Clone, Copy, Debug)]
pub struct HandlerService(());

impl Service<(Call, Next)> for HandlerService {
    type Response = Sink;
    type Error = BoxError;
    type Future = BoxFuture<'static, Outcome>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (_, next): (Call, Next)) -> Self::Future {
        next.run()
    }
}

impl<S> Middleware for Tower<S>
where
    S: Service<(Call, Next), Response = Sink> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let service = self.0.lock().clone();
        Box::pin(async move { service.oneshot((call, next)).await.map_err(Into::into) })
    }
}
