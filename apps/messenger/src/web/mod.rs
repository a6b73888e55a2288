//! The page and what it asks over HTTP.

mod assets;
mod headers;
mod origin;
mod sign_in;

use crate::people::People;
use axum::Router;
use axum::middleware;
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::sync::Arc;

pub(crate) use origin::own_origins;

/// What the handlers of the page share.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    pub(crate) people: Arc<People>,
    /// The origins that the page is served from.
    pub(crate) origins: Arc<[String]>,
    /// The session cookie's name. Cookies do not know ports: two messengers of one machine need two names.
    pub(crate) cookie: Arc<str>,
}

impl Web {
    pub(crate) fn new(people: Arc<People>, address: SocketAddr) -> Self {
        let cookie = format!("messenger-{}", address.port()).into();
        Self { people, origins: own_origins(address).into(), cookie }
    }

    pub(crate) fn router(self, gateway: Router) -> Router {
        let asked = Router::new()
            .route("/api/sign-in", post(sign_in::sign_in))
            .route("/api/token", post(sign_in::token))
            .route("/api/sign-out", post(sign_in::sign_out))
            .layer(middleware::from_fn_with_state(self.clone(), origin::same_origin))
            .with_state(self);
        Router::new()
            .route("/live", get(async || "alive\n"))
            .merge(asked)
            .merge(gateway)
            .fallback(get(assets::serve))
            .layer(middleware::from_fn(headers::add))
    }
}
