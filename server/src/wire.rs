//! The border between the wire and the core: frames become requests, replies and pushes become frames.
//!
//! Everything that a client can get wrong in the shape of a request is found here, so the core sees only sound ones.

mod decode;
mod encode;
mod groups;
mod people;
#[cfg(test)]
mod tests;

pub use decode::{Limits, request};
pub use encode::{
    bye_frame, error_frame, logged_in_frame, membership_frame, page_frame, pong_frame, presence_frames, receipts_frame,
    refusal_parts, registered_frame, reply_frame, run_frame, signal_frame, summaries_frame, trunk_opened_frame,
    welcome_frame,
};
pub use people::{NAME_BYTES_MAX, violated};

use hubbub_codec::proto;
use hubbub_core::ids::Conversation;

/// The protocol's form of a conversation.
fn conversation_to_proto(conversation: &Conversation) -> proto::Conversation {
    let kind = match *conversation {
        Conversation::Direct { low, high } => {
            proto::conversation::Kind::Direct(proto::Direct { low: low.0, high: high.0 })
        }
        Conversation::Group(group) => proto::conversation::Kind::Group(group.0),
    };
    proto::Conversation { kind: Some(kind) }
}

/// The codec's form of a conversation.
fn conversation_to_codec(conversation: &Conversation) -> hubbub_codec::ids::Conversation {
    use hubbub_codec::ids;
    match *conversation {
        Conversation::Direct { low, high } => {
            ids::Conversation::Direct { low: ids::UserId(low.0), high: ids::UserId(high.0) }
        }
        Conversation::Group(group) => ids::Conversation::Group(ids::GroupId(group.0)),
    }
}
