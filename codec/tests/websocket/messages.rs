//! Whatever is sent arrives: in any pieces, with pings in between, cut anywhere on the way, in both directions.

use bytes::{Bytes, BytesMut};
use hubbub_codec::websocket::{
    CloseCode, CloseFrame, End, HEADER_BYTES_MAX, Header, Incoming, Mask, Opcode, Reader, append_close, append_message,
    append_ping,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn masks() -> impl Strategy<Value = Option<Mask>> {
    proptest::option::of(any::<[u8; 4]>().prop_map(Mask))
}

fn end(mask: Option<Mask>) -> End {
    if mask.is_some() { End::Server } else { End::Client }
}

fn payloads() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..200), vec(any::<u8>(), 65_500..65_600)]
}

fn append_piece(opcode: Opcode, is_final: bool, payload: &[u8], mask: Option<Mask>, out: &mut BytesMut) {
    let mut header = [0; HEADER_BYTES_MAX];
    let bytes = Header { is_final, opcode, mask, length: payload.len() as u64 }.encode(&mut header);
    out.extend_from_slice(&header[..bytes]);
    let begin = out.len();
    out.extend_from_slice(payload);
    mask.into_iter().for_each(|mask| mask.apply(&mut out[begin..]));
}

/// Reads what comes in parts of the given sizes, over and over.
fn read_in_parts(sent: &[u8], sizes: &[usize], end: End) -> Vec<Incoming> {
    let mut reader = Reader::new(end);
    let (mut buffer, mut rest, mut incoming) = (BytesMut::new(), sent, Vec::new());
    for size in sizes.iter().cycle() {
        let (part, behind) = rest.split_at(rest.len().min(*size));
        buffer.extend_from_slice(part);
        rest = behind;
        while let Some(one) = reader.take(&mut buffer, 70_000).unwrap() {
            incoming.push(one);
        }
        if rest.is_empty() {
            break;
        }
    }
    assert!(buffer.is_empty() && !reader.is_within_message());
    incoming
}

proptest! {
    #[test]
    fn messages_arrive_in_order(
        messages in vec(payloads(), 1..6),
        mask in masks(),
        sizes in vec(1_usize..3_000, 1..5),
    ) {
        let mut sent = BytesMut::new();
        messages.iter().for_each(|message| append_message(message, mask, &mut sent));
        let expected: Vec<Incoming> = messages.into_iter().map(|message| Incoming::Message(message.into())).collect();
        prop_assert_eq!(read_in_parts(&sent, &sizes, end(mask)), expected);
    }

    #[test]
    fn pieces_become_one_message_and_pings_pass_them(
        pieces in vec((vec(any::<u8>(), 0..300), any::<bool>()), 1..8),
        mask in masks(),
        sizes in vec(1_usize..100, 1..5),
    ) {
        let mut sent = BytesMut::new();
        let mut expected = Vec::new();
        for (at, (piece, ping)) in pieces.iter().enumerate() {
            let opcode = if at == 0 { Opcode::Binary } else { Opcode::Continuation };
            append_piece(opcode, at == pieces.len() - 1, piece, mask, &mut sent);
            if *ping && at < pieces.len() - 1 {
                append_ping(b"between", mask, &mut sent);
                expected.push(Incoming::Ping("between".into()));
            }
        }
        let whole: Vec<u8> = pieces.into_iter().flat_map(|(piece, _)| piece).collect();
        expected.push(Incoming::Message(whole.into()));
        prop_assert_eq!(read_in_parts(&sent, &sizes, end(mask)), expected);
    }

    #[test]
    fn a_close_arrives_and_ends_everything(reason in ".{0,140}", mask in masks(), behind in vec(any::<u8>(), 0..50)) {
        let mut sent = BytesMut::new();
        append_close(CloseCode::POLICY, &reason, mask, &mut sent);
        sent.extend_from_slice(&behind);
        let mut reader = Reader::new(end(mask));
        let Some(Incoming::Close(Some(close))) = reader.take(&mut sent, 10).unwrap() else { panic!("no close") };
        prop_assert_eq!(close.code, CloseCode::POLICY);
        prop_assert!(reason.as_bytes().starts_with(&close.reason));
        prop_assert!(close.reason.len() == reason.len() || close.reason.len() > 119);
        prop_assert_eq!(reader.take(&mut sent, 10), Ok(None));
        prop_assert!(sent.is_empty());
    }

    #[test]
    fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..400), server in any::<bool>(), max in 0_usize..300) {
        let mut reader = Reader::new(if server { End::Server } else { End::Client });
        let mut buffer = BytesMut::from(&bytes[..]);
        while let Ok(Some(incoming)) = reader.take(&mut buffer, max) {
            if let Incoming::Message(message) = incoming {
                prop_assert!(message.len() <= max);
            }
        }
    }
}

#[test]
fn a_close_may_say_nothing() {
    let mut reader = Reader::new(End::Client);
    let close = reader.take(&mut BytesMut::from(&[0x88, 0][..]), 10);
    assert_eq!(close, Ok(Some(Incoming::Close(None))));
    let with_reason = CloseFrame { code: CloseCode::NORMAL, reason: Bytes::new() };
    let close = Reader::new(End::Client).take(&mut BytesMut::from(&[0x88, 2, 3, 0xE8][..]), 10);
    assert_eq!(close, Ok(Some(Incoming::Close(Some(with_reason)))));
}
