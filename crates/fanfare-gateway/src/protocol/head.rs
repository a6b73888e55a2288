//! The head of a WebSocket frame, as a server writes it: final, unmasked (RFC 6455, section 5.2).
//!
//! It stands with the protocol so that what goes to many connections is encoded once, head included.

/// The most bytes that a head takes.
pub(crate) const HEAD_MAX: usize = 10;

/// Kinds of frames that a server writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Text = 1,
    Close = 8,
    Pong = 10,
}

/// Appends the head of a frame whose payload has this many bytes.
pub(crate) fn head(out: &mut Vec<u8>, opcode: Opcode, len: usize) {
    out.push(0x80 | opcode as u8);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short), _) if short < 126 => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
}

/// Fills the head into the space of [`HEAD_MAX`] bytes that was left before a text; returns where the frame begins.
pub(crate) fn fill_head(frame: &mut [u8]) -> usize {
    let mut bytes = Vec::with_capacity(HEAD_MAX);
    head(&mut bytes, Opcode::Text, frame.len().saturating_sub(HEAD_MAX));
    let start = HEAD_MAX.saturating_sub(bytes.len());
    if let Some(space) = frame.get_mut(start..HEAD_MAX) {
        space.copy_from_slice(&bytes);
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_takes_as_few_bytes_as_it_needs() {
        for (len, expected) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 255, 255]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut written = Vec::new();
            head(&mut written, Opcode::Text, len);
            assert_eq!(written, expected);
            let mut frame = vec![0; HEAD_MAX + len];
            let start = fill_head(&mut frame);
            assert_eq!(frame[start..HEAD_MAX], expected);
        }
    }
}
