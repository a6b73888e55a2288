//! Routes, statuses and headers.

use super::auth::Key;
use super::call::{Failure, call};
use crate::protocol::ErrorReply;
use crate::standalone::run::Parts;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::sync::Arc;

#[derive(Clone)]
struct Api {
    parts: Arc<Parts>,
    key: Arc<Key>,
}

/// The API's routes.
pub(in crate::standalone) fn router(parts: Arc<Parts>, key: Key, body_bytes_max: usize) -> Router {
    Router::new()
        .route("/api/{method}", post(answer))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .with_state(Api { parts, key: Arc::new(key) })
}

async fn answer(
    State(api): State<Api>,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let counts = &api.parts.counts;
    if !api.key.opens(&headers, query.as_deref()) {
        counts.strangers.add();
        return (StatusCode::UNAUTHORIZED, "the API key is missing or wrong\n").into_response();
    }
    counts.calls.add();
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    let Ok(body) = std::str::from_utf8(&body) else {
        return (StatusCode::BAD_REQUEST, "the body is not UTF-8\n").into_response();
    };
    match call(&api.parts, &method, body).await {
        // A batch has no result around it.
        Ok(result) if method == "batch" => json(StatusCode::OK, result),
        Ok(result) => json(StatusCode::OK, [b"{\"result\":", &*result, b"}"].concat()),
        Err(Failure::UnknownMethod) => {
            (StatusCode::NOT_FOUND, format!("there is no method `{method}`\n")).into_response()
        }
        Err(Failure::Malformed(words)) => (StatusCode::BAD_REQUEST, format!("{words}\n")).into_response(),
        Err(Failure::Refused(error)) => {
            counts.errors.add();
            let is_by_status = headers.get("x-centrifugo-error-mode").is_some_and(|mode| mode == "transport");
            let body = super::answer::error(&error);
            if is_by_status {
                json(status(&error), body)
            } else {
                json(StatusCode::OK, [b"{\"error\":", &*body, b"}"].concat())
            }
        }
    }
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The HTTP status of an error, for callers that ask for it.
fn status(error: &ErrorReply) -> StatusCode {
    match error.code {
        102 | 104 => StatusCode::NOT_FOUND,
        107 | 108 => StatusCode::BAD_REQUEST,
        112 => StatusCode::RANGE_NOT_SATISFIABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
