//! WebSocket without IO: the request that opens it, then a message for each frame.

use std::hash::{BuildHasher, RandomState};

use bytes::{Buf, BufMut, BytesMut};

use super::error::LineError;
use crate::endpoint::Endpoint;
use crate::frame::PREFIX_BYTES;
use crate::websocket::{
    CloseCode, End, Incoming, Mask, Reader, SUBPROTOCOL, append_close, append_message, append_pong, handshake,
};

/// Most bytes of the answer's head, and headers in it.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// Most bytes of a refusal's text.
const TEXT_BYTES_MAX: usize = 300;

/// A server that pings is answered while no more than this waits to be written.
const UNWRITTEN_BYTES_MAX: usize = 16 * 1024;

/// The client's end of a WebSocket.
pub(super) struct Web {
    state: State,
    masks: Masks,
    frame_bytes_max: usize,
}

enum State {
    /// The request is on the wire.
    Asked {
        /// What the server must answer.
        accept: String,
    },
    Open(Reader),
    /// The server has closed it.
    Closed {
        code: u16,
        reason: String,
    },
}

/// Unpredictable and another one for each message, so that nobody between can be made to read something else into it.
struct Masks {
    random: RandomState,
    count: u64,
}

impl Masks {
    fn next(&mut self) -> Mask {
        self.count += 1;
        let [a, b, c, d, ..] = self.random.hash_one(self.count).to_le_bytes();
        Mask([a, b, c, d])
    }

    fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        nonce.chunks_mut(4).for_each(|part| part.copy_from_slice(&self.next().0));
        nonce
    }
}

impl Web {
    /// Asks for a WebSocket; the request goes to `out`.
    pub(super) fn new(endpoint: &Endpoint, frame_bytes_max: usize, out: &mut BytesMut) -> Self {
        let mut masks = Masks { random: RandomState::new(), count: 0 };
        let key = handshake::key(masks.nonce());
        let (path, authority, version) = (endpoint.path(), endpoint.authority(), handshake::VERSION);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: {version}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        );
        out.extend_from_slice(request.as_bytes());
        Self { state: State::Asked { accept: handshake::accept(&key) }, masks, frame_bytes_max }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Takes whole messages off `input`: to `frames` with their lengths before them; what is to be answered goes to `out`.
    pub(super) fn read(
        &mut self,
        host: &str,
        input: &mut BytesMut,
        frames: &mut BytesMut,
        out: &mut BytesMut,
    ) -> Result<(), LineError> {
        if let State::Asked { accept } = &self.state {
            if !is_opened(host, accept, input)? {
                return Ok(());
            }
            self.state = State::Open(Reader::new(End::Client));
        }
        while let State::Open(reader) = &mut self.state
            && let Some(incoming) = reader.take(input, self.frame_bytes_max)?
        {
            match incoming {
                Incoming::Message(payload) => {
                    frames.reserve(PREFIX_BYTES + payload.len());
                    // A payload is no longer than `frame_bytes_max`.
                    frames.put_u32(payload.len() as u32);
                    frames.extend_from_slice(&payload);
                }
                Incoming::Ping(payload) if out.len() <= UNWRITTEN_BYTES_MAX => {
                    append_pong(&payload, Some(self.masks.next()), out);
                }
                Incoming::Ping(_) | Incoming::Pong(_) => {}
                Incoming::Close(close) => {
                    let (code, reason) = close.map_or((1005, String::new()), |close| {
                        (close.code.number(), String::from_utf8_lossy(&close.reason).into_owned())
                    });
                    append_close(CloseCode::NORMAL, "", Some(self.masks.next()), out);
                    self.state = State::Closed { code, reason };
                }
            }
        }
        if self.is_closed() {
            input.clear();
        }
        Ok(())
    }

    /// Appends a message for each whole frame in `frames` (lengths and payloads).
    pub(super) fn write(&mut self, mut frames: &[u8], out: &mut BytesMut) {
        while let Some((length, rest)) = frames.split_first_chunk::<PREFIX_BYTES>() {
            let (payload, rest) = rest.split_at(rest.len().min(u32::from_be_bytes(*length) as usize));
            append_message(payload, Some(self.masks.next()), out);
            frames = rest;
        }
    }

    /// The client's goodbye.
    pub(super) fn close(&mut self, out: &mut BytesMut) {
        if self.is_open() {
            append_close(CloseCode::NORMAL, "", Some(self.masks.next()), out);
        }
    }

    /// Why it is over, when the connection has ended; `input` is what was left.
    pub(super) fn why_over(&self, host: &str, input: &[u8]) -> LineError {
        match &self.state {
            State::Closed { code, reason } => LineError::Closed { code: *code, reason: reason.clone() },
            State::Open(_) => LineError::Over,
            State::Asked { .. } => refusal(input, true)
                .unwrap_or_else(|| LineError::Ended { host: host.to_owned(), of: "the request for a WebSocket" }),
        }
    }
}

/// Whether the answer has come, and takes it; an error when it is not what was asked for.
fn is_opened(host: &str, accept: &str, input: &mut BytesMut) -> Result<bool, LineError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let no_http = || match is_alert(input) {
        true => LineError::OnlyTls(host.to_owned()),
        false => LineError::NoHttp(host.to_owned()),
    };
    let head_bytes = match answer.parse(input) {
        Ok(httparse::Status::Complete(bytes)) => bytes,
        Ok(httparse::Status::Partial) if input.len() < HEAD_BYTES_MAX => return Ok(false),
        Ok(httparse::Status::Partial) | Err(_) => return Err(no_http()),
    };
    if answer.code != Some(101) {
        return refusal(input, false).map_or(Ok(false), Err);
    }
    let has = |name, value| header(&answer, name).is_some_and(|found: &str| found.eq_ignore_ascii_case(value));
    if !has("upgrade", "websocket") || header(&answer, "sec-websocket-accept") != Some(accept) {
        return Err(LineError::OtherWebSocket("its answer is not to this request"));
    }
    if !has("sec-websocket-protocol", SUBPROTOCOL) {
        return Err(LineError::OtherWebSocket("it does not speak hubbub.v1"));
    }
    input.advance(head_bytes);
    Ok(true)
}

fn header<'a>(answer: &httparse::Response<'_, 'a>, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(found.value).ok().map(str::trim)
}

/// A record of TLS that says that something went wrong: what a TLS server answers to plaintext.
pub(super) fn is_alert(input: &[u8]) -> bool {
    matches!(input, [0x15, 0x03, 0x00..=0x04, ..])
}

/// The refusal in an HTTP answer, once its text is there, as far as it is shown.
fn refusal(input: &[u8], is_all: bool) -> Option<LineError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head_bytes)) = answer.parse(input) else { return None };
    let length = header(&answer, "content-length").and_then(|length| length.parse().ok()).unwrap_or(TEXT_BYTES_MAX);
    let text = &input[head_bytes..];
    let text = &text[..text.len().min(length).min(TEXT_BYTES_MAX)];
    if !is_all && text.len() < length.min(TEXT_BYTES_MAX) {
        return None;
    }
    let mut text: String = String::from_utf8_lossy(text).chars().filter(|letter| !letter.is_control()).collect();
    if text.trim().is_empty() {
        text = answer.reason.unwrap_or_default().to_owned();
    }
    Some(LineError::Refused { status: answer.code.unwrap_or_default(), text })
}
