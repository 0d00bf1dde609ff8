//! A frame of entries that are encoded already.
//!
//! A server stores an entry as the bytes that its members read. This builds a `ServerFrame{entries}` around such bytes
//! without decoding them, byte for byte what prost would write for the same message.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use super::{PREFIX_BYTES, put_prefix};
use crate::ids::{Conversation, LogId, Seq};
use crate::proto;

/// Field numbers of `ServerFrame` and `Entries` in `chat.proto`, which is append-only.
mod tag {
    pub(super) const SERVER_FRAME_ENTRIES: u32 = 12;
    pub(super) const ENTRIES_CONVERSATION: u32 = 1;
    pub(super) const ENTRIES_LOG_ID: u32 = 2;
    pub(super) const ENTRIES_AFTER_SEQ: u32 = 3;
    pub(super) const ENTRIES_ENTRIES: u32 = 4;
    pub(super) const ENTRIES_SKIP_FROM_SEQ: u32 = 5;
    pub(super) const ENTRIES_FLOOR: u32 = 6;
    pub(super) const ENTRIES_HEAD: u32 = 7;
}

/// Everything of a `ServerFrame{entries}` but the entries; the fields are those of `Entries` in `chat.proto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntriesHead {
    /// The request that this answers; 0 for a push.
    pub request_id: u64,
    /// Whose log.
    pub conversation: Conversation,
    /// Which life of the log.
    pub log_id: LogId,
    /// The first entry is this plus one.
    pub after_seq: Seq,
    /// The numbers in `(skip_from_seq, after_seq]` hold nothing for this member.
    pub skip_from_seq: Option<Seq>,
    /// In `History` replies: the highest seq no longer kept.
    pub floor: Seq,
    /// In `History` replies: the highest seq there is.
    pub head: Seq,
}

/// One complete frame: `head`, then `parts` in order. Each part is any number of whole `Entry` fields as
/// [`append_entry_field`] writes them; they are copied, not checked.
///
/// # Panics
/// When the frame is longer than 4 GiB.
#[must_use]
pub fn encode_entries_frame(head: &EntriesHead, parts: &[impl AsRef<[u8]>]) -> Bytes {
    let conversation = proto::Conversation::from(head.conversation);
    let entries = entries_bytes(head, &conversation, parts);
    let frame = uint64_bytes(1, head.request_id) + key_bytes(tag::SERVER_FRAME_ENTRIES) + delimited_bytes(entries);

    let mut buffer = BytesMut::with_capacity(PREFIX_BYTES + frame);
    put_prefix(frame, &mut buffer);
    put_uint64(1, head.request_id, &mut buffer);
    put_delimited(tag::SERVER_FRAME_ENTRIES, entries, &mut buffer);
    put_entries(head, &conversation, parts, &mut buffer);
    debug_assert_eq!(buffer.len(), PREFIX_BYTES + frame);
    buffer.freeze()
}

/// Appends one entry as the field `Entries.entries`, the form that [`encode_entries_frame`] takes.
pub fn append_entry_field(entry: &proto::Entry, buffer: &mut BytesMut) {
    let length = entry.encoded_len();
    buffer.reserve(key_bytes(tag::ENTRIES_ENTRIES) + delimited_bytes(length));
    put_delimited(tag::ENTRIES_ENTRIES, length, buffer);
    entry.encode_raw(buffer);
}

/// [`append_entry_field`] into one exact allocation.
#[must_use]
pub fn encode_entry_field(entry: &proto::Entry) -> Bytes {
    let length = entry.encoded_len();
    let mut buffer = BytesMut::with_capacity(key_bytes(tag::ENTRIES_ENTRIES) + delimited_bytes(length));
    put_delimited(tag::ENTRIES_ENTRIES, length, &mut buffer);
    entry.encode_raw(&mut buffer);
    buffer.freeze()
}

fn put_entries(
    head: &EntriesHead,
    conversation: &proto::Conversation,
    parts: &[impl AsRef<[u8]>],
    buffer: &mut BytesMut,
) {
    put_delimited(tag::ENTRIES_CONVERSATION, conversation.encoded_len(), buffer);
    conversation.encode_raw(buffer);
    if head.log_id.0 != 0 {
        encode_key(tag::ENTRIES_LOG_ID, WireType::ThirtyTwoBit, buffer);
        buffer.put_u32_le(head.log_id.0);
    }
    put_uint64(tag::ENTRIES_AFTER_SEQ, head.after_seq.0, buffer);
    for part in parts {
        buffer.put_slice(part.as_ref());
    }
    if let Some(Seq(skip)) = head.skip_from_seq {
        encode_key(tag::ENTRIES_SKIP_FROM_SEQ, WireType::Varint, buffer);
        encode_varint(skip, buffer);
    }
    put_uint64(tag::ENTRIES_FLOOR, head.floor.0, buffer);
    put_uint64(tag::ENTRIES_HEAD, head.head.0, buffer);
}

/// Encoded length of the `Entries` message.
fn entries_bytes(head: &EntriesHead, conversation: &proto::Conversation, parts: &[impl AsRef<[u8]>]) -> usize {
    let log_id = if head.log_id.0 == 0 { 0 } else { key_bytes(tag::ENTRIES_LOG_ID) + 4 };
    let skip =
        head.skip_from_seq.map_or(0, |Seq(skip)| key_bytes(tag::ENTRIES_SKIP_FROM_SEQ) + encoded_len_varint(skip));
    key_bytes(tag::ENTRIES_CONVERSATION)
        + delimited_bytes(conversation.encoded_len())
        + log_id
        + uint64_bytes(tag::ENTRIES_AFTER_SEQ, head.after_seq.0)
        + parts.iter().map(|part| part.as_ref().len()).sum::<usize>()
        + skip
        + uint64_bytes(tag::ENTRIES_FLOOR, head.floor.0)
        + uint64_bytes(tag::ENTRIES_HEAD, head.head.0)
}

fn key_bytes(tag: u32) -> usize {
    encoded_len_varint(u64::from(tag) << 3)
}

fn delimited_bytes(length: usize) -> usize {
    encoded_len_varint(length as u64) + length
}

/// Proto3 leaves a 0 out.
fn uint64_bytes(tag: u32, value: u64) -> usize {
    if value == 0 { 0 } else { key_bytes(tag) + encoded_len_varint(value) }
}

fn put_uint64(tag: u32, value: u64, buffer: &mut BytesMut) {
    if value != 0 {
        encode_key(tag, WireType::Varint, buffer);
        encode_varint(value, buffer);
    }
}

fn put_delimited(tag: u32, length: usize, buffer: &mut BytesMut) {
    encode_key(tag, WireType::LengthDelimited, buffer);
    encode_varint(length as u64, buffer);
}
