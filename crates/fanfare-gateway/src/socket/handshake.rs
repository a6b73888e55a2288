//! The opening handshake (RFC 6455, section 4.2).

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use ring::digest;

/// A request that may become a WebSocket.
pub(super) struct Handshake {
    accept: HeaderValue,
    is_json_named: bool,
    pub(super) on_upgrade: OnUpgrade,
}

/// The protocol's name in the handshake; a client that gives none means it too.
const SUBPROTOCOL: &str = "centrifuge-json";

/// Answered with its status and words.
pub(super) struct NoHandshake(StatusCode, &'static str);

impl Handshake {
    pub(super) fn read(parts: &mut Parts) -> Result<Self, NoHandshake> {
        let bad = |words| Err(NoHandshake(StatusCode::BAD_REQUEST, words));
        let headers = &parts.headers;
        if parts.method != Method::GET || parts.version != Version::HTTP_11 {
            return bad("a WebSocket begins with GET over HTTP/1.1\n");
        }
        if !names(headers, &header::CONNECTION, "upgrade") || !names(headers, &header::UPGRADE, "websocket") {
            return bad("this is the address of a WebSocket; the request does not ask for one\n");
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
            return Err(NoHandshake(StatusCode::UPGRADE_REQUIRED, "the WebSocket version is 13\n"));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        if STANDARD.decode(key).map(|nonce| nonce.len()) != Ok(16) {
            return bad("Sec-WebSocket-Key is not 16 bytes in base64\n");
        }
        let (accept, is_json_named) =
            (accept(key), names(headers, &header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
        match parts.extensions.remove::<OnUpgrade>() {
            Some(on_upgrade) => Ok(Self { accept, is_json_named, on_upgrade }),
            None => bad("this connection cannot become a WebSocket\n"),
        }
    }

    /// The answer that ends HTTP on this connection.
    pub(super) fn answer(&self) -> Response {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if self.is_json_named {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        }
        response
    }
}

impl IntoResponse for NoHandshake {
    fn into_response(self) -> Response {
        let mut response = (self.0, self.1).into_response();
        if self.0 == StatusCode::UPGRADE_REQUIRED {
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

/// Whether a header that lists things lists this one.
fn names(headers: &HeaderMap, name: &header::HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(wanted))
}

fn accept(key: &[u8]) -> HeaderValue {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key);
    hash.update(GUID);
    HeaderValue::try_from(STANDARD.encode(hash.finish())).expect("base64 is visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_answered_as_the_rfc_says() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
