//! The names of things: users, devices, conversations, entries, and the places where they live.
//!
//! Newtypes without behaviour, so that a user id can never be passed where a group id is meant.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A person; 0 is nobody.
    UserId,
    u64
);
id!(
    /// One installed client of a user, chosen by that client; 0 is none.
    DeviceId,
    u64
);
id!(
    /// A group.
    GroupId,
    u64
);
id!(
    /// A dense number in a conversation's log, from 1; 0 stands before the first entry.
    Seq,
    u64
);
id!(
    /// Unique across the cluster, sorts by time: 42 bits of milliseconds, 8 of partition, 14 of counter.
    MessageId,
    u64
);
id!(
    /// Names one life of a conversation's log; changes when acked entries may be missing.
    LogId,
    u32
);
id!(
    /// One of 256 hash buckets of users and conversations, fixed forever.
    Slot,
    u8
);
id!(
    /// A set of slots: the unit of ownership, commit log, snapshot and move. 0 to 255.
    PartitionId,
    u16
);
id!(
    /// One thread that owns whole partitions.
    ShardId,
    u16
);
id!(
    /// Microseconds since the Unix epoch, UTC.
    Timestamp,
    i64
);

impl Seq {
    /// The seq after this one.
    #[must_use]
    pub fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

impl Timestamp {
    /// This time plus a number of milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(ms.saturating_mul(1000).min(i64::MAX as u64) as i64))
    }

    /// Milliseconds since the epoch; 0 for times before it.
    #[must_use]
    pub fn millis(self) -> u64 {
        (self.0 / 1000).max(0) as u64
    }
}

/// A log and its members, named alike for every member.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Conversation {
    /// Two users; `low < high`.
    Direct {
        /// The smaller user id.
        low: UserId,
        /// The greater user id.
        high: UserId,
    },
    /// Many users.
    Group(GroupId),
}

impl Conversation {
    /// The direct conversation of two users; `None` when they are one, or nobody.
    #[must_use]
    pub fn direct(a: UserId, b: UserId) -> Option<Conversation> {
        let (low, high) = (a.min(b), a.max(b));
        (low != high && low.0 != 0).then_some(Conversation::Direct { low, high })
    }

    /// The other user of a direct conversation that `user` is part of.
    #[must_use]
    pub fn peer_of(&self, user: UserId) -> Option<UserId> {
        match *self {
            Conversation::Direct { low, high } if user == low => Some(high),
            Conversation::Direct { low, high } if user == high => Some(low),
            _ => None,
        }
    }
}

/// A device's own name for a message: 1 to 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientMessageId {
    len: u8,
    bytes: [u8; 16],
}

impl ClientMessageId {
    /// Checks the length; `None` unless it is 1 to 16 bytes.
    #[must_use]
    pub fn new(id: &[u8]) -> Option<ClientMessageId> {
        if id.is_empty() || id.len() > 16 {
            return None;
        }
        let mut bytes = [0; 16];
        bytes[..id.len()].copy_from_slice(id);
        Some(ClientMessageId { len: id.len() as u8, bytes })
    }

    /// The bytes as the client chose them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

impl fmt::Debug for ClientMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientMessageId({:02x?})", self.as_bytes())
    }
}

/// Who named a message what: with the conversation, the message's name (`contract`: resending).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageName {
    /// The user who sent it.
    pub sender: UserId,
    /// The device it was sent from.
    pub device: DeviceId,
    /// That device's name for it.
    pub client_message_id: ClientMessageId,
}
