//! A socket that is read and written by one task, neither waiting for the other.

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use std::task::{Context, Poll};
use tokio_tungstenite::tungstenite;

pub(super) struct Io {
    socket: WebSocket,
    /// Something was written that the kernel has not taken yet.
    is_dirty: bool,
}

/// What a peer sent, or how it ended.
#[derive(Debug)]
pub(super) enum Incoming {
    Frame(axum::extract::ws::Utf8Bytes),
    /// Not text in UTF-8.
    Nonsense,
    TooBig,
    Gone,
}

impl Io {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self { socket, is_dirty: false }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.is_dirty
    }

    /// Hands a text frame over. The caller has seen that nothing is unwritten.
    pub(super) fn write(&mut self, frame: Vec<u8>, cx: &mut Context<'_>) -> Result<(), ()> {
        let text = Bytes::from(frame).try_into().map_err(|_| ())?;
        match self.socket.poll_ready_unpin(cx) {
            Poll::Ready(Ok(())) | Poll::Pending => {}
            Poll::Ready(Err(_)) => return Err(()),
        }
        self.is_dirty = true;
        self.socket.start_send_unpin(Message::Text(text)).map_err(|_| ())
    }

    /// Ready when everything is written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        if !self.is_dirty {
            return Poll::Ready(Ok(()));
        }
        let flushed = self.socket.poll_flush_unpin(cx).map_err(|_| ());
        if flushed.is_ready() {
            self.is_dirty = false;
        }
        flushed
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            let message = std::task::ready!(self.socket.poll_next_unpin(cx));
            return Poll::Ready(match message {
                Some(Ok(Message::Text(text))) => Incoming::Frame(text),
                Some(Ok(Message::Binary(bytes))) => {
                    bytes.try_into().map_or(Incoming::Nonsense, Incoming::Frame)
                }
                // Answered by the library, with the next write or read.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_))) | None => Incoming::Gone,
                Some(Err(error)) => match error.into_inner().downcast_ref::<tungstenite::Error>() {
                    Some(tungstenite::Error::Capacity(_)) => Incoming::TooBig,
                    Some(tungstenite::Error::Utf8(_)) => Incoming::Nonsense,
                    _ => Incoming::Gone,
                },
            });
        }
    }

    /// Sends a close frame and waits for the peer's; ends when the peer has ended.
    pub(super) async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code, reason: reason.into() };
        if self.socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = self.socket.next().await {}
        }
    }

    /// Answers the peer's close.
    pub(super) async fn finish(&mut self) {
        let _ = self.socket.close().await;
    }
}
