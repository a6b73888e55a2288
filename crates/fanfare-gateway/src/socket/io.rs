//! A socket that is read and written by one task, neither waiting for the other.
//!
//! An idle one keeps no buffer: bytes are read into the task's stack, and only the beginning of a frame whose end has not
//! come is kept. What is written is one frame at a time, in the very bytes that other connections may share.

use super::decoder::{Decoder, Received, Skipper, Step, Violation};
use crate::protocol::{Frame, Opcode, head};
use bytes::{Buf, Bytes};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) struct Io {
    socket: TokioIo<Upgraded>,
    decoder: Decoder,
    /// Bytes that came and are not decoded, and where they begin.
    rest: Vec<u8>,
    rest_start: usize,
    /// What of a frame the kernel has not taken yet.
    unwritten: Bytes,
    /// The answer to the newest ping, written before the next frame.
    pong: Option<Bytes>,
    /// Something is with the transport that it has not handed on (TLS).
    is_unflushed: bool,
}

/// What a peer sent, or how it ended.
#[derive(Debug)]
pub(super) enum Incoming {
    Message(String),
    Violation(Violation),
    /// It said goodbye.
    Closed,
    Gone,
}

/// What one read takes at most.
const READ_MAX: usize = 4 * 1024;

impl Io {
    pub(super) fn new(socket: Upgraded, message_bytes_max: usize) -> Self {
        Self {
            socket: TokioIo::new(socket),
            decoder: Decoder::new(message_bytes_max),
            rest: Vec::new(),
            rest_start: 0,
            unwritten: Bytes::new(),
            pong: None,
            is_unflushed: false,
        }
    }

    /// Whether the peer takes no more for now.
    pub(super) fn is_blocked(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Takes a frame to be written. The caller has seen that nothing is unwritten.
    pub(super) fn write(&mut self, frame: &Frame) {
        self.unwritten = frame.bytes().clone();
    }

    /// Ready when everything is written.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while !self.unwritten.is_empty() {
                let written = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.unwritten))?;
                if written == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.unwritten.advance(written);
                self.is_unflushed = true;
            }
            match self.pong.take() {
                Some(pong) => self.unwritten = pong,
                None => break,
            }
        }
        // Its memory may be shared with everybody in a room.
        self.unwritten = Bytes::new();
        if self.is_unflushed {
            ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
            self.is_unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            match self.decode_rest() {
                Ok(Some(Received::Message(text))) => return Poll::Ready(Incoming::Message(text)),
                Ok(Some(Received::Close)) => return Poll::Ready(Incoming::Closed),
                Ok(Some(Received::Ping(payload))) => {
                    self.pong = Some(control(Opcode::Pong, &payload));
                    // There is something to write again: the caller looks before it waits.
                    cx.waker().wake_by_ref();
                    continue;
                }
                Ok(None) => {}
                Err(violation) => return Poll::Ready(Incoming::Violation(violation)),
            }
            let mut space = [MaybeUninit::uninit(); READ_MAX];
            let mut read = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => self.rest.extend_from_slice(read.filled()),
                Ok(()) | Err(_) => return Poll::Ready(Incoming::Gone),
            }
        }
    }

    /// The next message among the bytes that are here.
    fn decode_rest(&mut self) -> Result<Option<Received>, Violation> {
        while let Some(bytes) = self.rest.get_mut(self.rest_start..).filter(|bytes| !bytes.is_empty()) {
            match self.decoder.step(bytes)? {
                Step::Frame(len, received) => {
                    self.rest_start += len;
                    if received.is_some() {
                        return Ok(received);
                    }
                }
                Step::Incomplete => {
                    self.rest.drain(..self.rest_start);
                    self.rest_start = 0;
                    return Ok(None);
                }
            }
        }
        (self.rest, self.rest_start) = (Vec::new(), 0);
        Ok(None)
    }

    /// Sends a close frame behind what is unwritten and waits for the peer's.
    pub(super) async fn close(&mut self, code: u16, reason: &str) {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        self.pong = Some(control(Opcode::Close, &payload));
        if poll_fn(|cx| self.poll_flush(cx)).await.is_ok() {
            let mut skipper = Skipper::default();
            poll_fn(|cx| self.poll_skip(cx, &mut skipper)).await;
            self.end().await;
        }
    }

    /// Ready when the peer said goodbye, or went. Of what else it sends nothing is kept.
    fn poll_skip(&mut self, cx: &mut Context<'_>, skipper: &mut Skipper) -> Poll<()> {
        loop {
            let bytes = self.rest.get(self.rest_start..).unwrap_or_default();
            match skipper.step(bytes) {
                Ok((_, true)) | Err(_) => return Poll::Ready(()),
                Ok((skipped, false)) => {
                    self.rest.drain(..self.rest_start + skipped);
                    self.rest_start = 0;
                }
            }
            let mut space = [MaybeUninit::uninit(); READ_MAX];
            let mut read = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut read)) {
                Ok(()) if !read.filled().is_empty() => self.rest.extend_from_slice(read.filled()),
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
    }

    /// Answers the peer's close.
    pub(super) async fn answer_close(&mut self) {
        self.pong = Some(control(Opcode::Close, &1000u16.to_be_bytes()));
        if poll_fn(|cx| self.poll_flush(cx)).await.is_ok() {
            self.end().await;
        }
    }

    async fn end(&mut self) {
        let _ = poll_fn(|cx| Pin::new(&mut self.socket).poll_shutdown(cx)).await;
    }
}

fn control(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(2 + payload.len());
    head(&mut frame, opcode, payload.len());
    frame.extend_from_slice(payload);
    frame.into()
}
