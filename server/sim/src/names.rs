//! Conversations in the names of the core and of the client library.

use hubbub_codec::ids as codec;
use hubbub_core::ids::{Conversation, GroupId, UserId};

/// As the client library says it.
#[must_use]
pub fn to_codec(conversation: &Conversation) -> codec::Conversation {
    match *conversation {
        Conversation::Direct { low, high } => {
            codec::Conversation::Direct { low: codec::UserId(low.0), high: codec::UserId(high.0) }
        }
        Conversation::Group(group) => codec::Conversation::Group(codec::GroupId(group.0)),
    }
}

/// As the core says it.
#[must_use]
pub fn to_core(conversation: &codec::Conversation) -> Conversation {
    match *conversation {
        codec::Conversation::Direct { low, high } => Conversation::Direct { low: UserId(low.0), high: UserId(high.0) },
        codec::Conversation::Group(group) => Conversation::Group(GroupId(group.0)),
    }
}
