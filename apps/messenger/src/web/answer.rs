//! How requests are taken and refusals told.

use crate::accounts::AccountError;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::json;

/// A refusal: a word for programs and words for people.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    words: String,
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, words: impl Into<String>) -> Self {
        Self { status, code, words: words.into(), retry_after: None }
    }

    pub(super) fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", "there is nothing here")
    }

    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something failed here; try again later")
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        let status = match &error {
            AccountError::Name | AccountError::Password | AccountError::Reset => StatusCode::BAD_REQUEST,
            AccountError::Taken | AccountError::LastAdmin => StatusCode::CONFLICT,
            AccountError::Closed
            | AccountError::Invitation
            | AccountError::Forbidden
            | AccountError::MustChange => StatusCode::FORBIDDEN,
            AccountError::Credentials | AccountError::SignedOut => StatusCode::UNAUTHORIZED,
            AccountError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            AccountError::Unknown => StatusCode::NOT_FOUND,
            AccountError::Db(error) => return Self::internal(error),
        };
        let retry_after = if let AccountError::TooMany(seconds) = &error { Some(*seconds) } else { None };
        Self { retry_after, ..Self::new(status, error.code(), error.to_string()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let words = Json(json!({ "error": self.code, "message": self.words }));
        let mut response = (self.status, words).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// A JSON body of this form.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(asked)) => Ok(Self(asked)),
            Err(rejection) => Err(refused(&rejection)),
        }
    }
}

fn refused(rejection: &JsonRejection) -> Problem {
    match rejection.status() {
        status @ StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "too_large", "this is too long"),
        status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(status, "not_json", "send application/json")
        }
        status if matches!(rejection, JsonRejection::BytesRejection(_)) => {
            Problem::new(status, "incomplete", "this did not come whole, or not in time")
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "invalid", "this is not what is asked here"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, FromRequest, Request, StatusCode};
    use axum::body::Body;
    use serde_json::Value;
    use std::io;

    #[tokio::test]
    async fn a_body_that_does_not_come_whole_is_not_called_wrong() {
        let pieces = [Ok("{\"name\":"), Err(io::Error::from(io::ErrorKind::TimedOut))];
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let request = Request::post("/").header("content-type", "application/json").body(body).unwrap();
        let Err(problem) = Asked::<Value>::from_request(request, &()).await else { panic!("it was taken") };
        assert_eq!((problem.status, problem.code), (StatusCode::BAD_REQUEST, "incomplete"));
    }
}
