//! Which pages may ask: this one.

use super::Web;
use super::answer::Problem;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;

/// The origins under which a browser of this machine can have opened the page. They are spelt out, and not taken from
/// the request: a name of somebody else's that points here is not among them.
#[must_use]
pub fn own_origins(scheme: &str, address: SocketAddr) -> Vec<String> {
    let port = address.port();
    vec![format!("{scheme}://{address}"), format!("{scheme}://localhost:{port}")]
}

/// Refuses what another page sends: a browser says on its behalf where it comes from. Reading is kept from other pages by
/// the browser itself, and by the cookie, which it sends for this page only.
pub(super) async fn same_origin(State(web): State<Web>, request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let origin = request.headers().get(header::ORIGIN);
    let is_own =
        origin.is_some_and(|origin| web.reach.origins.iter().any(|own| own.as_bytes() == origin.as_bytes()));
    if is_own || (is_read && origin.is_none()) {
        return next.run(request).await;
    }
    Problem::new(StatusCode::FORBIDDEN, "foreign_origin", "only the messenger's own page may ask this")
        .into_response()
}
