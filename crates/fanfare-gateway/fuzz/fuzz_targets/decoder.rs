//! Whatever bytes come: nothing panics, no message is over the limit, and they read the same in one piece and byte by byte.
//!
//! CI runs the same as a property of the gateway's own tests (`socket/tests.rs`), with bytes that proptest makes up.

#![cfg_attr(fuzzing, no_main)]

#[path = "../../src/socket/decoder.rs"]
mod decoder;
#[path = "../../src/socket/decoding.rs"]
mod decoding;

use decoder::{Received, Skipper};
use decoding::{MAX, decode};

fn check(bytes: &[u8]) {
    let whole = decode([bytes]);
    assert_eq!(decode(bytes.chunks(1)), whole);
    for received in &whole.0 {
        match received {
            Received::Message(text) => assert!(text.len() <= MAX),
            Received::Ping(payload) => assert!(payload.len() <= 125),
            Received::Close => {}
        }
    }
    if let Ok((skipped, is_close)) = Skipper::default().step(bytes) {
        assert!(is_close || bytes.len() - skipped < 14, "more is kept than the beginning of a head");
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check(bytes));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    for path in std::env::args_os().skip(1) {
        check(&std::fs::read(path)?);
    }
    Ok(())
}
