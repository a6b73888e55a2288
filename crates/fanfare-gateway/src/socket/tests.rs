//! The decoder beside another implementation, and beside nonsense.

use super::decoder::{Received, Skipper, Violation};
use super::decoding::{MAX, decode};
use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

fn frame(opcode: OpCode, is_final: bool, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = Frame::message(payload.to_vec(), OpCode::Data(Data::Text), is_final);
    frame.header_mut().opcode = opcode;
    frame.header_mut().mask = Some(mask);
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

fn text(text: &str) -> Vec<u8> {
    frame(OpCode::Data(Data::Text), true, text.as_bytes(), [7, 0, 255, 3])
}

proptest! {
    // PROPTEST_CASES in the environment makes it look longer.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_never_panics_and_reads_the_same_in_whatever_pieces_it_comes(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            // Mostly good heads, so that more than the first byte is looked at.
            prop::collection::vec(
                (0usize..16, any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 0..140)), 1..6
            ).prop_map(|frames| frames.into_iter().flat_map(|(kind, mask, payload)| {
                const FIRST: [u8; 16] = [
                    0x81, 0x82, 0x01, 0x02, 0x80, 0x00, 0x89, 0x8a, 0x88, 0x81, 0x81, 0x01, 0x80, 0x09, 0xc1, 0x83,
                ];
                let len = u8::try_from(payload.len().min(127)).unwrap();
                let mut bytes = vec![FIRST[kind], 0x80 | len];
                bytes.extend(mask);
                bytes.extend(payload);
                bytes
            }).collect()),
        ],
        cuts in prop::collection::vec(1usize..40, 1..40),
    ) {
        let whole = decode([bytes.as_slice()]);
        let (mut pieces, mut left) = (Vec::new(), bytes.as_slice());
        for cut in cuts.into_iter().cycle().take(bytes.len()) {
            let (piece, rest) = left.split_at(cut.min(left.len()));
            pieces.push(piece);
            left = rest;
        }
        prop_assert_eq!(decode(pieces), whole);
    }

    #[test]
    fn what_another_implementation_writes_is_read(
        pieces in prop::collection::vec(("\\PC{0,300}", any::<[u8; 4]>()), 1..4),
        ping in prop::collection::vec(any::<u8>(), 0..125),
    ) {
        let (mut bytes, last) = (Vec::new(), pieces.len() - 1);
        for (index, (piece, mask)) in pieces.iter().enumerate() {
            let kind = if index == 0 { Data::Text } else { Data::Continue };
            bytes.extend(frame(OpCode::Data(kind), index == last, piece.as_bytes(), *mask));
            // Control frames may stand between fragments.
            bytes.extend(frame(OpCode::Control(Control::Ping), true, &ping, *mask));
        }
        let whole: String = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
        let (received, violation) = decode([bytes.as_slice()]);
        if whole.len() > MAX {
            prop_assert_eq!(violation, Some(Violation::TooBig));
        } else {
            prop_assert_eq!(violation, None);
            let mut expected = vec![Received::Ping(ping.clone()); pieces.len() + 1];
            expected[last] = Received::Message(whole);
            prop_assert_eq!(received, expected);
        }
    }
}

#[test]
fn what_no_client_may_send_is_a_violation() {
    let mut unmasked = text("hi");
    unmasked[1] &= 0x7f;
    let mut reserved = text("hi");
    reserved[0] |= 0x40;
    let mut unknown = text("hi");
    unknown[0] = 0x83;
    let continued = frame(OpCode::Data(Data::Continue), true, b"x", [0; 4]);
    let begun = frame(OpCode::Data(Data::Text), false, b"x", [0; 4]);
    let long_ping = frame(OpCode::Control(Control::Ping), true, &[0; 126], [0; 4]);
    let split_ping = frame(OpCode::Control(Control::Ping), false, b"", [0; 4]);
    let short_close = frame(OpCode::Control(Control::Close), true, &[3], [0; 4]);
    let bad_close = frame(OpCode::Control(Control::Close), true, &1005u16.to_be_bytes(), [0; 4]);
    let wasteful = [0x81, 0xfe, 0, 5, 0, 0, 0, 0];
    let signed = [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0];
    for bad in [
        &unmasked,
        &reserved,
        &unknown,
        &continued,
        &[begun.clone(), text("y")].concat(),
        &long_ping,
        &split_ping,
        &short_close,
        &bad_close,
        &wasteful.to_vec(),
        &signed.to_vec(),
    ] {
        assert_eq!(decode([bad.as_slice()]), (vec![], Some(Violation::Protocol)), "{bad:?}");
    }
    let not_text = frame(OpCode::Data(Data::Text), true, b"\xff", [0; 4]);
    assert_eq!(decode([not_text.as_slice()]).1, Some(Violation::NotText));
}

#[test]
fn what_is_too_big_is_refused_by_its_head_before_any_of_it_is_kept() {
    let head = [0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    assert_eq!(decode([head.as_slice()]).1, Some(Violation::TooBig));
    let piece = |kind| frame(OpCode::Data(kind), false, &[b'x'; 400], [0; 4]);
    let pieces = [piece(Data::Text), piece(Data::Continue), piece(Data::Continue)].concat();
    assert_eq!(decode([pieces.as_slice()]).1, Some(Violation::TooBig));
}

#[test]
fn behind_a_close_nothing_is_kept_however_much_a_frame_claims_and_the_peers_close_is_found() {
    let terabyte = [0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    let (mut skipper, payload) = (Skipper::default(), vec![0x88; 64 * 1024]);
    assert_eq!(skipper.step(&terabyte), Ok((terabyte.len(), false)));
    for _ in 0..1_000 {
        assert_eq!(skipper.step(&payload), Ok((payload.len(), false)));
    }
    let close = frame(OpCode::Control(Control::Close), true, b"", [0; 4]);
    let all = [text(&"x".repeat(10_000)), text("hi"), close].concat();
    for size in [1, 3, 1_000, all.len()] {
        let (mut skipper, mut rest, mut has_closed) = (Skipper::default(), Vec::new(), false);
        for piece in all.chunks(size) {
            rest.extend_from_slice(piece);
            let (skipped, is_close) = skipper.step(&rest).unwrap();
            rest.drain(..skipped);
            has_closed |= is_close;
            assert!(is_close || rest.len() < 14, "{} bytes are kept", rest.len());
        }
        assert!(has_closed, "in pieces of {size}");
    }
}
