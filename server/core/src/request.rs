//! What a client asks of the core, and what the core answers, in domain terms.
//!
//! The edge turns frames into [`Request`]s and [`Reply`]s into frames; nothing here knows the wire.

mod refusal;
mod reply;

pub use refusal::Refusal;
pub use reply::{
    ConversationState, DeviceInfo, GroupInfo, GroupMember, ListedConversation, MessageInfo, ProfileInfo, Reply,
};

use crate::account::PasswordHash;
use crate::ids::{ClientMessageId, Conversation, DeviceId, GroupId, LogId, Seq, UserId};
use crate::records::{GroupSettings, InviteHash, PagePosition, Retention, Role};
use crate::signal::Signal;
use bytes::Bytes;

/// A request of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Continues logs after cursors.
    Sync {
        /// Where the client stands.
        cursors: Vec<SyncCursor>,
        /// Also every conversation that was not named.
        include_others: bool,
    },
    /// Appends to a conversation's log.
    Append {
        /// Whose log.
        conversation: Conversation,
        /// What is asked.
        append: Append,
    },
    /// Makes a group.
    CreateGroup {
        /// The caller's name for it.
        client_message_id: ClientMessageId,
        /// Name of the group.
        title: String,
        /// Further members.
        members: Vec<UserId>,
        /// What they may do.
        settings: GroupSettings,
    },
    /// Makes an invitation to a group.
    CreateInvite {
        /// To which.
        group: GroupId,
        /// What is asked.
        invite: NewInvite,
    },
    /// Voids all invitations of a group.
    RevokeInvites(GroupId),
    /// Moves the device's marks.
    Mark {
        /// In which conversation.
        conversation: Conversation,
        /// The device holds the log up to here.
        delivered: Seq,
        /// The person has seen it up to here; 0: not said.
        read: Seq,
    },
    /// Forwards a signal to whoever follows a conversation now.
    Signal {
        /// Which.
        conversation: Conversation,
        /// What.
        signal: Box<Signal>,
    },
    /// Asks for the presence of users, now and from now on.
    Watch(Vec<UserId>),
    /// Ends that for some, or for all.
    Unwatch(Option<Vec<UserId>>),
    /// Changes how others see the caller.
    SetStatus(StatusChange),
    /// Blocks users.
    Block(Vec<UserId>),
    /// Blocks users no more.
    Unblock(Vec<UserId>),
    /// Lists whom the caller has blocked.
    ListBlocked,
    /// Reads a part of a log.
    History {
        /// Whose log.
        conversation: Conversation,
        /// Which part.
        position: PagePosition,
        /// Most entries.
        limit: usize,
        /// As they were written, without edits and reactions.
        raw: bool,
    },
    /// Tells who holds a message of the caller and has read it.
    MessageInfo {
        /// In which conversation.
        conversation: Conversation,
        /// Which message, and what is asked.
        query: InfoQuery,
    },
    /// Describes a group.
    GetGroup {
        /// Which.
        group: GroupId,
        /// Members above this id.
        members_after: UserId,
        /// Most members.
        members_limit: usize,
    },
    /// Describes a user.
    GetProfile(UserId),
    /// Changes what others see of the caller.
    UpdateProfile(Box<ProfileChange>),
    /// Gives the caller's account another password.
    ChangePassword(Box<PasswordChange>),
    /// Ends this session and its device's token.
    LogOut {
        /// Also those of all other devices.
        all_devices: bool,
    },
    /// Lists the caller's devices.
    ListDevices,
    /// Names a device of the caller.
    RenameDevice(DeviceId, Box<str>),
    /// Takes a device away from whoever holds it.
    RevokeDevice(DeviceId),
    /// Lists the caller's conversations.
    ListConversations {
        /// Those after this one.
        after: Option<Conversation>,
        /// Most conversations.
        limit: usize,
        /// Also tell the state of each.
        with_states: bool,
    },
}

/// An invitation to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewInvite {
    /// What its holder will have to know. Only carried back to who asks.
    pub secret: InviteSecret,
    /// What recognises it.
    pub hash: InviteHash,
    /// For how long it can be used, in seconds.
    pub valid_seconds: u32,
    /// How many may join by it; 0: no limit.
    pub uses_max: u32,
}

