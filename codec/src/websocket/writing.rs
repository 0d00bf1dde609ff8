//! What leaves: messages and the three kinds of control frames.
//!
//! A server passes no mask; a client passes one that it has drawn for this frame alone.

use bytes::{BufMut, BytesMut};

use super::close::{CloseCode, REASON_BYTES_MAX};
use super::header::{CONTROL_BYTES_MAX, HEADER_BYTES_MAX, Header, Opcode};
use super::mask::Mask;

/// The header of a whole binary message that is not masked: what a server puts before a payload that it shares.
#[derive(Debug, Clone, Copy)]
pub struct MessageHeader {
    bytes: [u8; HEADER_BYTES_MAX],
    length: u8,
}

impl MessageHeader {
    /// For a payload of so many bytes.
    #[must_use]
    pub fn new(payload_bytes: usize) -> MessageHeader {
        let header = Header { is_final: true, opcode: Opcode::Binary, mask: None, length: payload_bytes as u64 };
        let mut bytes = [0; HEADER_BYTES_MAX];
        let length = header.encode(&mut bytes) as u8;
        MessageHeader { bytes, length }
    }

    /// Its 2, 4 or 10 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Appends a whole binary message.
pub fn append_message(payload: &[u8], mask: Option<Mask>, out: &mut BytesMut) {
    append(Opcode::Binary, payload, mask, out);
}

/// Appends a ping; of its payload at most 125 bytes.
pub fn append_ping(payload: &[u8], mask: Option<Mask>, out: &mut BytesMut) {
    append(Opcode::Ping, &payload[..payload.len().min(CONTROL_BYTES_MAX)], mask, out);
}

/// Appends the answer to a ping, with its payload.
pub fn append_pong(payload: &[u8], mask: Option<Mask>, out: &mut BytesMut) {
    append(Opcode::Pong, &payload[..payload.len().min(CONTROL_BYTES_MAX)], mask, out);
}

/// Appends a close; the reason is cut to what it may have.
pub fn append_close(code: CloseCode, reason: &str, mask: Option<Mask>, out: &mut BytesMut) {
    let reason = &reason.as_bytes()[..reason.floor_char_boundary(REASON_BYTES_MAX)];
    let mut payload = [0; CONTROL_BYTES_MAX];
    payload[..2].copy_from_slice(&code.number().to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason);
    append(Opcode::Close, &payload[..2 + reason.len()], mask, out);
}

/// Appends a close that says nothing: the answer to one that says nothing.
pub fn append_empty_close(mask: Option<Mask>, out: &mut BytesMut) {
    append(Opcode::Close, &[], mask, out);
}

fn append(opcode: Opcode, payload: &[u8], mask: Option<Mask>, out: &mut BytesMut) {
    let header = Header { is_final: true, opcode, mask, length: payload.len() as u64 };
    let mut bytes = [0; HEADER_BYTES_MAX];
    let header_bytes = header.encode(&mut bytes);
    out.reserve(header_bytes + payload.len());
    out.put_slice(&bytes[..header_bytes]);
    let begin = out.len();
    out.put_slice(payload);
    if let Some(mask) = mask {
        mask.apply(&mut out[begin..]);
    }
}
