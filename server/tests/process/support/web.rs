//! Browsers, as far as the server sees them: requests over HTTP, and a WebSocket that says exactly what the test says.

use super::frames::{Down, Up};
use super::{DEADLINE, Server};
use bytes::{Bytes, BytesMut};
use hubbub_codec::proto::{ClientFrame, ServerFrame};
use hubbub_codec::websocket::{
    CloseCode, End, HEADER_BYTES_MAX, Header, Incoming, Mask, Opcode, Reader, append_close, append_message, append_ping,
};
use prost::Message;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// The mask of everything that is said here.
pub(crate) const MASK: Option<Mask> = Some(Mask([0x37, 0xfa, 0x21, 0x3d]));

/// A socket to the listener for browsers.
#[track_caller]
pub(crate) fn connect_http(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.http).expect("the server accepts");
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// All that the server says to some bytes, until it closes.
#[track_caller]
pub(crate) fn all_said_to(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect_http(server);
    stream.write_all(bytes).unwrap();
    String::from_utf8(read_all(&mut stream)).expect("text")
}

/// What comes until the server closes.
pub(crate) fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => all,
    }
}

/// A request for a WebSocket, with some lines more or instead.
pub(crate) fn upgrade_request(server: &Server, subprotocol: &str, origin: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {subprotocol}\r\nOrigin: {origin}\r\n\r\n",
        server.http
    )
}

/// One frame, whatever it is.
pub(crate) fn ws_frame(is_final: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut header = [0; HEADER_BYTES_MAX];
    let bytes = Header { is_final, opcode, mask: MASK, length: payload.len() as u64 }.encode(&mut header);
    let mut payload = payload.to_vec();
    MASK.into_iter().for_each(|mask| mask.apply(&mut payload));
    [&header[..bytes], &payload].concat()
}

/// The payload of a request.
pub(crate) fn payload(request_id: u64, body: Up) -> Vec<u8> {
    ClientFrame { request_id, body: Some(body) }.encode_to_vec()
}

/// One WebSocket.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    input: BytesMut,
    reader: Reader,
    last_id: u64,
}

impl Socket {
    /// Connects, and becomes one.
    #[track_caller]
    pub(crate) fn connect(server: &Server) -> Socket {
        let mut stream = connect_http(server);
        let request = upgrade_request(server, "hubbub.v1", &format!("http://{}", server.http));
        stream.write_all(request.as_bytes()).unwrap();
        let mut input = BytesMut::new();
        let end = loop {
            if let Some(at) = input.windows(4).position(|end| end == b"\r\n\r\n") {
                break at + 4;
            }
            let mut part = [0; 1_024];
            let count = stream.read(&mut part).unwrap();
            assert!(count > 0, "closed: {input:?}");
            input.extend_from_slice(&part[..count]);
        };
        let head = input.split_to(end);
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
        Socket { stream, input, reader: Reader::new(End::Client), last_id: 0 }
    }

    /// Connects, says Hello and logs in.
    #[track_caller]
    pub(crate) fn login(server: &Server, user: u64, device: u64) -> Socket {
        let mut socket = Socket::connect(server);
        assert!(matches!(socket.ask(super::hello()), Down::Welcome(_)));
        let answer = socket.ask(super::login(server.token(user), device));
        assert!(matches!(&answer, Down::LoggedIn(logged_in) if logged_in.user_id == user), "{answer:?}");
        socket
    }

    #[track_caller]
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes bytes");
    }

    #[track_caller]
    pub(crate) fn ping(&mut self, bytes: &[u8]) {
        let mut out = BytesMut::new();
        append_ping(bytes, MASK, &mut out);
        self.write(&out);
    }

    #[track_caller]
    pub(crate) fn close(&mut self, number: u16) {
        let mut out = BytesMut::new();
        append_close(CloseCode::new(number).expect("a code"), "", MASK, &mut out);
        self.write(&out);
    }

    #[track_caller]
    pub(crate) fn say(&mut self, body: Up) -> u64 {
        self.last_id += 1;
        let mut out = BytesMut::new();
        append_message(&payload(self.last_id, body), MASK, &mut out);
        self.write(&out);
        self.last_id
    }

    /// Sends a request and waits for its answer; what comes before it is dropped.
    #[track_caller]
    pub(crate) fn ask(&mut self, body: Up) -> Down {
        let id = self.say(body);
        self.find(|frame| frame.request_id == id)
    }

    #[track_caller]
    pub(crate) fn find(&mut self, mut wanted: impl FnMut(&ServerFrame) -> bool) -> Down {
        loop {
            let frame = self.frame();
            if wanted(&frame) {
                return frame.body.expect("it has a body");
            }
        }
    }

    /// The next frame, which must be the next thing.
    #[track_caller]
    pub(crate) fn frame(&mut self) -> ServerFrame {
        match self.next() {
            Some(Incoming::Message(payload)) => ServerFrame::decode(payload).expect("the server sends server frames"),
            other => panic!("{other:?}"),
        }
    }

    /// The next thing; `None` when the server has closed the connection.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Incoming> {
        loop {
            if let Some(incoming) = self.reader.take(&mut self.input, 1 << 24).expect("the server keeps to the rules") {
                return Some(incoming);
            }
            let mut part = [0; 16_384];
            match self.stream.read(&mut part) {
                Ok(0) => return None,
                Ok(count) => self.input.extend_from_slice(&part[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    /// The code and reason of the close, which must be the next thing but frames, and nothing but the end after it.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> Option<(u16, Bytes)> {
        loop {
            match self.next().expect("a close comes before the end") {
                Incoming::Close(close) => {
                    assert_eq!(self.next(), None);
                    return close.map(|close| (close.code.number(), close.reason));
                }
                Incoming::Message(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// [`Socket::closed`] with a code.
    #[track_caller]
    pub(crate) fn closed_with(&mut self) -> u16 {
        self.closed().expect("a close with a code").0
    }
}
