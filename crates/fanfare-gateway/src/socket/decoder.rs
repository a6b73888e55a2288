//! Bytes from a client into messages (RFC 6455, section 5). It knows no socket, so that it can be fuzzed.

use std::borrow::Cow;

/// Takes frames apart and puts fragments together, for one connection.
#[derive(Debug)]
pub(crate) struct Decoder {
    message_bytes_max: usize,
    /// What came of a message whose end has not come.
    fragments: Option<Vec<u8>>,
}

/// What a frame, or the last of several, brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// A text, or bytes that are one.
    Message(String),
    /// To be answered with these bytes.
    Ping(Vec<u8>),
    /// The peer ends.
    Close,
}

/// Why nothing more can be read from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// Not what RFC 6455 allows a client to send.
    Protocol,
    /// Text that is not UTF-8.
    NotText,
    TooBig,
}

/// How far one call came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next frame is not complete.
    Incomplete,
    /// So many bytes were one frame.
    Frame(usize, Option<Received>),
}

struct Head {
    is_final: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Bytes of the head, and of the payload behind it.
    len: usize,
    payload_len: usize,
}

impl Decoder {
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Self { message_bytes_max, fragments: None }
    }

    /// Looks at the first frame of `bytes`, whose payload it unmasks in place once it is complete.
    pub(crate) fn step(&mut self, bytes: &mut [u8]) -> Result<Step, Violation> {
        let Some(head) = Head::read(bytes)? else { return Ok(Step::Incomplete) };
        let so_far = self.fragments.as_ref().map_or(0, Vec::len);
        // Refused by its head, before any of it is kept.
        if head.opcode < CLOSE && head.payload_len > self.message_bytes_max.saturating_sub(so_far) {
            return Err(Violation::TooBig);
        }
        match (head.opcode, self.fragments.is_some()) {
            (CONTINUATION, false) | (TEXT | BINARY, true) => return Err(Violation::Protocol),
            _ => {}
        }
        let end = head.len + head.payload_len;
        let Some(payload) = bytes.get_mut(head.len..end) else { return Ok(Step::Incomplete) };
        unmask(payload, head.mask);
        Ok(Step::Frame(end, self.take(&head, payload)?))
    }

    fn take(&mut self, head: &Head, payload: &[u8]) -> Result<Option<Received>, Violation> {
        match head.opcode {
            CLOSE if is_close(payload) => Ok(Some(Received::Close)),
            CLOSE => Err(Violation::Protocol),
            PING => Ok(Some(Received::Ping(payload.to_vec()))),
            PONG => Ok(None),
            _ if !head.is_final => {
                self.fragments.get_or_insert_default().extend_from_slice(payload);
                Ok(None)
            }
            _ => {
                let whole = match self.fragments.take() {
                    Some(mut fragments) => {
                        fragments.extend_from_slice(payload);
                        Cow::Owned(fragments)
                    }
                    None => Cow::Borrowed(payload),
                };
                let text = String::from_utf8(whole.into_owned()).map_err(|_| Violation::NotText)?;
                Ok(Some(Received::Message(text)))
            }
        }
    }
}

/// Reads past what comes from a peer that was told to close, looking for its close.
#[derive(Debug, Default)]
pub(crate) struct Skipper {
    /// What is still to come of a payload that nobody wants.
    left: usize,
}

impl Skipper {
    /// How many of these bytes are done with, which is all but the beginning of a head or of a close; and whether the close was
    /// among them.
    pub(crate) fn step(&mut self, bytes: &[u8]) -> Result<(usize, bool), Violation> {
        let mut rest = bytes;
        loop {
            let (_, behind) = rest.split_at(self.left.min(rest.len()));
            self.left -= rest.len() - behind.len();
            rest = behind;
            let Some(head) = Head::read(rest)? else { return Ok((bytes.len() - rest.len(), false)) };
            if head.opcode == CLOSE {
                return Ok((bytes.len() - rest.len(), true));
            }
            rest = rest.get(head.len..).unwrap_or_default();
            self.left = head.payload_len;
        }
    }
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The longest payload of a control frame.
const CONTROL_MAX: usize = 125;

impl Head {
    /// `None` while it is not complete.
    fn read(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let Some((&[first, second], rest)) = bytes.split_first_chunk() else { return Ok(None) };
        let (is_final, reserved, opcode) = (first & 0x80 != 0, first & 0x70, first & 0x0f);
        let (is_masked, short) = (second & 0x80 != 0, second & 0x7f);
        let is_control = opcode >= CLOSE;
        let is_known = matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG);
        if reserved != 0 || !is_known || !is_masked || (is_control && (!is_final || short > 125)) {
            return Err(Violation::Protocol);
        }
        let extended = match short {
            126 => {
                rest.split_first_chunk().map(|(len, rest)| (u64::from(u16::from_be_bytes(*len)), 126, rest))
            }
            127 => rest.split_first_chunk().map(|(len, rest)| (u64::from_be_bytes(*len), 1 << 16, rest)),
            short => Some((u64::from(short), 0, rest)),
        };
        let Some((payload_len, least, rest)) = extended else { return Ok(None) };
        // As few bytes as the length needs, and never the sign bit.
        if payload_len < least || payload_len >> 63 != 0 {
            return Err(Violation::Protocol);
        }
        let payload_len = usize::try_from(payload_len).map_err(|_| Violation::TooBig)?;
        debug_assert!(!is_control || payload_len <= CONTROL_MAX, "a control frame's length is short");
        let Some((&mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
        Ok(Some(Self { is_final, opcode, mask, len: bytes.len() - rest.len(), payload_len }))
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let (words, rest) = payload.as_chunks_mut::<4>();
    let word = u32::from_ne_bytes(mask);
    for chunk in words {
        *chunk = (u32::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

/// Nothing, or a code that may be sent and a reason in UTF-8 (RFC 6455, sections 5.5.1 and 7.4).
fn is_close(payload: &[u8]) -> bool {
    match payload.split_first_chunk() {
        None => payload.is_empty(),
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code);
            let is_sendable = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            is_sendable && std::str::from_utf8(reason).is_ok()
        }
    }
}
