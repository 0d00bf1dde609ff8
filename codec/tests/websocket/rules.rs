//! What breaks the rules of messages is a fault with its code, before anything is kept for it.

use bytes::BytesMut;
use hubbub_codec::websocket::{CloseCode, End, Fault, Incoming, Reader};

/// What a client makes of frames of a server, where messages may have ten bytes.
fn read(bytes: &[u8]) -> Result<Option<Incoming>, Fault> {
    Reader::new(End::Client).take(&mut BytesMut::from(bytes), 10)
}

#[test]
fn what_breaks_the_rules_is_refused_with_its_code() {
    let cases: [(&[u8], Fault, CloseCode); 10] = [
        (b"\x81\x02hi", Fault::Text, CloseCode::UNSUPPORTED),
        (b"\x01\x00", Fault::Text, CloseCode::UNSUPPORTED),
        (b"\x80\x01a", Fault::NothingToContinue, CloseCode::PROTOCOL),
        (b"\x00\x01a", Fault::NothingToContinue, CloseCode::PROTOCOL),
        (b"\x02\x01a\x82\x01b", Fault::MessageInMessage, CloseCode::PROTOCOL),
        // Only the headers have come.
        (b"\x82\x0B", Fault::TooLong { length: 11, max: 10 }, CloseCode::TOO_LONG),
        (b"\x02\x06aaaaaa\x00\x05", Fault::TooLong { length: 11, max: 10 }, CloseCode::TOO_LONG),
        (b"\x88\x01\x03", Fault::CloseCode, CloseCode::PROTOCOL),
        (b"\x88\x02\x03\xED", Fault::CloseCode, CloseCode::PROTOCOL),
        (b"\x88\x03\x03\xE8\xFF", Fault::CloseReason, CloseCode::INVALID_PAYLOAD),
    ];
    for (bytes, fault, code) in cases {
        assert_eq!(read(bytes), Err(fault), "{bytes:x?}");
        assert_eq!(fault.code(), code, "{bytes:x?}");
    }
}

#[test]
fn a_limit_may_change_between_messages() {
    let mut reader = Reader::new(End::Client);
    let mut buffer = BytesMut::from(&b"\x82\x02ab\x82\x03abc"[..]);
    assert_eq!(reader.take(&mut buffer, 2), Ok(Some(Incoming::Message("ab".into()))));
    assert_eq!(reader.take(&mut buffer, 3), Ok(Some(Incoming::Message("abc".into()))));
}

#[test]
fn what_waits_for_its_rest_stays_in_the_buffer() {
    let mut reader = Reader::new(End::Client);
    let mut buffer = BytesMut::from(&b"\x82\x05abc"[..]);
    assert_eq!(reader.take(&mut buffer, 10), Ok(None));
    assert_eq!(&buffer[..], b"\x82\x05abc");
    buffer.extend_from_slice(b"de");
    assert_eq!(reader.take(&mut buffer, 10), Ok(Some(Incoming::Message("abcde".into()))));
}
