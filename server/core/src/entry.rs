//! An entry as bytes, encoded once.
//!
//! The encoding is that of `repeated Entry entries = 4` in the public protocol: tag, length, message. The same bytes
//! are stored in blocks and sent to every recipient, so that an entry is never encoded twice. This module is the only
//! place outside the protocol's generated code that knows those field numbers; a test of the server holds both
//! against each other.

mod event;
mod rewrite;
mod wire;

pub use rewrite::{EntryKind, Fate, GoneReason, Overlay, put_overlaid, rewrite};

use crate::ids::{ClientMessageId, DeviceId, MessageId, MessageName, Seq, Timestamp, UserId};
use crate::records::{GroupSettings, MutedUntil, Retention, Role};
use bytes::{BufMut, Bytes, BytesMut};
use wire::{
    BYTES, FIXED64, VARINT, bytes_field_len, get_bytes, get_fixed64, get_varint, put_bytes_field, put_fixed64_field,
    put_varint, put_varint_field, varint_field_len,
};

/// What an entry holds, before it is encoded.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// Its id.
    pub message_id: MessageId,
    /// Who sent it, and how the sender's device names it.
    pub name: MessageName,
    /// When it was decided.
    pub time: Timestamp,
    /// USER entries up to and including this one.
    pub ordinal: u64,
    /// What it says.
    pub content: Content,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A person's message.
    User {
        /// The application's kind.
        kind: u32,
        /// Opaque body.
        body: Bytes,
        /// Media type; empty is plain text.
        content_type: String,
        /// The entry that it answers; 0: none.
        reply_to: Seq,
    },
    /// A group was made.
    GroupCreated {
        /// Its name.
        title: String,
        /// Its owner.
        owner: UserId,
        /// Its members, the owner included.
        members: Vec<UserId>,
        /// What they may do.
        settings: GroupSettings,
    },
    /// Members were added.
    MembersAdded(Vec<UserId>),
    /// Members were removed.
    MembersRemoved(Vec<UserId>),
    /// A member left.
    MemberLeft {
        /// Who.
        member: UserId,
        /// The new owner, when the owner left.
        new_owner: Option<UserId>,
    },
    /// Title and settings of a group, as they are from here on.
    GroupUpdated {
        /// Its name.
        title: String,
        /// What its members may do.
        settings: GroupSettings,
    },
    /// A member got a role.
    RoleChanged {
        /// Who.
        member: UserId,
        /// Which.
        role: Role,
        /// When the group was handed over: the owner before, who is an admin from here on.
        previous_owner: Option<UserId>,
    },
    /// A member may not write, or may again.
    MemberMuted {
        /// Who.
        member: UserId,
        /// Until when.
        until: MutedUntil,
    },
    /// A member joined by an invitation.
    MemberJoined {
        /// Who.
        member: UserId,
        /// Who made the invitation.
        invited_by: UserId,
    },
    /// Everybody has left; nothing follows.
    GroupDeleted,
    /// A message got a new body.
    MessageEdited {
        /// Which.
        seq: Seq,
        /// Opaque body.
        body: Bytes,
        /// Media type.
        content_type: String,
    },
    /// A message was taken back.
    MessageRevoked(Seq),
    /// A user reacted to a message, or took that back.
    MessageReacted {
        /// To which.
        seq: Seq,
        /// With what.
        emoji: String,
        /// It was taken back.
        removed: bool,
    },
    /// How long bodies are kept; `None`: as the server's default says.
    RetentionChanged(Option<Retention>),
}

/// Bytes of an encoded entry apart from what [`Content::entry_bytes_max`] counts: tags, lengths, numbers, ids and the name.
const OVERHEAD_BYTES_MAX: usize = 128;

