//! Names of things: users, groups, devices, messages, conversations.
//!
//! Each is a type of its own, so that a user's id is never taken for a group's. They are plain numbers on the wire;
//! the conversions from wire messages are checked, and nothing that a peer sends gets past them unordered or empty.

use std::fmt;

use bytes::Bytes;

use crate::proto;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl From<$inner> for $name {
            fn from(number: $inner) -> Self {
                Self(number)
            }
        }

        impl From<$name> for $inner {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A person's account; with token authentication the token's subject.
    UserId(u64)
);
number!(
    /// A group, named by the server.
    GroupId(u64)
);
number!(
    /// One installation of a client, chosen once by itself; not 0.
    DeviceId(u64)
);
number!(
    /// The place of an entry in its conversation's log: dense, from 1. As a cursor, 0 is "nothing yet".
    Seq(u64)
);
number!(
    /// Unique across the cluster; sorts by time.
    MessageId(u64)
);
number!(
    /// Which life of a log its numbers belong to; 0 is "not known".
    LogId(u32)
);

/// Why a wire message does not name anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A conversation of no kind, or of a kind that this version does not know.
    #[error("the conversation has no kind")]
    ConversationKind,
    /// `Direct.low` must be smaller than `Direct.high`.
    #[error("the users of a direct conversation are not in order: {low}, {high}")]
    DirectOrder {
        /// As received.
        low: u64,
        /// As received.
        high: u64,
    },
    /// A client's name for a message has 1 to 16 bytes.
    #[error("a client's name for a message has 1 to 16 bytes, not {length}")]
    ClientMessageIdLength {
        /// As received, in bytes.
        length: usize,
    },
}

/// A conversation, named alike for every member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Conversation {
    /// Two users; `low < high` (see [`Conversation::direct`]).
    Direct {
        /// The smaller id.
        low: UserId,
        /// The greater id.
        high: UserId,
    },
    /// A group.
    Group(GroupId),
}

impl Conversation {
    /// The conversation of two users, in either order; `None` when they are the same user.
    #[must_use]
    pub fn direct(a: UserId, b: UserId) -> Option<Self> {
        (a != b).then(|| Self::Direct { low: a.min(b), high: a.max(b) })
    }

    /// The other person of a direct conversation that `me` belongs to.
    #[must_use]
    pub fn peer(&self, me: UserId) -> Option<UserId> {
        match *self {
            Self::Direct { low, high } if low == me => Some(high),
            Self::Direct { low, high } if high == me => Some(low),
            _ => None,
        }
    }
}

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct { low, high } => write!(f, "direct({low}, {high})"),
            Self::Group(group) => write!(f, "group({group})"),
        }
    }
}

impl From<Conversation> for proto::Conversation {
    fn from(conversation: Conversation) -> Self {
        use proto::conversation::Kind;
        let kind = match conversation {
            Conversation::Direct { low, high } => Kind::Direct(proto::Direct { low: low.0, high: high.0 }),
            Conversation::Group(group) => Kind::Group(group.0),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<&proto::Conversation> for Conversation {
    type Error = NameError;

    fn try_from(wire: &proto::Conversation) -> Result<Self, NameError> {
        use proto::conversation::Kind;
        match wire.kind.as_ref().ok_or(NameError::ConversationKind)? {
            Kind::Group(group) => Ok(Self::Group(GroupId(*group))),
            Kind::Direct(proto::Direct { low, high }) if low < high => {
                Ok(Self::Direct { low: UserId(*low), high: UserId(*high) })
            }
            Kind::Direct(proto::Direct { low, high }) => Err(NameError::DirectOrder { low: *low, high: *high }),
        }
    }
}

impl TryFrom<&Option<proto::Conversation>> for Conversation {
    type Error = NameError;

    fn try_from(wire: &Option<proto::Conversation>) -> Result<Self, NameError> {
        wire.as_ref().ok_or(NameError::ConversationKind).and_then(Self::try_from)
    }
}

/// A device's own name for a message: 1 to 16 bytes, unique among its messages in that conversation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientMessageId {
    // INVARIANT: bytes from `length` on are 0, so that the derived comparisons hold.
    bytes: [u8; Self::BYTES_MAX],
    length: u8,
}

impl ClientMessageId {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 16;

    /// A name of these bytes.
    ///
    /// # Errors
    /// [`NameError::ClientMessageIdLength`] unless there are 1 to 16 of them.
    pub fn new(name: &[u8]) -> Result<Self, NameError> {
        if name.is_empty() || name.len() > Self::BYTES_MAX {
            return Err(NameError::ClientMessageIdLength { length: name.len() });
        }
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..name.len()].copy_from_slice(name);
        Ok(Self { bytes, length: name.len() as u8 })
    }

    /// The name's 1 to 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Debug for ClientMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientMessageId(")?;
        for byte in self.as_bytes() {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(")")
    }
}

impl From<ClientMessageId> for Bytes {
    fn from(name: ClientMessageId) -> Self {
        Bytes::copy_from_slice(name.as_bytes())
    }
}

impl TryFrom<&Bytes> for ClientMessageId {
    type Error = NameError;

    fn try_from(wire: &Bytes) -> Result<Self, NameError> {
        Self::new(wire)
    }
}
