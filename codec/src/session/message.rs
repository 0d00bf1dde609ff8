//! A message to be sent, and to whom.

use bytes::Bytes;

use crate::ids::{GroupId, Seq, UserId};

/// To whom a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    /// The other person of a direct conversation, which begins with its first message.
    User(UserId),
    /// A group that the sender is a member of.
    Group(GroupId),
}

/// A message to be sent.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct OutgoingMessage {
    /// Chosen by the application and opaque to the server; 0 for plain text.
    pub kind: u32,
    /// Opaque to the server, at most `Limits.body_bytes_max`.
    pub body: Bytes,
    /// A media type, at most 64 bytes; empty means `text/plain; charset=utf-8`.
    pub content_type: String,
    /// The entry that this one answers; 0: none.
    pub reply_to_seq: Seq,
}

impl OutgoingMessage {
    /// A plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { body: Bytes::from(text.into()), ..Self::default() }
    }
}

impl std::fmt::Debug for OutgoingMessage {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutgoingMessage(kind {}, {} bytes, {:?})", self.kind, self.body.len(), self.content_type)
    }
}