/// Whoever knows it may join a group. `Debug` does not tell it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InviteSecret(pub [u8; 16]);

impl std::fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteSecret(..)")
    }
}

/// What is to change of a profile; `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProfileChange {
    /// What others see.
    pub name: Option<Box<str>>,
    /// A few words.
    pub about: Option<Box<str>>,
    /// Where a picture is found.
    pub picture: Option<Box<str>>,
}

/// See [`Request::ChangePassword`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordChange {
    /// What the old password was verified against; the account must still have it. `None`: it has none.
    pub verified: Option<PasswordHash>,
    /// The new one.
    pub new: PasswordHash,
    /// The sessions and tokens of other devices stay.
    pub keep_other_devices: bool,
}

/// What changes in how others see a user; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusChange {
    /// Shown to nobody.
    pub invisible: Option<bool>,
    /// What the user says of themselves.
    pub status: Option<Box<str>>,
}

/// Where a client stands in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncCursor {
    /// Whose log.
    pub conversation: Conversation,
    /// Which life of it; 0: unknown.
    pub log_id: LogId,
    /// Highest contiguous seq that the client holds.
    pub seq: Seq,
}

/// A named request that becomes an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The device's name for it.
    pub client_message_id: ClientMessageId,
    /// It may have been sent before.
    pub resend: bool,
    /// With `resend`: search above this seq.
    pub after: Seq,
    /// What to append.
    pub action: Action,
}

/// What a named request does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A person's message.
    Message {
        /// The application's kind.
        kind: u32,
        /// Opaque body.
        body: Bytes,
        /// Media type.
        content_type: String,
        /// The entry it answers; 0: none.
        reply_to: Seq,
    },
    /// Adds members to a group.
    AddMembers(Vec<UserId>),
    /// Removes members from a group.
    RemoveMembers(Vec<UserId>),
    /// The caller leaves.
    Leave,
    /// Changes title or settings of a group; `None`: unchanged.
    UpdateGroup {
        /// Name of the group.
        title: Option<String>,
        /// What its members may do.
        settings: Option<GroupSettings>,
    },
    /// Gives a member a role.
    SetRole {
        /// Whom.
        member: UserId,
        /// Which; [`Role::Owner`] hands the group over.
        role: Role,
    },
    /// Takes a member's word, or gives it back.
    MuteMember {
        /// Whose.
        member: UserId,
        /// For how long.
        mute: Mute,
    },
    /// Ends a group.
    DeleteGroup,
    /// The caller joins by an invitation.
    Join(InviteHash),
    /// Gives one's own message a new body.
    Edit {
        /// Which.
        seq: Seq,
        /// Opaque body.
        body: Bytes,
        /// Media type.
        content_type: String,
    },
    /// Takes a message back.
    Revoke(Seq),
    /// Reacts to a message, or takes that back.
    React {
        /// To which.
        seq: Seq,
        /// With what.
        emoji: String,
        /// Takes it back.
        remove: bool,
    },
    /// Changes how long the conversation keeps bodies; `None`: as the server's default says.
    SetRetention(Option<Retention>),
    /// Makes the group; only the core itself asks for this.
    Create {
        /// Name of the group.
        title: String,
        /// Members, the owner included, ascending.
        members: Vec<UserId>,
        /// What they may do.
        settings: GroupSettings,
    },
}

/// For how long a member may not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mute {
    /// Not any more.
    Lift,
    /// So many seconds.
    Seconds(u32),
    /// Until it is lifted.
    UntilLifted,
}

/// What is asked about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InfoQuery {
    /// Which message.
    pub seq: Seq,
    /// Members above this id.
    pub members_after: UserId,
    /// Most members.
    pub members_limit: usize,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose session it is.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Where the answer goes.
    pub reply_to: ReplyTo,
}

/// Where an answer goes. A request id of 0 wants none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// The shard of the session.
    pub shard: crate::ids::ShardId,
    /// The session.
    pub session: SessionId,
    /// Its number for the request.
    pub request_id: u64,
}

/// One authenticated connection, named by the edge: a place and how often it was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// The place, dense from 0.
    pub index: u32,
    /// Differs between the sessions of one place.
    pub generation: u32,
}
