//! A connection that begins with HTTP and may become a WebSocket: from what came to payloads of frames, and back.
//!
//! Works as the decoder of frames does: it takes off what came what is whole, and keeps nothing of the rest. The
//! one exception is a message that comes in pieces.

use super::http::{Answer, Http, Site};
use super::websocket::{self, Socket};
use crate::metrics::{CloseReason, HttpStatus};
use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::PREFIX_BYTES;
use hubbub_codec::websocket::{CloseCode, Fault, MessageHeader};
use std::time::SystemTime;

/// How far the connection is.
#[derive(Debug)]
pub enum Web {
    /// It asks for pages, and may ask for a WebSocket.
    Http(Http),
    /// It is a WebSocket.
    Socket(Socket),
}

/// What was taken off.
#[derive(Debug)]
pub enum Taken {
    /// Nothing: what there is, is not whole.
    Nothing,
    /// Something that asks for nothing.
    Ignored,
    /// The payload of a frame.
    Frame(Bytes),
    /// A request that is answered so.
    Answer(Answer),
    /// A ping that is answered so, unless too much waits already.
    Pong(Bytes),
    /// The client closes, with a code if it gave one. It is owed a [`Web::close`].
    Close(Option<CloseCode>),
    /// The client broke the rules of WebSocket. It is owed a [`Web::close`].
    Fault(Fault),
}

impl Web {
    /// Of a connection that has said nothing; whether it came over TLS.
    pub fn new(is_secure: bool) -> Web {
        Web::Http(Http::new(is_secure))
    }

    /// Takes what came first. A message of a WebSocket has at most `message_bytes_max` bytes. Only answers over HTTP tell the
    /// time.
    pub fn take(
        &mut self,
        came: &mut BytesMut,
        site: &Site,
        message_bytes_max: usize,
        clock: fn() -> SystemTime,
    ) -> Taken {
        match self {
            Web::Http(http) => {
                let Some(answer) = http.take(came, site, clock()) else { return Taken::Nothing };
                if answer.status == HttpStatus::SwitchingProtocols {
                    *self = Web::Socket(Socket::new());
                }
                Taken::Answer(answer)
            }
            Web::Socket(socket) => socket.take(came, message_bytes_max),
        }
    }

    /// Whether something has begun whose rest is still to come, although everything that came was taken.
    pub fn is_within_message(&self) -> bool {
        matches!(self, Web::Socket(socket) if socket.is_within_message())
    }

    /// Whether frames can be sent now.
    pub fn is_open(&self) -> bool {
        matches!(self, Web::Socket(socket) if !socket.is_closed())
    }

    /// What is said last to a WebSocket, once.
    pub fn close(&mut self, code: Option<CloseCode>, reason: &str) -> Option<Bytes> {
        match self {
            Web::Http(_) => None,
            Web::Socket(socket) => socket.close(code, reason),
        }
    }

    /// A frame and a close as the last that a WebSocket is told; before and after one, nothing.
    pub fn last_message(&mut self, frame: &[u8], reason: CloseReason) -> Vec<u8> {
        let mut said = Vec::new();
        if self.is_open() {
            said.extend_from_slice(MessageHeader::new(frame.len() - PREFIX_BYTES).as_bytes());
            said.extend_from_slice(&frame[PREFIX_BYTES..]);
            said.extend(self.close(Some(Web::close_code(reason)), "").into_iter().flatten());
        }
        said
    }

    /// The code with which a WebSocket is closed that ends for a reason of ours.
    pub fn close_code(reason: CloseReason) -> CloseCode {
        websocket::close_code(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_codec::websocket::{Mask, append_message, append_ping};

    const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: here\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: hubbub.v1\r\n\r\n";

    fn take(web: &mut Web, came: &mut BytesMut) -> Taken {
        web.take(came, &Site::default(), 20, || SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_request_becomes_a_websocket_that_carries_frames() {
        let mut web = Web::new(false);
        let mut came = BytesMut::from(UPGRADE);
        // Not what a client may do, but nothing is lost by it.
        append_message(b"hello", Some(Mask(*b"abcd")), &mut came);
        append_ping(b"p", Some(Mask(*b"abcd")), &mut came);
        assert!(!web.is_open());
        let Taken::Answer(answer) = take(&mut web, &mut came) else { panic!("no answer") };
        let (head, body) = answer.into_bytes();
        let head = std::str::from_utf8(&head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n") && body.is_empty());
        assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        assert!(head.contains("\r\nSec-WebSocket-Protocol: hubbub.v1\r\n") && head.ends_with("\r\n\r\n"));
        assert!(web.is_open());
        assert!(matches!(take(&mut web, &mut came), Taken::Frame(payload) if payload == "hello"));
        assert!(matches!(take(&mut web, &mut came), Taken::Pong(pong) if pong[..] == *b"\x8A\x01p"));
        assert!(matches!(take(&mut web, &mut came), Taken::Nothing));
        assert!(web.close(Some(CloseCode::NORMAL), "").is_some());
        assert!(!web.is_open());
    }

    #[test]
    fn a_connection_is_small() {
        assert!(size_of::<Web>() <= 48, "{}", size_of::<Web>());
    }
}
