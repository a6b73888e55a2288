//! A client that speaks raw frames.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Lines of the last frame that nobody has asked for yet.
    lines: VecDeque<String>,
}

impl Client {
    pub(crate) async fn open(address: SocketAddr, origin: Option<&str>) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{address}/connection/websocket").into_client_request()?;
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", origin.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Self { socket, lines: VecDeque::new() })
    }

    pub(crate) async fn send(&mut self, frame: &str) {
        self.socket.send(Message::text(frame)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, frame: &[u8]) {
        self.socket.send(Message::binary(frame.to_vec())).await.unwrap();
    }

    /// Sends one command and takes the next line.
    pub(crate) async fn call(&mut self, command: &str) -> Value {
        self.send(command).await;
        self.next().await
    }

    pub(crate) async fn subscribe(&mut self, id: u32, channel: &str, more: &str) -> Value {
        self.call(&format!(r#"{{"id":{id},"subscribe":{{"channel":"{channel}","flag":1{more}}}}}"#)).await
    }

    /// The next line, as JSON.
    pub(crate) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    /// The next line, as it is.
    pub(crate) async fn line(&mut self) -> String {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return line;
            }
            match self.message().await {
                Message::Text(text) => self.lines.extend(text.split('\n').map(str::to_owned)),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("expected text, got {other:?}"),
            }
        }
    }

    /// The offsets of the next pushes.
    pub(crate) async fn pushed(&mut self, count: usize) -> Vec<u64> {
        let mut offsets = Vec::new();
        while offsets.len() < count {
            let line = self.next().await;
            let offset = line["push"]["pub"]["offset"].as_u64();
            offsets.push(offset.unwrap_or_else(|| panic!("expected a publication, got {line}")));
        }
        offsets
    }

    /// The close frame, after whatever comes before it. Every one has a reason in plain words.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.message().await {
                let frame = frame.expect("a close frame has a code");
                assert!(!frame.reason.is_empty(), "{frame:?}");
                assert!(serde_json::from_str::<Value>(&frame.reason).is_err(), "{frame:?} reads as JSON");
                return frame.code.into();
            }
        }
    }

    /// The code of a close frame, unless an answer comes first.
    pub(crate) async fn answer_or_close(&mut self) -> Option<u16> {
        match self.message().await {
            Message::Close(frame) => Some(frame.expect("a close frame has a code").code.into()),
            _ => None,
        }
    }

    /// Waits until the connection has ended without a close frame.
    pub(crate) async fn cut(&mut self) {
        let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await.expect("an end");
        assert!(matches!(next, None | Some(Err(_)) | Some(Ok(Message::Close(None)))), "{next:?}");
    }

    async fn message(&mut self) -> Message {
        let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
        next.expect("a message in time").expect("an open connection").expect("a good frame")
    }
}

/// A socket behind the handshake, for bytes that no client library sends.
pub(crate) async fn upgraded(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /connection/websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    socket
}
