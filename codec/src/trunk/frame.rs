//! Trunk frames: how the bytes of many connections lie on one.
//!
//! ```text
//! 4 bytes   length of what follows, big-endian, 5 to 65,541
//! 4 bytes   channel, big-endian; 0 is the trunk itself
//! 1 byte    kind
//! n bytes   by kind
//! ```
//!
//! What is wrong is an error as soon as its nine bytes are there, before anything is buffered for it. What a channel
//! carries is opaque here: pieces of its byte stream, cut anywhere.

use std::net::IpAddr;
use std::ops::Range;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Length, channel and kind, in bytes.
pub const HEADER_BYTES: usize = 9;

/// Most bytes of a channel in one `Data`.
pub const PIECE_BYTES_MAX: usize = 65_536;

/// Most bytes of the text in `End`.
pub const END_TEXT_BYTES_MAX: usize = 255;

/// What of the header the length counts.
const COUNTED_BYTES: usize = HEADER_BYTES - 4;

const OPEN: u8 = 1;
const DATA: u8 = 2;
const CREDIT: u8 = 3;
const CLOSE: u8 = 4;
const PING: u8 = 5;
const PONG: u8 = 6;
const END: u8 = 7;

/// A channel of a trunk, from 1; chosen by the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub u32);

/// Why a channel ends. Unknown reasons of a later version read as `Over`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelEnd {
    /// As a connection ends; the last frame in it has said why, if there is anything to say.
    Over,
    /// The user lives on this shard: open the channel on a trunk of it.
    WrongShard(u32),
    /// More came than the window allows, or more credit than was taken.
    Window,
    /// The server has as many channels as it may; try again later.
    Full,
}

/// Why a trunk ends, with all its channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkEnd {
    /// A trunk frame broke the rules; the text says which.
    Protocol,
    /// Nothing was heard for too long.
    Idle,
    /// The server stops. Its channels were told before, each in its own words.
    Stopping,
    /// A reason of a later version.
    Other,
}

/// A trunk frame; `B` holds the bytes of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrunkFrame<B = Bytes> {
    /// Upward: begins a channel for a client at an address, if that is known.
    Open(ChannelId, Option<IpAddr>),
    /// A piece of a channel's byte stream, 1 to [`PIECE_BYTES_MAX`] bytes.
    Data(ChannelId, B),
    /// So many bytes were taken; as many more may be sent.
    Credit(ChannelId, u32),
    /// Ends a channel. Each side says it once; then the number is free again.
    Close(ChannelId, ChannelEnd),
    /// Upward: asks for a sign of life.
    Ping(u64),
    /// Downward: the answer, with the same number.
    Pong(u64),
    /// Downward: the trunk closes; the text is for people.
    End(TrunkEnd, String),
}

/// A frame that breaks the rules. The trunk cannot be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrunkFrameError {
    /// Too short for a header, or too long for any frame.
    #[error("a trunk frame of length {0}")]
    Length(u32),
    /// A kind that this version does not know.
    #[error("a trunk frame of the unknown kind {0}")]
    Kind(u8),
    /// A channel where there must be none, or none where there must be one.
    #[error("a trunk frame of kind {kind} for channel {channel}")]
    Channel {
        /// The kind.
        kind: u8,
        /// The channel.
        channel: u32,
    },
    /// More, or fewer, bytes than the kind has.
    #[error("a trunk frame of kind {kind} with {length} bytes")]
    Payload {
        /// The kind.
        kind: u8,
        /// Bytes behind the header.
        length: usize,
    },
}

/// Takes the first frame off `buffer`; `None`, and nothing taken, until it is complete.
///
/// # Errors
/// [`TrunkFrameError`]; nothing is taken.
pub fn decode_trunk_frame(buffer: &mut Bytes) -> Result<Option<TrunkFrame>, TrunkFrameError> {
    let Some((frame, piece)) = parse(buffer)? else { return Ok(None) };
    let mut whole = buffer.split_to(piece.end);
    whole.advance(piece.start);
    Ok(Some(with_bytes(frame, whole)))
}

