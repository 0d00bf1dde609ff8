//! The header of a frame: 2 to 14 bytes before its payload.

use super::fault::Fault;
use super::mask::Mask;

/// Most bytes of a header: two, a length of eight, a mask.
pub const HEADER_BYTES_MAX: usize = 14;

/// Most bytes of the payload of a close, ping or pong.
pub const CONTROL_BYTES_MAX: usize = 125;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// The length is in the next two bytes.
const LENGTH_16: u8 = 126;
/// The length is in the next eight bytes.
const LENGTH_64: u8 = 127;

/// Which end of a connection we are. Clients mask what they send, servers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The one that connected.
    Client,
    /// The one that was connected to.
    Server,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// Continues a message.
    Continuation,
    /// Begins a message of text.
    Text,
    /// Begins a binary message.
    Binary,
    /// Ends the connection.
    Close,
    /// Asks for a [`Opcode::Pong`].
    Ping,
    /// Answers a [`Opcode::Ping`].
    Pong,
}

impl Opcode {
    fn of(bits: u8) -> Result<Opcode, Fault> {
        Ok(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            reserved => return Err(Fault::ReservedOpcode(reserved)),
        })
    }

    fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xA,
        }
    }

    /// Whether it is a close, ping or pong: short, whole, and allowed between the pieces of a message.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Nothing of the message follows this frame.
    pub is_final: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// What the payload is masked with; clients' only.
    pub mask: Option<Mask>,
    /// Bytes of the payload, below 2^63.
    pub length: u64,
}

/// The header that `bytes` begin with, and how many bytes it has; `None` until it is complete.
///
/// # Errors
/// A [`Fault`] of the header, as soon as the bytes that show it are there; `end` is ours, so it tells who must have masked.
#[inline]
pub fn decode_header(bytes: &[u8], end: End) -> Result<Option<(Header, usize)>, Fault> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    if first & RESERVED != 0 {
        return Err(Fault::ReservedBit);
    }
    let is_final = first & FINAL != 0;
    let opcode = Opcode::of(first & 0x0F)?;
    if opcode.is_control() && !is_final {
        return Err(Fault::ControlInPieces);
    }
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    let is_masked = second & MASKED != 0;
    match end {
        End::Server if !is_masked => return Err(Fault::NotMasked),
        End::Client if is_masked => return Err(Fault::Masked),
        End::Server | End::Client => {}
    }
    let short = second & !MASKED;
    if opcode.is_control() && short > CONTROL_BYTES_MAX as u8 {
        return Err(Fault::ControlTooLong);
    }
    let Some((length, at)) = decode_length(short, &bytes[2..])? else { return Ok(None) };
    if !is_masked {
        return Ok(Some((Header { is_final, opcode, mask: None, length }, at)));
    }
    let mask = bytes[at..].first_chunk().map(|key| Mask(*key));
    Ok(mask.map(|mask| (Header { is_final, opcode, mask: Some(mask), length }, at + 4)))
}

/// The length, and where it ends in the frame.
#[inline]
fn decode_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Fault> {
    let (length, least, end) = match short {
        LENGTH_16 => match rest.first_chunk() {
            Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), u64::from(LENGTH_16), 4),
            None => return Ok(None),
        },
        LENGTH_64 => match rest.first_chunk() {
            Some(bytes) => (u64::from_be_bytes(*bytes), 1 << 16, 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, 2),
    };
    if length < least || length >> 63 != 0 {
        return Err(Fault::Length);
    }
    Ok(Some((length, end)))
}

impl Header {
    /// Writes the header to the beginning of `out`; how many bytes it has.
    ///
    /// # Panics
    /// When the length is 2^63 or more.
    pub fn encode(&self, out: &mut [u8; HEADER_BYTES_MAX]) -> usize {
        assert!(self.length >> 63 == 0, "no payload is that long");
        out[0] = if self.is_final { FINAL } else { 0 } | self.opcode.bits();
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        let at = match self.length {
            short @ 0..=125 => {
                out[1] = masked | short as u8;
                2
            }
            medium @ 126..=0xFFFF => {
                out[1] = masked | LENGTH_16;
                out[2..4].copy_from_slice(&(medium as u16).to_be_bytes());
                4
            }
            long => {
                out[1] = masked | LENGTH_64;
                out[2..10].copy_from_slice(&long.to_be_bytes());
                10
            }
        };
        let Some(Mask(key)) = self.mask else { return at };
        out[at..at + 4].copy_from_slice(&key);
        at + 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Mask = Mask([0x37, 0xfa, 0x21, 0x3d]);

    fn header(length: u64, mask: Option<Mask>) -> Header {
        Header { is_final: true, opcode: Opcode::Binary, mask, length }
    }

    #[test]
    fn lengths_take_the_least_room_and_no_more() {
        for (length, bytes) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10), ((1 << 63) - 1, 10)] {
            for (end, mask, mask_bytes) in [(End::Client, None, 0), (End::Server, Some(KEY), 4)] {
                let mut out = [0; HEADER_BYTES_MAX];
                let written = header(length, mask).encode(&mut out);
                assert_eq!(written, bytes + mask_bytes, "{length}");
                assert_eq!(decode_header(&out[..written], end), Ok(Some((header(length, mask), written))), "{length}");
                for part in 0..written {
                    assert_eq!(decode_header(&out[..part], end), Ok(None), "{length}, {part} bytes of it");
                }
            }
        }
    }

    #[test]
    fn what_is_wrong_shows_with_the_byte_that_is_wrong() {
        for (bytes, end, fault) in [
            (&[0xC2][..], End::Server, Fault::ReservedBit),
            (&[0xA2], End::Server, Fault::ReservedBit),
            (&[0x92], End::Client, Fault::ReservedBit),
            (&[0x83], End::Server, Fault::ReservedOpcode(3)),
            (&[0x87], End::Server, Fault::ReservedOpcode(7)),
            (&[0x8B], End::Client, Fault::ReservedOpcode(11)),
            (&[0x8F], End::Server, Fault::ReservedOpcode(15)),
            (&[0x09], End::Server, Fault::ControlInPieces),
            (&[0x08], End::Server, Fault::ControlInPieces),
            (&[0x82, 0x05], End::Server, Fault::NotMasked),
            (&[0x82, 0x85], End::Client, Fault::Masked),
            (&[0x89, 0xFE], End::Server, Fault::ControlTooLong),
            (&[0x88, 0x7F], End::Client, Fault::ControlTooLong),
            (&[0x82, 0xFE, 0, 125], End::Server, Fault::Length),
            (&[0x82, 0x7F, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], End::Client, Fault::Length),
            (&[0x82, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], End::Client, Fault::Length),
        ] {
            assert_eq!(decode_header(bytes, end), Err(fault), "{bytes:x?}");
            let before = decode_header(&bytes[..bytes.len() - 1], end);
            assert_eq!(before, Ok(None), "{bytes:x?}");
        }
    }
}
