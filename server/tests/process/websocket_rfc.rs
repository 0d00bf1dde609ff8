//! WebSocket case by case, after RFC 6455: what the sections 1 to 7 and 10 of the Autobahn test suite ask of a server, as far as
//! it applies to a protocol of binary messages.
//!
//! The suite itself (`autobahntestsuite` 25.10.1 from PyPI) can be installed with Python 3 and does not start with it: its code is
//! Python 2's, which Debian 12 has no more. It also wants an echo of every message, text among them. So its cases are written
//! out: where it expects an echo, a Hello is answered by a Welcome here, and a Ping of the
//! protocol by a Pong. Its cases of text messages (1.1, 6) become one: text is refused with 1003; UTF-8 counts in the reason of a close.

use crate::support::*;
use bytes::Bytes;
use hubbub_codec::proto::Ping;
use hubbub_codec::websocket::{Incoming, Opcode};

/// What must come back.
#[derive(Debug)]
enum Then {
    /// A Welcome, after pongs with these bytes.
    Welcome(&'static [&'static [u8]]),
    /// Nothing but pongs with these bytes, and then the answer to an orderly close.
    Pongs(Vec<Vec<u8>>),
    /// A close with this code, after pongs with these bytes.
    Close(u16, &'static [&'static [u8]]),
    /// A close that says nothing.
    CloseEmpty,
}

fn greeting() -> Vec<u8> {
    payload(1, hello())
}

fn whole(opcode: Opcode, bytes: &[u8]) -> Vec<u8> {
    ws_frame(true, opcode, bytes)
}

fn piece(opcode: Opcode, bytes: &[u8]) -> Vec<u8> {
    ws_frame(false, opcode, bytes)
}

fn ping(bytes: &[u8]) -> Vec<u8> {
    whole(Opcode::Ping, bytes)
}

/// A frame whose first byte is changed.
fn first_byte(byte: u8, bytes: &[u8]) -> Vec<u8> {
    let mut frame = whole(Opcode::Binary, bytes);
    frame[0] = byte;
    frame
}

fn close(number: u16, reason: &[u8]) -> Vec<u8> {
    whole(Opcode::Close, &[&number.to_be_bytes()[..], reason].concat())
}

/// Sends each case to a socket of its own, whole and cut into single bytes.
fn check(cases: Vec<(&str, Vec<Vec<u8>>, Then)>) {
    let server = Server::start();
    let mut healthy = Socket::login(&server, 9, 1);
    for (name, frames, then) in cases {
        let bytes = frames.concat();
        for cut in [bytes.len(), 1] {
            let mut socket = Socket::connect(&server);
            for part in bytes.chunks(cut.max(1)) {
                // It may be over before everything was said.
                if std::io::Write::write_all(&mut socket.stream, part).is_err() {
                    break;
                }
            }
            expect(name, &mut socket, &then);
        }
        assert!(matches!(healthy.ask(Up::Ping(Ping { nonce: 1 })), Down::Pong(_)), "{name}");
    }
}

#[track_caller]
fn expect_pongs<'a>(name: &str, socket: &mut Socket, pongs: impl IntoIterator<Item = &'a [u8]>) {
    for pong in pongs {
        assert_eq!(socket.next(), Some(Incoming::Pong(Bytes::copy_from_slice(pong))), "{name}");
    }
}

#[track_caller]
fn expect(name: &str, socket: &mut Socket, then: &Then) {
    match then {
        Then::Welcome(pongs) => {
            expect_pongs(name, socket, pongs.iter().copied());
            assert!(matches!(socket.frame().body, Some(Down::Welcome(_))), "{name}");
            socket.close(1000);
            assert_eq!(socket.closed_with(), 1000, "{name}");
        }
        Then::Pongs(pongs) => {
            expect_pongs(name, socket, pongs.iter().map(Vec::as_slice));
            socket.close(1000);
            assert_eq!(socket.closed_with(), 1000, "{name}");
        }
        Then::Close(code, pongs) => {
            expect_pongs(name, socket, pongs.iter().copied());
            assert_eq!(socket.closed_with(), *code, "{name}");
        }
        Then::CloseEmpty => assert_eq!(socket.closed(), None, "{name}"),
    }
}

