//! The page's files, inside the program.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;
use std::fmt::Write;

#[derive(RustEmbed)]
#[folder = "page/"]
struct Assets;

/// The page: every file under its own name.
pub fn page() -> Router {
    Router::new().fallback(get(serve))
}

/// `/flow`'s page, for whoever is known to administer.
pub(super) fn flow(headers: &HeaderMap) -> Response {
    file(FLOW, headers)
}

const FLOW: &str = "flow.html";

async fn serve(uri: Uri, headers: HeaderMap) -> Response {
    match uri.path().trim_start_matches('/') {
        "" => file("index.html", &headers),
        FLOW => missing(),
        path => file(path, &headers),
    }
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here\n").into_response()
}

/// A file, or 304 when the browser has it already.
fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Assets::get(path) else {
        return missing();
    };
    let mut etag = String::from('"');
    for byte in file.metadata.sha256_hash().iter().take(12) {
        // Writing into a String cannot fail.
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    let kind = if kind.starts_with("text/") { kind + "; charset=utf-8" } else { kind };
    let about =
        [(header::CONTENT_TYPE, kind), (header::ETAG, etag), (header::CACHE_CONTROL, "no-cache".into())];
    (about, file.data).into_response()
}
