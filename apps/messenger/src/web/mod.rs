//! What the page asks over HTTP: accounts, tokens for connections, and `/flow`'s figures.

mod account;
mod admin;
mod answer;
mod assets;
mod flow;
mod headers;
mod origin;
mod signed;

use crate::accounts::Accounts;
use crate::chat::Chat;
use crate::flow::Flow;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::middleware;
use axum::routing::{any, get, post};
use fanfare_core::Transport;
use fanfare_gateway::auth::TokenIssuer;
use std::sync::Arc;

pub use assets::page;
pub use origin::own_origins;

/// What the handlers share.
#[derive(Clone)]
pub struct Web {
    /// People.
    pub accounts: Accounts,
    /// Rooms, and connections.
    pub chat: Chat,
    /// What passes.
    pub flow: Flow,
    /// The journal.
    pub transport: Arc<dyn Transport>,
    /// Signs the tokens of connections.
    pub tokens: TokenIssuer,
    /// How it is reached.
    pub reach: Arc<Reach>,
}

/// How the messenger is reached.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The origins that the page is served from.
    pub origins: Vec<String>,
    /// Whether browsers come over TLS.
    pub is_secure: bool,
    /// Whether a proxy stands before it, whose word on addresses is taken.
    pub is_behind_proxy: bool,
    /// The session cookie's name.
    pub cookie: String,
}

/// The longest body, in bytes.
const BODY_MAX: usize = 16 * 1024;

impl Web {
    /// Every route but the page's files and the gateway's.
    pub fn router(self) -> Router {
        let asked = Router::new()
            .route("/api/me", get(account::me))
            .route("/api/sign-up", post(account::sign_up))
            .route("/api/sign-in", post(account::sign_in))
            .route("/api/sign-out", post(account::sign_out))
            .route("/api/sign-out-everywhere", post(account::sign_out_everywhere))
            .route("/api/password", post(account::password))
            .route("/api/token", post(account::token))
            .route("/api/invitations", post(account::invite))
            .route("/api/recovery", post(account::recovery))
            .route("/api/reset", post(account::reset))
            .route("/api/reset/prove", post(account::prove_reset))
            .route("/api/reset/claim", post(account::claim_reset))
            .route("/api/reset/cancel", post(account::cancel_reset))
            .route("/api/notices/seen", post(account::notices_seen))
            .route("/api/admin/people", get(admin::people))
            .route("/api/admin/people/{id}/remove", post(admin::remove))
            .route("/api/admin/people/{id}/reset", post(admin::reset))
            .route("/api/admin/people/{id}/admin", post(admin::set_admin))
            .route("/flow", get(async |_: signed::Admin, headers: HeaderMap| assets::flow(&headers)))
            .route("/api/flow/events", get(flow::events))
            .route("/api/flow/event/{id}", get(flow::event))
            .route("/api/flow/groups", get(flow::groups))
            .route("/api/flow/dead", get(flow::dead))
            .route("/api/flow/redrive", post(flow::redrive))
            .route("/api/{*rest}", any(async || answer::Problem::missing()))
            .layer(middleware::from_fn_with_state(self.clone(), origin::same_origin))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(self);
        Router::new().merge(asked).layer(middleware::from_fn(headers::no_store))
    }

    /// Has these routes see where people come from, also behind a proxy.
    pub(crate) fn tells_addresses(&self, routes: Router) -> Router {
        routes.layer(middleware::from_fn_with_state(Arc::clone(&self.reach), signed::tell_address))
    }
}

/// What every answer of the messenger carries: nothing from elsewhere, nothing inline, no frames.
pub use headers::add as security_headers;

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Web").field("reach", &self.reach).finish_non_exhaustive()
    }
}