/// [`decode_trunk_frame`] for a buffer that is still being filled.
///
/// # Errors
/// [`TrunkFrameError`]; nothing is taken.
pub fn decode_trunk_frame_mut(buffer: &mut BytesMut) -> Result<Option<TrunkFrame<BytesMut>>, TrunkFrameError> {
    let Some((frame, piece)) = parse(buffer)? else { return Ok(None) };
    let mut whole = buffer.split_to(piece.end);
    whole.advance(piece.start);
    Ok(Some(with_bytes(frame, whole)))
}

/// A frame without the bytes of its channel, and where what is behind its header lies.
type Parsed = (TrunkFrame<()>, Range<usize>);

fn parse(buffer: &[u8]) -> Result<Option<Parsed>, TrunkFrameError> {
    let Some((mut header, rest)) = buffer.split_at_checked(HEADER_BYTES) else {
        check_length(buffer)?;
        return Ok(None);
    };
    let (length, channel, kind) = (header.get_u32(), header.get_u32(), header.get_u8());
    check_length(buffer)?;
    let length = length as usize - COUNTED_BYTES;
    check_shape(channel, kind, length)?;
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    let frame = frame(ChannelId(channel), kind, payload);
    Ok(Some((frame, HEADER_BYTES..HEADER_BYTES + length)))
}

/// An impossible length shows before anything else has come.
fn check_length(buffer: &[u8]) -> Result<(), TrunkFrameError> {
    let Some(length) = buffer.first_chunk().map(|length| u32::from_be_bytes(*length)) else { return Ok(()) };
    match (length as usize).checked_sub(COUNTED_BYTES) {
        Some(0..=PIECE_BYTES_MAX) => Ok(()),
        _ => Err(TrunkFrameError::Length(length)),
    }
}

fn check_shape(channel: u32, kind: u8, length: usize) -> Result<(), TrunkFrameError> {
    let (of_channel, fits) = match kind {
        OPEN => (true, matches!(length, 0 | 4 | 16)),
        DATA => (true, length > 0),
        CREDIT => (true, length == 4),
        CLOSE => (true, matches!(length, 1 | 5)),
        PING | PONG => (false, length == 8),
        END => (false, (1..=1 + END_TEXT_BYTES_MAX).contains(&length)),
        kind => return Err(TrunkFrameError::Kind(kind)),
    };
    if of_channel != (channel != 0) {
        return Err(TrunkFrameError::Channel { kind, channel });
    }
    if fits { Ok(()) } else { Err(TrunkFrameError::Payload { kind, length }) }
}

/// A frame whose shape was checked.
fn frame(channel: ChannelId, kind: u8, mut payload: &[u8]) -> TrunkFrame<()> {
    match kind {
        OPEN => TrunkFrame::Open(channel, address(payload)),
        DATA => TrunkFrame::Data(channel, ()),
        CREDIT => TrunkFrame::Credit(channel, payload.get_u32()),
        CLOSE => TrunkFrame::Close(channel, channel_end(payload)),
        PING => TrunkFrame::Ping(payload.get_u64()),
        PONG => TrunkFrame::Pong(payload.get_u64()),
        _ => {
            let why = match payload.get_u8() {
                1 => TrunkEnd::Protocol,
                2 => TrunkEnd::Idle,
                3 => TrunkEnd::Stopping,
                _ => TrunkEnd::Other,
            };
            TrunkFrame::End(why, String::from_utf8_lossy(payload).into_owned())
        }
    }
}

fn address(payload: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(payload).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(payload).map(IpAddr::from)).ok()
}

fn channel_end(mut payload: &[u8]) -> ChannelEnd {
    match (payload.get_u8(), payload.try_get_u32()) {
        (2, Ok(shard)) => ChannelEnd::WrongShard(shard),
        (3, _) => ChannelEnd::Window,
        (4, _) => ChannelEnd::Full,
        _ => ChannelEnd::Over,
    }
}