#[test]
fn framing_of_every_length() {
    let server = Server::start();
    let mut socket = Socket::login(&server, 1, 1);
    // 1.2: lengths around each way to write one. Field 1000 is unknown, and fills the message up.
    for length in [16, 125, 126, 127, 128, 65_535, 65_536] {
        let mut message = payload(77, Up::Ping(Ping { nonce: 5 }));
        let filling = length - message.len();
        // A tag of two bytes and a length of one to three.
        let prefix = [2 + 1, 2 + 2, 2 + 3].into_iter().find(|prefix| filling - prefix < 1 << (7 * (prefix - 2)));
        let mut count = filling - prefix.expect("it fits");
        let prefix_bytes = filling - count - 2;
        message.extend([0xc2, 0x3e]);
        for at in 0..prefix_bytes {
            let more = if at + 1 < prefix_bytes { 0x80 } else { 0 };
            message.push((count & 0x7f) as u8 | more);
            count >>= 7;
        }
        message.resize(length, b'x');
        // 1.2.8 and 9.x: in pieces of the network, too.
        for cut in [length + 14, 997] {
            for part in whole(Opcode::Binary, &message).chunks(cut) {
                socket.write(part);
            }
            assert!(
                matches!(socket.find(|frame| frame.request_id == 77), Down::Pong(pong) if pong.nonce == 5),
                "{length}"
            );
        }
    }
    // One byte more than a message may have, and far more; only the header has come.
    socket.write(&whole(Opcode::Binary, &[0; 65_537])[..14]);
    assert_eq!(socket.closed_with(), 1009);
    let mut stranger = Socket::connect(&server);
    stranger.write(&[0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4]);
    assert_eq!(stranger.closed_with(), 1009);
}

#[test]
fn text_is_refused() {
    check(vec![
        ("1.1.1", vec![whole(Opcode::Text, b"")], Then::Close(1003, &[])),
        ("1.1.2", vec![whole(Opcode::Text, b"hello")], Then::Close(1003, &[])),
        ("6.1", vec![piece(Opcode::Text, b"he"), whole(Opcode::Continuation, b"llo")], Then::Close(1003, &[])),
    ]);
}

#[test]
fn pings_and_pongs() {
    let ten: Vec<Vec<u8>> = (0..10).map(|at| vec![at; 20]).collect();
    let pings = ten.iter().map(|bytes| ping(bytes)).collect();
    check(vec![
        ("2.1", vec![ping(b"")], Then::Pongs(vec![vec![]])),
        ("2.2", vec![ping(b"Hello")], Then::Pongs(vec![b"Hello".to_vec()])),
        ("2.3", vec![ping(b"\x00\xff\xfe\xfd")], Then::Pongs(vec![b"\x00\xff\xfe\xfd".to_vec()])),
        ("2.4", vec![ping(&[0xfe; 125])], Then::Pongs(vec![vec![0xfe; 125]])),
        ("2.5", vec![ping(&[0xfe; 126])], Then::Close(1002, &[])),
        ("2.7", vec![whole(Opcode::Pong, b"")], Then::Pongs(vec![])),
        ("2.8", vec![whole(Opcode::Pong, b"unasked")], Then::Pongs(vec![])),
        ("2.9", vec![whole(Opcode::Pong, b"unasked"), ping(b"p")], Then::Pongs(vec![b"p".to_vec()])),
        ("2.10", pings, Then::Pongs(ten)),
    ]);
}

#[test]
fn reserved_bits() {
    let hello = || whole(Opcode::Binary, &greeting());
    check(vec![
        ("3.1", vec![first_byte(0x92, b"x")], Then::Close(1002, &[])),
        ("3.2", vec![ping(b"p"), first_byte(0xA2, b"x"), ping(b"q")], Then::Close(1002, &[b"p"])),
        ("3.3", vec![ping(b"p"), first_byte(0xB2, &greeting())], Then::Close(1002, &[b"p"])),
        ("3.4", vec![first_byte(0xC2, b"x"), hello()], Then::Close(1002, &[])),
        ("3.5", vec![first_byte(0xD2, b"")], Then::Close(1002, &[])),
        ("3.6", vec![first_byte(0xE9, b"ping")], Then::Close(1002, &[])),
        ("3.7", vec![first_byte(0xF8, b"")], Then::Close(1002, &[])),
    ]);
}

