//! All that a decoder makes of bytes, for its tests and for the fuzz target, which takes this file in.

use super::decoder::{Decoder, Received, Step, Violation};

/// The longest message, in bytes.
pub(crate) const MAX: usize = 1_000;

/// What comes of chunks that arrive one after the other, as far as the first violation.
pub(crate) fn decode<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<Received>, Option<Violation>) {
    let (mut decoder, mut rest, mut all) = (Decoder::new(MAX), Vec::new(), Vec::new());
    for chunk in chunks {
        rest.extend_from_slice(chunk);
        loop {
            match decoder.step(&mut rest) {
                Ok(Step::Frame(len, received)) => {
                    rest.drain(..len);
                    all.extend(received);
                }
                Ok(Step::Incomplete) => break,
                Err(violation) => return (all, Some(violation)),
            }
        }
    }
    (all, None)
}
