//! What people do with their own accounts.

use super::Web;
use super::answer::{Asked, Problem};
use super::signed::{From, Known, Signed, set_cookie};
use crate::accounts::{Link, SignedIn};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(super) struct SignUp {
    name: String,
    password: String,
    invitation: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    name: String,
    password: String,
}

#[derive(Deserialize)]
pub(super) struct Passwords {
    current: String,
    new: String,
}

#[derive(Deserialize)]
pub(super) struct Reset {
    reset: String,
    password: String,
}

#[derive(Deserialize)]
pub(super) struct Proof {
    name: String,
    recovery: String,
}

#[derive(Deserialize)]
pub(super) struct Password {
    password: String,
}

/// How long a browser keeps the cookie, in seconds; the session itself ends 30 days after its last use.
const COOKIE_SECONDS: u64 = 400 * 24 * 3600;
/// How long a connection's token lasts, in seconds. Clients ask for the next one by themselves.
const TOKEN_SECONDS: i64 = 300;

pub(super) async fn me(State(web): State<Web>, known: Result<Known, Problem>) -> Answer {
    let sign_up = web.accounts.sign_up_policy();
    let Ok(Known(session)) = known else {
        return Ok(Json(json!({ "person": null, "sign_up": sign_up, "notices": [] })));
    };
    let notices = web.accounts.notices(session.person.id).await?;
    Ok(Json(json!({ "person": session.person, "sign_up": sign_up, "notices": notices })))
}

pub(super) async fn sign_up(
    State(web): State<Web>,
    From(from): From,
    Asked(asked): Asked<SignUp>,
) -> Result<Response, Problem> {
    let signed_in = web.accounts.sign_up(&asked.name, asked.password, asked.invitation, from).await?;
    Ok(welcome(&web, &signed_in))
}

pub(super) async fn sign_in(
    State(web): State<Web>,
    From(from): From,
    Asked(asked): Asked<SignIn>,
) -> Result<Response, Problem> {
    let signed_in = web.accounts.sign_in(&asked.name, asked.password, from).await?;
    Ok(welcome(&web, &signed_in))
}

pub(super) async fn sign_out(State(web): State<Web>, Known(session): Known) -> Result<Response, Problem> {
    web.accounts.sign_out(&session).await?;
    // Which connections are this session's is in their tokens; the others come back by themselves.
    web.chat.outside().renew(session.person.id);
    Ok(goodbye(&web))
}

pub(super) async fn sign_out_everywhere(
    State(web): State<Web>,
    Known(session): Known,
) -> Result<Response, Problem> {
    web.accounts.sign_out_everywhere(session.person.id).await?;
    web.chat.outside().sign_out(session.person.id);
    Ok(goodbye(&web))
}

pub(super) async fn password(
    State(web): State<Web>,
    Known(session): Known,
    From(from): From,
    Asked(asked): Asked<Passwords>,
) -> Answer {
    let recovery = web.accounts.change_password(&session, asked.current, asked.new, from).await?;
    web.chat.outside().renew(session.person.id);
    Ok(Json(recovery.map_or_else(|| json!({}), |recovery| json!({ "recovery": recovery }))))
}

pub(super) async fn recovery(
    State(web): State<Web>,
    Signed(session): Signed,
    From(from): From,
    Asked(asked): Asked<Password>,
) -> Answer {
    let recovery = web.accounts.new_recovery(&session, asked.password, from).await?;
    Ok(Json(json!({ "recovery": recovery })))
}

/// A short token for the connection of whoever is signed in.
pub(super) async fn token(State(web): State<Web>, Signed(session): Signed) -> Answer {
    let until = jiff::Timestamp::now().as_second() + TOKEN_SECONDS;
    let info = json!({ "session": session.id });
    let person = session.person.id.to_string();
    let token = web.tokens.connection(&person, &info, u64::try_from(until).unwrap_or(0));
    Ok(Json(json!({ "token": token, "expires_at": crate::time::text(until * 1000) })))
}

pub(super) async fn invite(State(web): State<Web>, Signed(session): Signed) -> Answer {
    let (invitation, expires_at) = web.accounts.invite(&session.person).await?;
    let link = link(&web, "invitation", &invitation);
    Ok(Json(json!({ "invitation": invitation, "link": link, "expires_at": expires_at })))
}

/// The link, for whoever knows the recovery code.
pub(super) async fn prove_reset(
    State(web): State<Web>,
    From(from): From,
    Asked(asked): Asked<Proof>,
) -> Answer {
    let made = web.accounts.prove_reset(&asked.name, asked.recovery, from).await?;
    Ok(reset_link(&web, &made))
}

/// The link, on a device that is still signed in.
pub(super) async fn claim_reset(State(web): State<Web>, Signed(session): Signed) -> Answer {
    let made = web.accounts.claim_reset(&session).await?;
    Ok(reset_link(&web, &made))
}

pub(super) async fn reset(State(web): State<Web>, From(from): From, Asked(asked): Asked<Reset>) -> Answer {
    let (person, recovery) = web.accounts.complete_reset(asked.reset, asked.password, from).await?;
    web.chat.outside().sign_out(person);
    Ok(Json(json!({ "recovery": recovery })))
}

pub(super) async fn cancel_reset(State(web): State<Web>, Signed(session): Signed) -> Answer {
    web.accounts.cancel_reset(session.person.id).await?;
    Ok(Json(json!({})))
}

pub(super) async fn notices_seen(State(web): State<Web>, Signed(session): Signed) -> Answer {
    web.accounts.notices_seen(session.person.id).await?;
    Ok(Json(json!({})))
}

/// A link to the page. The secret stands behind `#`, so that no server's log and no referrer shows it.
fn link(web: &Web, what: &str, secret: &str) -> String {
    let origin = web.reach.origins.first().map_or("", String::as_str);
    format!("{origin}/#{what}={secret}")
}

fn reset_link(web: &Web, made: &Link) -> Json<Value> {
    let link = link(web, "reset", &made.token);
    Json(json!({ "reset": made.token, "link": link, "expires_at": made.expires_at }))
}

fn welcome(web: &Web, signed_in: &SignedIn) -> Response {
    let cookie = set_cookie(&web.reach, &signed_in.token, COOKIE_SECONDS);
    let mut answer = json!({ "person": signed_in.person, "notices": signed_in.notices });
    if let (Some(answer), Some(recovery)) = (answer.as_object_mut(), &signed_in.recovery) {
        answer.insert("recovery".into(), recovery.clone().into());
    }
    (cookie, Json(answer)).into_response()
}

fn goodbye(web: &Web) -> Response {
    (set_cookie(&web.reach, "", 0), Json(json!({}))).into_response()
}
