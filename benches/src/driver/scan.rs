//! Looks at a server's frame just long enough to know what it is, and decodes nothing that the driver does not need.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A push (or page) of entries.
    Entries {
        /// How many.
        count: u64,
        /// Seq of the last one.
        last: u64,
    },
    /// The acknowledgement of a send.
    Sent,
    /// Something else: the field number of its body.
    Other(u32),
    /// Not a frame.
    Broken,
}

/// Field numbers of `ServerFrame` and `Entries` in `chat.proto`, which is append-only.
pub(super) mod tag {
    pub(in super::super) const RECEIPTS: u32 = 13;
    pub(in super::super) const CONVERSATION_CHANGED: u32 = 22;
    pub(super) const ENTRIES: u32 = 12;
    pub(super) const SENT: u32 = 11;
    pub(super) const ENTRIES_AFTER_SEQ: u32 = 3;
    pub(super) const ENTRIES_ENTRIES: u32 = 4;
}

/// Looks at the payload of one frame.
pub(super) fn scan(payload: &[u8]) -> Seen {
    let mut rest = payload;
    while let Ok((field, wire)) = key(&mut rest) {
        match (field, wire) {
            (1, WireType::Varint) => {
                if decode_varint(&mut rest).is_err() {
                    return Seen::Broken;
                }
            }
            (tag::ENTRIES, WireType::LengthDelimited) => return entries(&mut rest),
            (tag::SENT, _) => return Seen::Sent,
            (other, _) => return Seen::Other(other),
        }
    }
    Seen::Broken
}

fn entries(rest: &mut &[u8]) -> Seen {
    let (mut count, mut after) = (0, 0);
    // The length of the message; nothing follows it in the frame.
    if decode_varint(rest).is_err() {
        return Seen::Broken;
    }
    while !rest.is_empty() {
        let Ok((field, wire)) = key(rest) else { return Seen::Broken };
        match field {
            tag::ENTRIES_AFTER_SEQ => match decode_varint(rest) {
                Ok(seq) => after = seq,
                Err(_) => return Seen::Broken,
            },
            _ => {
                count += u64::from(field == tag::ENTRIES_ENTRIES);
                if skip_field(wire, field, rest, DecodeContext::default()).is_err() {
                    return Seen::Broken;
                }
            }
        }
    }
    Seen::Entries { count, last: after + count }
}

fn key(rest: &mut &[u8]) -> Result<(u32, WireType), prost::DecodeError> {
    decode_key(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_codec::proto::server_frame::Body;
    use hubbub_codec::proto::{Entries, Entry, Receipts, Sent, ServerFrame};
    use prost::Message;

    fn seen(request_id: u64, body: Body) -> Seen {
        scan(&ServerFrame { request_id, body: Some(body) }.encode_to_vec())
    }

    #[test]
    fn frames_are_what_prost_says_they_are() {
        let entry = |seq| Entry { seq, body: vec![7; 150].into(), ..Entry::default() };
        let entries = Entries { after_seq: 4, entries: vec![entry(5), entry(6)], head: 9, ..Entries::default() };
        assert_eq!(seen(0, Body::Entries(entries)), Seen::Entries { count: 2, last: 6 });
        assert_eq!(seen(300, Body::Sent(Sent::default())), Seen::Sent);
        assert_eq!(seen(0, Body::Receipts(Receipts::default())), Seen::Other(tag::RECEIPTS));
        assert_eq!(scan(&[0xff; 4]), Seen::Broken);
        assert_eq!(scan(&[]), Seen::Broken);
    }
}
