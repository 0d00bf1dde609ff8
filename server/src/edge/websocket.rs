//! The server's end of one WebSocket: what came is frames, pings to be answered, or an end.

use super::web::Taken;
use crate::metrics::CloseReason;
use bytes::{Bytes, BytesMut};
use hubbub_codec::websocket::{
    CloseCode, End, Incoming, MessageHeader, Reader, append_close, append_empty_close, append_pong,
};

/// The longest payload whose header has two bytes.
const SHORT_BYTES_MAX: usize = 125;

/// The headers of short payloads, by length.
static SHORT_HEADERS: [[u8; 2]; SHORT_BYTES_MAX + 1] = {
    let mut headers = [[0x82, 0]; SHORT_BYTES_MAX + 1];
    let mut length = 0;
    while length <= SHORT_BYTES_MAX {
        headers[length][1] = length as u8;
        length += 1;
    }
    headers
};

/// See the module.
#[derive(Debug)]
pub struct Socket {
    reader: Reader,
    /// A close was said, and nothing may follow it.
    closed: bool,
}

impl Socket {
    /// Of a connection whose request was just answered.
    pub(super) fn new() -> Socket {
        Socket { reader: Reader::new(End::Server), closed: false }
    }

    /// Takes what came first, in place; messages have at most so many bytes.
    pub(super) fn take(&mut self, came: &mut BytesMut, message_bytes_max: usize) -> Taken {
        match self.reader.take(came, message_bytes_max) {
            Ok(None) => Taken::Nothing,
            Ok(Some(Incoming::Message(payload))) => Taken::Frame(payload),
            Ok(Some(Incoming::Ping(payload))) => {
                let mut pong = BytesMut::new();
                append_pong(&payload, None, &mut pong);
                Taken::Pong(pong.freeze())
            }
            // Nobody was asked: a sign of life, which was noted when it was read.
            Ok(Some(Incoming::Pong(_))) => Taken::Ignored,
            Ok(Some(Incoming::Close(close))) => Taken::Close(close.map(|close| close.code)),
            Err(fault) => Taken::Fault(fault),
        }
    }

    /// Whether the rest of a message in pieces is still to come.
    pub(super) fn is_within_message(&self) -> bool {
        self.reader.is_within_message()
    }

    /// The one close that is said, or nothing when it was said before. Without a code it is the answer to one without.
    pub(super) fn close(&mut self, code: Option<CloseCode>, reason: &str) -> Option<Bytes> {
        if std::mem::replace(&mut self.closed, true) {
            return None;
        }
        let mut close = BytesMut::new();
        match code {
            Some(code) => append_close(code, reason, None, &mut close),
            None => append_empty_close(None, &mut close),
        }
        Some(close.freeze())
    }

    /// Whether a close was said.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

/// What stands before a payload of so many bytes. The payload is shared by all who get it; so are short headers, and
/// longer ones are put into `arena`.
pub fn message_header(payload_bytes: usize, arena: &mut BytesMut) -> Bytes {
    if let Some(header) = SHORT_HEADERS.get(payload_bytes) {
        return Bytes::from_static(header);
    }
    arena.extend_from_slice(MessageHeader::new(payload_bytes).as_bytes());
    arena.split().freeze()
}

/// The code for the end of a connection whose last frame has said more.
pub(super) fn close_code(reason: CloseReason) -> CloseCode {
    match reason {
        CloseReason::ProtocolError | CloseReason::LoginRefused | CloseReason::Timeout => CloseCode::POLICY,
        CloseReason::Overloaded => CloseCode::TRY_AGAIN_LATER,
        CloseReason::Stopping => CloseCode::GOING_AWAY,
        _ => CloseCode::NORMAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_the_codec() {
        let mut arena = BytesMut::new();
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            let header = message_header(length, &mut arena);
            assert_eq!(&header[..], MessageHeader::new(length).as_bytes(), "{length}");
        }
    }

    #[test]
    fn a_close_is_said_once() {
        let mut socket = Socket::new();
        assert_eq!(socket.close(Some(CloseCode::NORMAL), "bye").unwrap(), &b"\x88\x05\x03\xE8bye"[..]);
        assert_eq!((socket.close(None, ""), socket.is_closed()), (None, true));
        assert_eq!(Socket::new().close(None, "").unwrap(), &b"\x88\x00"[..]);
    }
}
