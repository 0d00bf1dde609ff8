//! The examples of RFC 6455, section 5.7, as far as they are binary.

use bytes::BytesMut;
use hubbub_codec::websocket::{End, Incoming, Mask, MessageHeader, Reader, append_ping, append_pong};

const KEY: Mask = Mask([0x37, 0xfa, 0x21, 0x3d]);

fn read(end: End, bytes: &[u8]) -> Incoming {
    Reader::new(end).take(&mut BytesMut::from(bytes), 1 << 20).unwrap().unwrap()
}

#[test]
fn a_ping_and_its_masked_answer() {
    let mut ping = BytesMut::new();
    append_ping(b"Hello", None, &mut ping);
    assert_eq!(&ping[..], b"\x89\x05Hello");
    assert_eq!(read(End::Client, &ping), Incoming::Ping("Hello".into()));
    let mut pong = BytesMut::new();
    append_pong(b"Hello", Some(KEY), &mut pong);
    assert_eq!(&pong[..], [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    assert_eq!(read(End::Server, &pong), Incoming::Pong("Hello".into()));
}

#[test]
fn binary_messages_of_256_bytes_and_of_64_kib() {
    for (length, header) in [(256, &b"\x82\x7E\x01\x00"[..]), (65_536, b"\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00")] {
        assert_eq!(MessageHeader::new(length).as_bytes(), header);
        let message = [header, &vec![7; length][..]].concat();
        assert_eq!(read(End::Client, &message), Incoming::Message(vec![7; length].into()));
    }
}

#[test]
fn a_message_in_two_pieces() {
    let mut reader = Reader::new(End::Client);
    let mut buffer = BytesMut::from(&b"\x02\x03Hel\x80\x02lo"[..]);
    assert_eq!(reader.take(&mut buffer, 5).unwrap(), Some(Incoming::Message("Hello".into())));
}
