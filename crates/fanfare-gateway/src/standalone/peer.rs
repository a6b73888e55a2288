//! Where requests come from.

use crate::ClientAddress;
use crate::door::Peer;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;
use std::net::IpAddr;

/// Tells the gateway the peer's address.
pub(super) async fn direct(request: Request, next: Next) -> Response {
    told(request, next, |_| None).await
}

/// The same; behind a proxy it is the last one of `X-Forwarded-For`, which the proxy itself wrote.
pub(super) async fn behind_proxy(request: Request, next: Next) -> Response {
    told(request, next, |request| {
        let named = request.headers().get_all("x-forwarded-for").iter().next_back()?;
        named.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok()
    })
    .await
}

async fn told(mut request: Request, next: Next, named: fn(&Request) -> Option<IpAddr>) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(Peer(peer))| peer.ip());
    if let Some(address) = named(&request).or(peer) {
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}