impl Content {
    /// An upper bound of the encoded entry's bytes, without encoding it.
    #[must_use]
    pub fn entry_bytes_max(&self) -> usize {
        OVERHEAD_BYTES_MAX
            + match self {
                Content::User { body, content_type, .. } => body.len() + content_type.len(),
                Content::GroupCreated { title, members, .. } => title.len() + members.len() * 8,
                Content::GroupUpdated { title, .. } => title.len(),
                Content::MembersAdded(members) | Content::MembersRemoved(members) => members.len() * 8,
                Content::MemberLeft { .. }
                | Content::RoleChanged { .. }
                | Content::MemberMuted { .. }
                | Content::MemberJoined { .. }
                | Content::GroupDeleted
                | Content::MessageRevoked(_)
                | Content::RetentionChanged(_) => 0,
                Content::MessageEdited { body, content_type, .. } => body.len() + content_type.len(),
                Content::MessageReacted { emoji, .. } => emoji.len(),
            }
    }

    /// Whether a person wrote it, which is what ordinals count.
    #[must_use]
    pub fn is_user(&self) -> bool {
        matches!(self, Content::User { .. })
    }
}

const EVENT_TYPE_USER: u64 = 1;
const EVENT_TYPE_APPLICATION: u64 = 2;

/// Tag of `repeated Entry entries = 4` in `Entries`.
const ENTRIES_TAG: u8 = 4 << 3 | BYTES as u8;

impl Entry {
    /// Appends the encoded entry to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        let len = self.encoded_len();
        out.reserve(len + 6);
        out.put_u8(ENTRIES_TAG);
        put_varint(out, len as u64);
        let start = out.len();
        put_varint_field(out, 1, self.seq.0);
        put_fixed64_field(out, 2, self.message_id.0);
        put_fixed64_field(out, 3, self.name.sender.0);
        put_fixed64_field(out, 4, self.name.device.0);
        put_bytes_field(out, 5, self.name.client_message_id.as_bytes());
        put_varint_field(out, 6, self.time.0 as u64);
        put_varint_field(out, 7, self.ordinal);
        self.encode_content(out);
        debug_assert_eq!(out.len() - start, len);
    }

    fn encode_content(&self, out: &mut BytesMut) {
        let Content::User { kind, body, content_type, reply_to } = &self.content else {
            put_varint_field(out, 8, EVENT_TYPE_APPLICATION);
            put_bytes_field(out, 13, &self.content.event());
            return;
        };
        put_varint_field(out, 8, EVENT_TYPE_USER);
        put_varint_field(out, 9, u64::from(*kind));
        put_bytes_field(out, 10, body);
        put_bytes_field(out, 11, content_type.as_bytes());
        put_varint_field(out, 12, reply_to.0);
    }

    fn encoded_len(&self) -> usize {
        let content = match &self.content {
            Content::User { kind, body, content_type, reply_to } => {
                varint_field_len(u64::from(*kind))
                    + bytes_field_len(body.len())
                    + bytes_field_len(content_type.len())
                    + varint_field_len(reply_to.0)
            }
            event => bytes_field_len(event.event().len()),
        };
        varint_field_len(self.seq.0) + 3 * 9
            - [self.message_id.0, self.name.sender.0, self.name.device.0].iter().filter(|&&id| id == 0).count() * 9
            + bytes_field_len(self.name.client_message_id.as_bytes().len())
            + varint_field_len(self.time.0 as u64)
            + varint_field_len(self.ordinal)
            + 2
            + content
    }
}

/// What a search and a page need of an encoded entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader {
    /// Its number.
    pub seq: Seq,
    /// Its id.
    pub message_id: MessageId,
    /// Its name; `None` when the bytes carry no valid client id.
    pub name: Option<MessageName>,
    /// When it was decided.
    pub time: Timestamp,
    /// USER entries up to and including this one.
    pub ordinal: u64,
    /// A person wrote it, and its body was not taken away.
    pub is_message: bool,
}

/// Walks over encoded entries; ends early at bytes that are none.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    /// Entries of a block or page.
    #[must_use]
    pub fn new(encoded: &'a [u8]) -> Entries<'a> {
        Entries { rest: encoded }
    }
}

