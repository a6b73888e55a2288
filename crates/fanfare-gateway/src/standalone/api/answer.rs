//! Answers as JSON text.

use crate::protocol::{ErrorReply, object};
use crate::standalone::channels::Position;

/// `{}`
pub(super) fn empty() -> Vec<u8> {
    b"{}".to_vec()
}

pub(super) fn error(error: &ErrorReply) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |object| {
        object.number_always("code", error.code.into());
        object.text_always("message", &error.message);
    });
    out
}

/// Where a publication stands; nothing of one that no journal keeps.
pub(super) fn position(position: Option<&Position>) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |object| {
        if let Some(position) = position {
            object.number("offset", position.offset);
            object.text("epoch", &position.epoch);
        }
    });
    out
}

/// An object with one member, whose value is JSON already.
pub(super) fn member(name: &str, value: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + value.len() + 5);
    object(&mut out, |object| object.raw(name, &value));
    out
}

/// An object with one member, a list.
pub(super) fn list(name: &str, values: Vec<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |object| object.list(name, values.iter().map(Vec::as_slice)));
    out
}
