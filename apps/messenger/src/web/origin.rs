//! Which pages may ask: this one.

use super::Web;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;

/// The origins under which a browser of this machine can have opened the page. They are spelt out, and not taken from
/// the request: a name of somebody else's that points here is not among them.
pub(crate) fn own_origins(address: SocketAddr) -> Vec<String> {
    let port = address.port();
    vec![format!("http://{address}"), format!("http://localhost:{port}")]
}

/// Refuses what another page sends: a browser says on its behalf where it comes from.
pub(crate) async fn same_origin(State(web): State<Web>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    if origin.is_some_and(|origin| web.origins.iter().any(|own| own.as_bytes() == origin.as_bytes())) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "only the messenger's own page may ask this\n").into_response()
}