impl<'a> Iterator for Entries<'a> {
    /// One whole encoded entry, tag and length included.
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (&tag, mut rest) = self.rest.split_first()?;
        if tag != ENTRIES_TAG {
            return None;
        }
        let len = usize::try_from(get_varint(&mut rest)?).ok()?;
        let head = self.rest.len() - rest.len();
        let total = head.checked_add(len).filter(|&total| total <= self.rest.len())?;
        let (entry, rest) = self.rest.split_at(total);
        self.rest = rest;
        Some(entry)
    }
}

impl EntryHeader {
    /// Reads the header of one encoded entry (as [`Entries`] yields it); `None` when it is not one.
    #[must_use]
    pub fn decode(encoded: &[u8]) -> Option<EntryHeader> {
        let (_, mut rest) = encoded.split_first()?;
        get_varint(&mut rest)?;
        let (mut seq, mut id, mut sender, mut device, mut time, mut ordinal) = (0, 0, 0, 0, 0, 0);
        let mut event_type = 0;
        let mut client_message_id = None;
        while !rest.is_empty() {
            let key = get_varint(&mut rest)?;
            match (key >> 3, key as u32 & 7) {
                (1, VARINT) => seq = get_varint(&mut rest)?,
                (2, FIXED64) => id = get_fixed64(&mut rest)?,
                (3, FIXED64) => sender = get_fixed64(&mut rest)?,
                (4, FIXED64) => device = get_fixed64(&mut rest)?,
                (5, BYTES) => client_message_id = ClientMessageId::new(get_bytes(&mut rest)?),
                (6, VARINT) => time = get_varint(&mut rest)?,
                (7, VARINT) => ordinal = get_varint(&mut rest)?,
                (8, VARINT) => event_type = get_varint(&mut rest)?,
                // Fields ascend, and nothing after these is asked for.
                _ => break,
            }
        }
        Some(EntryHeader {
            seq: Seq(seq),
            message_id: MessageId(id),
            name: client_message_id.map(|client_message_id| MessageName {
                sender: UserId(sender),
                device: DeviceId(device),
                client_message_id,
            }),
            time: Timestamp(time as i64),
            ordinal,
            is_message: event_type == EVENT_TYPE_USER,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(seq: u64, body: Vec<u8>, time: i64) -> Entry {
        Entry {
            seq: Seq(seq),
            message_id: MessageId(seq.wrapping_mul(77)),
            name: MessageName {
                sender: UserId(3),
                device: DeviceId(4),
                client_message_id: ClientMessageId::new(b"abc").unwrap(),
            },
            time: Timestamp(time),
            ordinal: seq / 2,
            content: Content::User { kind: 0, body: body.into(), content_type: String::new(), reply_to: Seq(0) },
        }
    }

    proptest! {
        #[test]
        fn headers_come_back(bodies in proptest::collection::vec((any::<u64>(), proptest::collection::vec(any::<u8>(), 0..300), any::<i64>()), 0..20)) {
            let entries: Vec<Entry> = bodies.into_iter().map(|(seq, body, time)| entry(seq, body, time)).collect();
            let mut encoded = BytesMut::new();
            for entry in &entries {
                entry.encode(&mut encoded);
            }
            let headers: Vec<EntryHeader> = Entries::new(&encoded).map(|e| EntryHeader::decode(e).unwrap()).collect();
            let expected: Vec<EntryHeader> = entries.iter().map(|e| EntryHeader {
                seq: e.seq, message_id: e.message_id, name: Some(e.name), time: e.time, ordinal: e.ordinal, is_message: true,
            }).collect();
            prop_assert_eq!(headers, expected);
        }

        #[test]
        fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for entry in Entries::new(&bytes) {
                let _ = EntryHeader::decode(entry);
            }
        }
    }
}