#[test]
fn reserved_opcodes() {
    let mut cases = Vec::new();
    for opcode in (3..=7).chain(11..=15) {
        let reserved = first_byte(0x80 | opcode, b"x");
        cases.push(("4.1, 4.2", vec![reserved.clone()], Then::Close(1002, &[])));
        cases.push(("4.1, 4.2 behind a ping", vec![ping(b"p"), reserved], Then::Close(1002, &[b"p"])));
    }
    check(cases);
}

#[test]
fn messages_in_pieces() {
    use Opcode::{Binary, Continuation};
    let all = greeting();
    let (one, two) = all.split_at(all.len() / 2);
    let singly = || {
        let mut pieces: Vec<Vec<u8>> = all.iter().map(|byte| piece(Continuation, &[*byte])).collect();
        pieces[0] = piece(Binary, &all[..1]);
        pieces.push(whole(Continuation, b""));
        pieces
    };
    check(vec![
        ("5.1", vec![piece(Opcode::Ping, b"a"), whole(Continuation, b"b")], Then::Close(1002, &[])),
        ("5.2", vec![piece(Opcode::Pong, b"a"), whole(Continuation, b"b")], Then::Close(1002, &[])),
        ("5.3", vec![piece(Binary, one), whole(Continuation, two)], Then::Welcome(&[])),
        ("5.6", vec![piece(Binary, one), ping(b"p"), whole(Continuation, two)], Then::Welcome(&[b"p"])),
        ("5.9", vec![whole(Continuation, one), whole(Binary, two)], Then::Close(1002, &[])),
        ("5.12", vec![piece(Continuation, one), whole(Binary, two)], Then::Close(1002, &[])),
        ("5.15", vec![piece(Continuation, one), piece(Continuation, two)], Then::Close(1002, &[])),
        ("5.18", vec![piece(Binary, one), whole(Binary, two)], Then::Close(1002, &[])),
        (
            "5.19",
            vec![piece(Binary, one), ping(b"1"), piece(Continuation, b""), ping(b"2"), whole(Continuation, two)],
            Then::Welcome(&[b"1", b"2"]),
        ),
        ("10.1", singly(), Then::Welcome(&[])),
        (
            "a limit of all pieces together",
            vec![piece(Binary, &[0; 8_000]), piece(Continuation, &[0; 193])],
            Then::Close(1009, &[]),
        ),
    ]);
}

#[test]
fn closes() {
    let mut cases = vec![
        ("7.1.1", vec![whole(Opcode::Binary, &greeting())], Then::Welcome(&[])),
        ("7.1.2", vec![close(1000, b""), close(1000, b"")], Then::Close(1000, &[])),
        ("7.1.3", vec![close(1000, b""), ping(b"late")], Then::Close(1000, &[])),
        ("7.1.4", vec![close(1000, b""), whole(Opcode::Binary, &greeting())], Then::Close(1000, &[])),
        (
            "7.1.5",
            vec![piece(Opcode::Binary, b"a"), close(1000, b""), whole(Opcode::Continuation, b"b")],
            Then::Close(1000, &[]),
        ),
        ("7.3.1", vec![whole(Opcode::Close, b"")], Then::CloseEmpty),
        ("7.3.2", vec![whole(Opcode::Close, b"\x03")], Then::Close(1002, &[])),
        ("7.3.3", vec![close(1000, b"")], Then::Close(1000, &[])),
        ("7.3.4", vec![close(1000, b"Hello World!")], Then::Close(1000, &[])),
        ("7.3.5", vec![close(1000, &[b'*'; 123])], Then::Close(1000, &[])),
        ("7.3.6", vec![close(1000, &[b'*'; 124])], Then::Close(1002, &[])),
        ("7.5.1", vec![close(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80")], Then::Close(1007, &[])),
        ("a close in pieces", vec![piece(Opcode::Close, b"\x03\xe8")], Then::Close(1002, &[])),
    ];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        cases.push(("7.7", vec![close(code, b"")], Then::Close(code, &[])));
    }
    for code in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push(("7.9", vec![close(code, b"")], Then::Close(1002, &[])));
    }
    check(cases);
}

#[test]
fn clients_mask() {
    let mut bare = vec![0x82, 5];
    bare.extend(b"plain");
    check(vec![
        ("a message without a mask", vec![bare], Then::Close(1002, &[])),
        ("a ping without a mask", vec![vec![0x89, 0]], Then::Close(1002, &[])),
        ("a length in two bytes that needs one", vec![vec![0x82, 0xFE, 0, 5, 1, 2, 3, 4]], Then::Close(1002, &[])),
    ]);
}
