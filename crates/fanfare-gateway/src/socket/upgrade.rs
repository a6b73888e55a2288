//! From an HTTP request to a connection.

use super::connection::Connection;
use crate::connections::NoRoom;
use crate::gateway::Inner;
use axum::Extension;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;

/// Small, since most connections are idle most of the time.
const READ_BUFFER: usize = 2 * 1024;

pub(crate) async fn upgrade(
    State(gateway): State<Arc<Inner>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !gateway.origins.allows(&headers) {
        return (StatusCode::FORBIDDEN, "this page's origin may not connect here\n").into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let address = peer.map(|Extension(ConnectInfo(peer))| peer.ip());
    let registered = match gateway.connections.admit(gateway.settings(), address) {
        Ok(registered) => registered,
        Err(no_room) => return refuse(no_room),
    };
    let bytes_max = gateway.settings().message_bytes_max;
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(bytes_max)
        .max_frame_size(bytes_max)
        .protocols(["centrifuge-json"])
        .on_upgrade(move |socket| async move {
            // Boxed, so that the task that waits for the upgrade stays small.
            Box::pin(Connection::new(&gateway, socket, registered).run()).await;
        })
}

fn refuse(no_room: NoRoom) -> Response {
    match no_room {
        NoRoom::Closing => (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"),
        NoRoom::InAll => (StatusCode::SERVICE_UNAVAILABLE, "too many connections\n"),
        NoRoom::FromAddress => (StatusCode::TOO_MANY_REQUESTS, "too many connections from this address\n"),
    }
    .into_response()
}