fn with_bytes<B>(frame: TrunkFrame<()>, bytes: B) -> TrunkFrame<B> {
    match frame {
        TrunkFrame::Data(channel, ()) => TrunkFrame::Data(channel, bytes),
        TrunkFrame::Open(channel, address) => TrunkFrame::Open(channel, address),
        TrunkFrame::Credit(channel, bytes) => TrunkFrame::Credit(channel, bytes),
        TrunkFrame::Close(channel, why) => TrunkFrame::Close(channel, why),
        TrunkFrame::Ping(nonce) => TrunkFrame::Ping(nonce),
        TrunkFrame::Pong(nonce) => TrunkFrame::Pong(nonce),
        TrunkFrame::End(why, text) => TrunkFrame::End(why, text),
    }
}

/// Appends what stands before `length` bytes of a channel (1 to [`PIECE_BYTES_MAX`]); they must follow.
pub fn append_data_header(channel: ChannelId, length: usize, out: &mut BytesMut) {
    debug_assert!((1..=PIECE_BYTES_MAX).contains(&length), "a piece of {length} bytes");
    append_header(channel.0, DATA, length, out);
}

fn append_header(channel: u32, kind: u8, length: usize, out: &mut BytesMut) {
    out.reserve(HEADER_BYTES + length);
    out.put_u32((COUNTED_BYTES + length) as u32);
    out.put_u32(channel);
    out.put_u8(kind);
}

impl<B: AsRef<[u8]>> TrunkFrame<B> {
    /// Appends the frame. The text of an `End` is cut to what it may have.
    pub fn append(&self, out: &mut BytesMut) {
        match self {
            TrunkFrame::Open(channel, address) => append_open(*channel, *address, out),
            TrunkFrame::Data(channel, bytes) => {
                append_data_header(*channel, bytes.as_ref().len(), out);
                out.extend_from_slice(bytes.as_ref());
            }
            TrunkFrame::Credit(channel, bytes) => {
                append_header(channel.0, CREDIT, 4, out);
                out.put_u32(*bytes);
            }
            TrunkFrame::Close(channel, why) => append_close(*channel, *why, out),
            TrunkFrame::Ping(nonce) | TrunkFrame::Pong(nonce) => {
                let kind = if matches!(self, TrunkFrame::Ping(_)) { PING } else { PONG };
                append_header(0, kind, 8, out);
                out.put_u64(*nonce);
            }
            TrunkFrame::End(why, text) => append_end(*why, text, out),
        }
    }
}

fn append_open(channel: ChannelId, address: Option<IpAddr>, out: &mut BytesMut) {
    match address {
        None => append_header(channel.0, OPEN, 0, out),
        Some(IpAddr::V4(address)) => {
            append_header(channel.0, OPEN, 4, out);
            out.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            append_header(channel.0, OPEN, 16, out);
            out.extend_from_slice(&address.octets());
        }
    }
}

fn append_close(channel: ChannelId, why: ChannelEnd, out: &mut BytesMut) {
    let (reason, shard) = match why {
        ChannelEnd::Over => (1, None),
        ChannelEnd::WrongShard(shard) => (2, Some(shard)),
        ChannelEnd::Window => (3, None),
        ChannelEnd::Full => (4, None),
    };
    append_header(channel.0, CLOSE, if shard.is_some() { 5 } else { 1 }, out);
    out.put_u8(reason);
    if let Some(shard) = shard {
        out.put_u32(shard);
    }
}

fn append_end(why: TrunkEnd, text: &str, out: &mut BytesMut) {
    let text = &text.as_bytes()[..text.floor_char_boundary(END_TEXT_BYTES_MAX)];
    append_header(0, END, 1 + text.len(), out);
    out.put_u8(match why {
        TrunkEnd::Protocol => 1,
        TrunkEnd::Idle => 2,
        TrunkEnd::Stopping => 3,
        TrunkEnd::Other => 0,
    });
    out.extend_from_slice(text);
}
