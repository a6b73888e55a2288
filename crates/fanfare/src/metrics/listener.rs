//! A loopback listener that answers `GET /metrics`.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use fanfare_core::Clock;
use hyper::{
    Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

/// What a listener bears.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many connections are served at a time; the others wait.
    pub(crate) connections_max: usize,
    /// How long a connection may take for its one request.
    pub(crate) timeout: Duration,
    /// How long to wait after a connection could not be accepted: want of descriptors passes with time only.
    pub(crate) pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections_max: 16, timeout: Duration::from_secs(10), pause: Duration::from_millis(200) }
    }
}

/// Serves what `render` answers until the task is aborted.
pub(crate) async fn listen<R, Fut>(listener: TcpListener, limits: Limits, clock: Arc<dyn Clock>, render: R)
where
    R: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = String> + Send,
{
    serve(|cx| listener.poll_accept(cx), limits, clock, render).await;
}

async fn serve<A, R, Fut>(mut accept: A, limits: Limits, clock: Arc<dyn Clock>, render: R)
where
    A: FnMut(&mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>>,
    R: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = String> + Send,
{
    let permits = Arc::new(Semaphore::new(limits.connections_max));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        let stream = match poll_fn(&mut accept).await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection for metrics");
                clock.sleep(limits.pause).await;
                continue;
            }
        };
        let (render, is_late) = (render.clone(), clock.sleep(limits.timeout));
        connections.spawn(async move {
            let service = service_fn(move |request| answer(request, render.clone()));
            let served =
                http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                served = served => {
                    if let Err(error) = served {
                        tracing::debug!(%error, "a connection for metrics ended early");
                    }
                }
                () = is_late => tracing::debug!("a connection for metrics took too long"),
            }
            drop(permit);
        });
    }
}

/// Whether an address is one that only this machine reaches.
pub(crate) fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().is_loopback()
}

async fn answer<R, Fut>(request: Request<Incoming>, render: R) -> Result<Response<String>, Infallible>
where
    R: Fn() -> Fut,
    Fut: Future<Output = String>,
{
    let mut response = Response::new(String::new());
    if request.uri().path() == "/metrics" {
        *response.body_mut() = render().await;
        let content_type = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
