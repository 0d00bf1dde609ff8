//! The answers to requests, and which answer belongs to which request.

use crate::ids::{Conversation, MessageId, Seq, UserId};
use crate::proto;
use crate::proto::client_frame::Body;

/// A send of this session, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId(pub(crate) u64);

/// Another request of this session, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// Something that is durable in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Where it is.
    pub conversation: Conversation,
    /// Its number there.
    pub seq: Seq,
    /// Its cluster-wide name.
    pub message_id: MessageId,
    /// When it was decided: microseconds since the Unix epoch, UTC.
    pub time_us: i64,
    /// It was there already: an earlier attempt had stored it, or nothing had to change.
    pub duplicate: bool,
}

/// The answer to a request other than a send.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Done, and nothing more to say.
    Done,
    /// To `edit`, `revoke` and `react`: the entry that records it.
    Sent(Sent),
    /// To `message_info`.
    MessageInfo(proto::MessageInfo),
    /// To `create_group`, `join_group` and `get_group`.
    Group(proto::Group),
    /// To `create_invite`.
    Invite(proto::Invite),
    /// To `list_conversations`.
    Conversations(proto::Conversations),
    /// To `history`. These entries do not move the cursor.
    History(proto::Entries),
    /// To `watch`: the users' presence now.
    Presence(Vec<proto::UserPresence>),
    /// To `list_blocked`, by ascending id.
    Blocked(Vec<UserId>),
    /// To `profile` and `update_profile`.
    Profile(Box<proto::Profile>),
    /// To `list_devices`, by ascending id.
    Devices(Vec<proto::Device>),
}

impl Reply {
    /// Whether this can be the answer to `asked`.
    pub(super) fn answers(&self, asked: &Body) -> bool {
        match asked {
            Body::Edit(_) | Body::Revoke(_) | Body::React(_) => matches!(self, Self::Sent(_)),
            Body::GetMessageInfo(_) => matches!(self, Self::MessageInfo(_)),
            Body::CreateGroup(_) | Body::JoinGroup(_) | Body::GetGroup(_) => matches!(self, Self::Group(_)),
            Body::CreateInvite(_) => matches!(self, Self::Invite(_)),
            Body::ListConversations(_) => matches!(self, Self::Conversations(_)),
            Body::History(_) => matches!(self, Self::History(_)),
            Body::Watch(_) => matches!(self, Self::Presence(_)),
            Body::ListBlocked(_) => matches!(self, Self::Blocked(_)),
            Body::GetProfile(_) | Body::UpdateProfile(_) => matches!(self, Self::Profile(_)),
            Body::ListDevices(_) => matches!(self, Self::Devices(_)),
            Body::Send(_) => false,
            _ => matches!(self, Self::Done),
        }
    }
}
