//! A loopback listener that answers `GET /metrics`.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use hyper::{
    Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::Semaphore};

/// How many connections are served at a time.
const CONNECTIONS_MAX: usize = 16;

/// Serves what `render` answers until the task is aborted.
pub(crate) async fn listen<R, Fut>(listener: TcpListener, render: R)
where
    R: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = String> + Send,
{
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection for metrics");
                tokio::task::yield_now().await;
                continue;
            }
        };
        let render = render.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, render.clone()));
            let served =
                http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection for metrics ended early");
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
