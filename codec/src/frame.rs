//! Frames: a 4-byte big-endian length, then that many bytes of one protobuf message.
//!
//! Decoding borrows: a complete payload is a slice of the caller's buffer, and so are the bodies of the message that is
//! decoded from it. Nothing here allocates on the way in; on the way out a frame is one exact allocation. A length of
//! 0, or one above the caller's limit, is an error as soon as its four bytes are there, before anything is buffered
//! for it.

mod entries;

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

pub use entries::{EntriesHead, append_entry_field, encode_entries_frame, encode_entry_field};

/// Length of the prefix, in bytes.
pub const PREFIX_BYTES: usize = 4;

/// The frame limit of a server that was not told otherwise, in bytes after the prefix.
pub const FRAME_BYTES_MAX_DEFAULT: usize = 64 * 1024;

/// A length prefix that no frame may have. The connection cannot be continued: where the next frame starts is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Length 0.
    #[error("a frame of length 0")]
    Empty,
    /// Longer than the limit.
    #[error("a frame of {length} bytes is over the limit of {max}")]
    TooLong {
        /// What the prefix says, in bytes.
        length: usize,
        /// The limit, in bytes.
        max: usize,
    },
}

/// Where the payload of the first frame lies in `buffer`; `None` until it is complete. The next frame starts at the
/// range's end.
///
/// # Errors
/// [`FrameError`] when the prefix is 0 or above `frame_bytes_max`.
#[inline]
pub fn peek_frame(buffer: &[u8], frame_bytes_max: usize) -> Result<Option<Range<usize>>, FrameError> {
    let Some((prefix, rest)) = buffer.split_first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(*prefix) as usize;
    if length == 0 {
        return Err(FrameError::Empty);
    }
    if length > frame_bytes_max {
        return Err(FrameError::TooLong { length, max: frame_bytes_max });
    }
    Ok((rest.len() >= length).then_some(PREFIX_BYTES..PREFIX_BYTES + length))
}

/// Takes the payload of the first frame off `buffer`; `None`, and nothing taken, until it is complete.
///
/// # Errors
/// [`FrameError`] when the prefix is 0 or above `frame_bytes_max`; nothing is taken.
#[inline]
pub fn decode_frame(buffer: &mut Bytes, frame_bytes_max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(payload) = peek_frame(buffer, frame_bytes_max)? else {
        return Ok(None);
    };
    let mut frame = buffer.split_to(payload.end);
    bytes::Buf::advance(&mut frame, PREFIX_BYTES);
    Ok(Some(frame))
}

/// [`decode_frame`] for a buffer that is still being filled.
///
/// # Errors
/// [`FrameError`] when the prefix is 0 or above `frame_bytes_max`; nothing is taken.
#[inline]
pub fn decode_frame_mut(buffer: &mut BytesMut, frame_bytes_max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(payload) = peek_frame(buffer, frame_bytes_max)? else {
        return Ok(None);
    };
    let mut frame = buffer.split_to(payload.end).freeze();
    bytes::Buf::advance(&mut frame, PREFIX_BYTES);
    Ok(Some(frame))
}

/// A message as one frame, in one exact allocation. A message that encodes to nothing is no valid frame; every
/// `ClientFrame` and `ServerFrame` with a body encodes to something.
///
/// # Panics
/// When the message is longer than 4 GiB.
#[must_use]
pub fn encode_frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut buffer = BytesMut::with_capacity(PREFIX_BYTES + length);
    put_frame(message, length, &mut buffer);
    buffer.freeze()
}

/// Appends a message as one frame.
///
/// # Panics
/// When the message is longer than 4 GiB.
pub fn append_frame(message: &impl Message, buffer: &mut BytesMut) {
    let length = message.encoded_len();
    buffer.reserve(PREFIX_BYTES + length);
    put_frame(message, length, buffer);
}

fn put_frame(message: &impl Message, length: usize, buffer: &mut BytesMut) {
    put_prefix(length, buffer);
    message.encode_raw(buffer);
}

fn put_prefix(length: usize, buffer: &mut BytesMut) {
    buffer.put_u32(u32::try_from(length).expect("frame limits are far below 4 GiB"));
}
