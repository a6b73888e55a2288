//! From an HTTP request to a connection.

use super::connection::Connection;
use super::handshake::Handshake;
use super::io::Io;
use crate::connections::NoRoom;
use crate::gateway::Inner;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub(crate) async fn upgrade(State(gateway): State<Arc<Inner>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !gateway.origins.allows(&parts.headers) {
        return (StatusCode::FORBIDDEN, "this page's origin may not connect here\n").into_response();
    }
    let handshake = match Handshake::read(&mut parts) {
        Ok(handshake) => handshake,
        Err(refusal) => return refusal.into_response(),
    };
    let address = address(&parts.extensions);
    let registered = match gateway.connections.admit(gateway.settings(), address) {
        Ok(registered) => registered,
        Err(no_room) => return refuse(no_room),
    };
    let response = handshake.answer();
    tokio::spawn(async move {
        match handshake.on_upgrade.await {
            // Boxed, so that the task that waits for the upgrade stays small.
            Ok(upgraded) => {
                let io = Io::new(upgraded, gateway.settings().message_bytes_max);
                Box::pin(Connection::new(&gateway, io, registered).run()).await;
            }
            Err(error) => tracing::debug!(%error, "a connection ended before it was upgraded"),
        }
    });
    response
}

/// Who is at the other end, for programs that know it better than the socket does. A layer puts it among the extensions
/// of requests to the gateway's routes; [`crate::Settings::connections_per_address_max`] counts by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What counts as one address where something is limited: of IPv6 the network of 64 bits, since whoever has one
    /// address there has all of them.
    #[must_use]
    pub fn network(self) -> IpAddr {
        crate::address::network(self.0)
    }
}

fn address(extensions: &Extensions) -> Option<IpAddr> {
    let told = extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address);
    told.or_else(|| Some(extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip()))
}

fn refuse(no_room: NoRoom) -> Response {
    match no_room {
        NoRoom::Closing => (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"),
        NoRoom::InAll => (StatusCode::SERVICE_UNAVAILABLE, "too many connections\n"),
        NoRoom::FromAddress => (StatusCode::TOO_MANY_REQUESTS, "too many connections from this address\n"),
    }
    .into_response()
}
