//! Routes, statuses and headers.

use super::auth::Key;
use super::call::{Failure, call};
use crate::protocol::ErrorReply;
use crate::standalone::metrics::Counts;
use crate::standalone::run::Parts;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use std::sync::Arc;

/// The API's routes.
pub(in crate::standalone) fn router(parts: Arc<Parts>, key: Key, body_bytes_max: usize) -> Router {
    let with_key = middleware::from_fn_with_state((Arc::new(key), Arc::clone(&parts.counts)), with_key);
    Router::new()
        .route("/api/{method}", post(answer).route_layer(with_key))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .with_state(parts)
}

/// Who shows no key is answered before anything of the body is read.
async fn with_key(
    State((key, counts)): State<(Arc<Key>, Arc<Counts>)>,
    request: Request,
    next: Next,
) -> Response {
    if key.opens(request.headers(), request.uri().query()) {
        return next.run(request).await;
    }
    counts.strangers.add();
    (StatusCode::UNAUTHORIZED, "the API key is missing or wrong\n").into_response()
}

async fn answer(
    State(parts): State<Arc<Parts>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let counts = &parts.counts;
    counts.calls.add();
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return rejection.into_response(),
    };
    let Ok(body) = std::str::from_utf8(&body) else {
        return (StatusCode::BAD_REQUEST, "the body is not UTF-8\n").into_response();
    };
    match call(&parts, &method, body).await {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standalone::config::Secret;
    use axum::body::Body;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    #[tokio::test]
    async fn who_shows_no_key_is_answered_before_anything_of_the_body_is_read() {
        let state = (Arc::new(Key::new(&Secret::new("right".into())).unwrap()), Arc::<Counts>::default());
        let with_key = middleware::from_fn_with_state(state, with_key);
        let route = post(async |body: String| body).route_layer(with_key);
        let routes = Router::<()>::new().route("/api/{method}", route);
        let routes = TowerToHyperService::new(routes);
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let stranger = Request::post("/api/publish").header("x-api-key", "wrong").body(never).unwrap();
        assert_eq!(routes.call(stranger).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        let known = Request::post("/api/publish?api_key=right").body(Body::from("hi")).unwrap();
        assert_eq!(routes.call(known).await.unwrap().status(), StatusCode::OK);
    }
}
