//! Signing in and out, and tokens for connections.

use super::Web;
use crate::people::{Person, SESSION_SECONDS};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
pub(crate) struct Name {
    name: String,
}

pub(crate) async fn sign_in(State(web): State<Web>, Json(Name { name }): Json<Name>) -> Response {
    match web.people.sign_in(&name) {
        Ok(person) => {
            let cookie = cookie(&web, &web.people.session(&person), SESSION_SECONDS);
            (cookie, welcome(&web, &person)).into_response()
        }
        Err(problem) => (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": problem }))).into_response(),
    }
}

/// A fresh token for the connection of whoever is signed in.
pub(crate) async fn token(State(web): State<Web>, headers: HeaderMap) -> Response {
    match session(&web, &headers).and_then(|session| web.people.of_session(session)) {
        Some(person) => welcome(&web, &person),
        None => (StatusCode::UNAUTHORIZED, Json(json!({ "error": "Please sign in." }))).into_response(),
    }
}

pub(crate) async fn sign_out(State(web): State<Web>) -> Response {
    (cookie(&web, "", 0), Json(json!({}))).into_response()
}

fn welcome(web: &Web, person: &Person) -> Response {
    let token = web.people.connection_token(person);
    let answer = Json(json!({ "user": person.user, "name": person.name, "token": token }));
    (AppendHeaders([(header::CACHE_CONTROL, "no-store")]), answer).into_response()
}

/// Kept from scripts and from requests that other sites cause. It is not `Secure`, since the page is served to this
/// machine alone, over plain HTTP.
fn cookie(web: &Web, value: &str, seconds: u64) -> AppendHeaders<[(header::HeaderName, String); 1]> {
    let cookie = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict", web.cookie);
    AppendHeaders([(header::SET_COOKIE, cookie)])
}

fn session<'h>(web: &Web, headers: &'h HeaderMap) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == &*web.cookie).map(|(_, value)| value)
}
