//! From an HTTP request to a connection.

use super::connection::Connection;
use crate::gateway::Inner;
use axum::extract::State;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Small, since most connections are idle most of the time.
const READ_BUFFER: usize = 2 * 1024;

pub(crate) async fn upgrade(
    State(gateway): State<Arc<Inner>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if !gateway.origins.allows(&headers) {
        return (StatusCode::FORBIDDEN, "this page's origin may not connect here\n").into_response();
    }
    if gateway.connections.is_closing() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n").into_response();
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
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
            Box::pin(Connection::new(&gateway, socket).run()).await;
        })
}
