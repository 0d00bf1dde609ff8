//! The key layout: slot first, then what the row is about, all big-endian, so that a slot, a conversation or a user
//! is one contiguous range and rows sort as their numbers do.
//!
//! Part of the format on disk. A key never allocates.

use hubbub_core::account::Email;
use hubbub_core::ids::{Conversation, DeviceId, GroupId, MessageId, PartitionId, Seq, Slot, UserId};
use hubbub_core::records::Owner;
use hubbub_core::slots::{slot_of_conversation, slot_of_email, slot_of_owner, slot_of_user};
use xxhash_rust::xxh3::xxh3_128;

const DIRECT: u8 = 1;
const GROUP: u8 = 2;
/// Only where an owner stands.
const USER: u8 = 3;

/// The longest key is that of a direct conversation's cursor: 2 + 17 + 8 + 8 bytes.
const KEY_BYTES_MAX: usize = 40;

/// The format, the node id and the log epoch.
pub(crate) const STORE: &[u8] = b"store";
/// The slot table.
pub(crate) const SLOT_TABLE: &[u8] = b"slots";
/// How the last run ended.
pub(crate) const RUN: &[u8] = b"run";
const PARTITION: &[u8] = b"partition";

/// A key, or a bound of a range of keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    bytes: [u8; KEY_BYTES_MAX],
    len: usize,
}

impl Key {
    fn new() -> Key {
        Key { bytes: [0; KEY_BYTES_MAX], len: 0 }
    }

    fn of_slot(slot: Slot) -> Key {
        Key::new().with(&u16::from(slot.0).to_be_bytes())
    }

    fn of_conversation(conversation: &Conversation) -> Key {
        Key::of_slot(slot_of_conversation(conversation)).with_conversation(conversation)
    }

    fn with(mut self, part: &[u8]) -> Key {
        self.bytes[self.len..self.len + part.len()].copy_from_slice(part);
        self.len += part.len();
        self
    }

    fn with_id(self, id: u64) -> Key {
        self.with(&id.to_be_bytes())
    }

    fn with_conversation(self, conversation: &Conversation) -> Key {
        match *conversation {
            Conversation::Direct { low, high } => self.with(&[DIRECT]).with_id(low.0).with_id(high.0),
            Conversation::Group(group) => self.with(&[GROUP]).with_id(group.0),
        }
    }

    fn with_owner(self, owner: &Owner) -> Key {
        match owner {
            Owner::Conversation(conversation) => self.with_conversation(conversation),
            Owner::User(user) => self.with(&[USER]).with_id(user.0),
        }
    }

    /// The slot that a key of any family but `meta` starts with.
    pub(crate) fn slot(&self) -> Slot {
        Slot(self.bytes[1])
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// All keys that start with `prefix`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    /// The first possible key, and what all of them start with.
    pub(crate) lower: Key,
    /// The first key after them.
    pub(crate) upper: Key,
}

impl Prefix {
    fn of(prefix: Key) -> Prefix {
        let mut upper = prefix;
        // No prefix is all 0xff, because the first byte of a slot is 0.
        while upper.bytes[upper.len - 1] == 0xff {
            upper.len -= 1;
        }
        upper.bytes[upper.len - 1] += 1;
        Prefix { lower: prefix, upper }
    }

    /// The part of `key`, which lies in this range, after the prefix.
    pub(crate) fn rest<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        key.get(self.lower.len..).unwrap_or_default()
    }
}

pub(crate) fn block(conversation: &Conversation, first: Seq) -> Key {
    Key::of_conversation(conversation).with_id(first.0)
}

/// The user under whom `reactions` keeps what all users' reactions to an entry come to; it sorts before them.
pub(crate) const EVERYBODY: UserId = UserId(0);

pub(crate) fn edit(conversation: &Conversation, seq: Seq) -> Key {
    block(conversation, seq)
}

pub(crate) fn reactions(conversation: &Conversation, seq: Seq, user: UserId) -> Key {
    block(conversation, seq).with_id(user.0)
}

/// Everybody's reactions to an entry.
pub(crate) fn all_reactions(conversation: &Conversation, seq: Seq) -> Prefix {
    Prefix::of(block(conversation, seq))
}

pub(crate) fn conversation(conversation: &Conversation) -> Key {
    Key::of_conversation(conversation)
}

pub(crate) fn member(conversation: &Conversation, user: UserId) -> Key {
    Key::of_conversation(conversation).with_id(user.0)
}

pub(crate) fn cursor(conversation: &Conversation, user: UserId, device: DeviceId) -> Key {
    Key::of_conversation(conversation).with_id(user.0).with_id(device.0)
}

pub(crate) fn membership(user: UserId, conversation: &Conversation) -> Key {
    account(user).with_conversation(conversation)
}

pub(crate) fn account(user: UserId) -> Key {
    Key::of_slot(slot_of_user(user)).with_id(user.0)
}

pub(crate) fn email(email: &Email) -> Key {
    Key::of_slot(slot_of_email(email)).with(&xxh3_128(email.as_str().as_bytes()).to_be_bytes())
}

pub(crate) fn device(user: UserId, device: DeviceId) -> Key {
    account(user).with_id(device.0)
}

pub(crate) fn outbox(owner: &Owner, n: MessageId) -> Key {
    Key::of_slot(slot_of_owner(owner)).with_owner(owner).with_id(n.0)
}

pub(crate) fn blocked(user: UserId, peer: UserId) -> Key {
    account(user).with_id(peer.0)
}

pub(crate) fn partition(partition: PartitionId) -> Key {
    Key::new().with(PARTITION).with(&partition.0.to_be_bytes())
}

/// Blocks, members, cursors or outbox rows of a conversation.
pub(crate) fn all_of_conversation(conversation: &Conversation) -> Prefix {
    Prefix::of(Key::of_conversation(conversation))
}

/// Devices, memberships or blocks of a user.
pub(crate) fn all_of_user(user: UserId) -> Prefix {
    Prefix::of(account(user))
}

/// Rows of a slot.
pub(crate) fn all_of_slot(slot: Slot) -> Prefix {
    Prefix::of(Key::of_slot(slot))
}

/// Reads 8 bytes off the front.
pub(crate) fn split_id(rest: &mut &[u8]) -> Option<u64> {
    let (id, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(u64::from_be_bytes(*id))
}

/// Reads a conversation off the front.
pub(crate) fn split_conversation(rest: &mut &[u8]) -> Option<Conversation> {
    let (&tag, tail) = rest.split_first()?;
    *rest = tail;
    match tag {
        DIRECT => Conversation::direct(UserId(split_id(rest)?), UserId(split_id(rest)?)),
        GROUP => Some(Conversation::Group(GroupId(split_id(rest)?))),
        _ => None,
    }
}

/// Reads an owner off the front.
pub(crate) fn split_owner(rest: &mut &[u8]) -> Option<Owner> {
    match rest.split_first()? {
        (&USER, tail) => {
            *rest = tail;
            Some(Owner::User(UserId(split_id(rest)?)))
        }
        _ => split_conversation(rest).map(Owner::Conversation),
    }
}

/// The partition that a row of `meta` belongs to, if it is one's state.
pub(crate) fn partition_of(key: &[u8]) -> Option<PartitionId> {
    let number = key.strip_prefix(PARTITION)?;
    Some(PartitionId(u16::from_be_bytes(number.try_into().ok()?)))
}

#[cfg(test)]
mod tests;
