//! What a client asks of the core, and what the core answers, in domain terms.
//!
//! The edge turns frames into [`Request`]s and [`Reply`]s into frames; nothing here knows the wire.

use crate::account::{Email, PasswordHash};
use crate::ids::{ClientMessageId, Conversation, DeviceId, GroupId, LogId, MessageId, Seq, Timestamp, UserId};
use crate::message::Summary;
use crate::presence::UserPresence;
use crate::records::{GroupSettings, InviteHash, MembershipRecord, MutedUntil, Page, PagePosition, Retention, Role};
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

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The session is open.
    LoggedIn {
        /// The account was made by this login.
        created: bool,
        /// When the session token in use ends, if one is.
        token_expires: Option<Timestamp>,
    },
    /// It was done.
    Done,
    /// The message is durable.
    Sent {
        /// In which log.
        conversation: Conversation,
        /// At which seq.
        seq: Seq,
        /// Under which id.
        message_id: MessageId,
        /// Since when.
        time: Timestamp,
        /// It had been there.
        duplicate: bool,
    },
    /// A part of a log.
    History {
        /// Whose.
        conversation: Conversation,
        /// Which life of it.
        log_id: LogId,
        /// Above which seq was asked, when it was asked that way.
        skip_from: Option<Seq>,
        /// The part.
        page: Page,
        /// Highest seq no longer kept.
        floor: Seq,
        /// Highest seq.
        head: Seq,
    },
    /// What became of a message.
    MessageInfo(Box<MessageInfo>),
    /// A group.
    Group(Box<GroupInfo>),
    /// A user.
    Profile(Box<ProfileInfo>),
    /// The caller's devices, by ascending id.
    Devices(Vec<DeviceInfo>),
    /// A page of the caller's conversations.
    Conversations {
        /// Ascending.
        conversations: Vec<ListedConversation>,
        /// More follow.
        more: bool,
    },
    /// An invitation was made.
    Invite {
        /// To which group.
        group: GroupId,
        /// What its holder has to know.
        secret: InviteSecret,
        /// It cannot be used from then on.
        expires: Timestamp,
        /// How many may join by it; 0: no limit.
        uses_max: u32,
    },
    /// Presence of users, as asked.
    Presence(Vec<UserPresence>),
    /// Whom the caller has blocked, ascending.
    Blocked(Vec<UserId>),
    /// Every conversation of a sync has reached the head it had.
    Synced(Vec<ConversationState>),
    /// One of a sync's cursors is void; the sync goes on.
    LogReset {
        /// Whose log.
        conversation: Conversation,
        /// Which life of it is now.
        log_id: LogId,
        /// Highest seq no longer kept.
        floor: Seq,
        /// Highest seq.
        head: Seq,
    },
    /// It was refused.
    Refused(Refusal),
}

/// One of the caller's conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedConversation {
    /// Which.
    pub conversation: Conversation,
    /// The caller's membership.
    pub membership: MembershipRecord,
    /// As the caller sees it, when that was asked for and could be told.
    pub state: Option<Box<ConversationState>>,
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

/// Who holds a message and has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageInfo {
    /// Where it is.
    pub conversation: Conversation,
    /// Over all who were members at its seq, its author excepted.
    pub summary: Summary,
    /// How many of them are members now.
    pub member_count: usize,
    /// A page of those, by user id: (user, delivered, read).
    pub receipts: Vec<(UserId, Seq, Seq)>,
    /// More follow.
    pub more: bool,
}

/// A group as its members see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// Which.
    pub group: GroupId,
    /// Name.
    pub title: String,
    /// Owner.
    pub owner: UserId,
    /// Present members.
    pub member_count: usize,
    /// A page of them, by user id.
    pub members: Vec<GroupMember>,
    /// More follow.
    pub more: bool,
    /// Identity of the log.
    pub log_id: LogId,
    /// Highest seq.
    pub head: Seq,
    /// Highest seq no longer kept.
    pub floor: Seq,
    /// The group was there already, or the caller was its member.
    pub duplicate: bool,
    /// What its members may do.
    pub settings: GroupSettings,
    /// How long bodies are kept.
    pub retention: Retention,
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Who.
    pub user: UserId,
    /// In which role.
    pub role: Role,
    /// Seq of the entry that made it a member.
    pub joined: Seq,
    /// Until when it may not write.
    pub muted_until: MutedUntil,
}

/// A user as others see them, or as they see themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileInfo {
    /// Who.
    pub user: UserId,
    /// What others see.
    pub name: Box<str>,
    /// A few words.
    pub about: Box<str>,
    /// Where a picture is found.
    pub picture: Box<str>,
    /// In one's own only.
    pub email: Option<Email>,
    /// When the account was made.
    pub created: Timestamp,
}

/// A device of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Which.
    pub device: DeviceId,
    /// For people to recognise it by.
    pub name: Box<str>,
    /// What it runs on.
    pub platform: Box<str>,
    /// Its first login.
    pub created: Timestamp,
    /// When it was last connected.
    pub last_seen: Timestamp,
    /// Has a session.
    pub connected: bool,
    /// Is the one that asks.
    pub current: bool,
}

/// A conversation as one user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationState {
    /// Which.
    pub conversation: Conversation,
    /// Whether the user is a member now.
    pub member: bool,
    /// Identity of the log.
    pub log_id: LogId,
    /// Highest seq that the user may see.
    pub head: Seq,
    /// Highest seq no longer kept.
    pub floor: Seq,
    /// The user's marks, over all devices.
    pub delivered: Seq,
    /// See `delivered`.
    pub read: Seq,
    /// USER entries after `read`.
    pub unread: u64,
    /// Present members.
    pub member_count: usize,
    /// Name of a group.
    pub title: String,
    /// Marks of the other user of a direct conversation.
    pub peer: (Seq, Seq),
    /// The user's role in a group; `None` in a direct conversation, and for whoever is no member now.
    pub role: Option<Role>,
    /// Until when the user may not write.
    pub muted_until: MutedUntil,
    /// How long bodies are kept; `None` for a conversation that is not the user's.
    pub retention: Option<Retention>,
    /// One of the two users of a direct conversation has blocked the other.
    pub blocked: bool,
}

impl ConversationState {
    /// Raises the user's marks, or the other's, in a direct conversation. What lies between
    /// is not known here, so `unread` stays too high by the edits and reactions among it.
    pub(crate) fn raise_marks(&mut self, own: bool, delivered: Seq, read: Seq) {
        if own {
            (self.delivered, self.read) = (self.delivered.max(delivered), self.read.max(read));
            self.unread = self.unread.min(self.head.0.saturating_sub(self.read.0));
        } else {
            self.peer = (self.peer.0.max(delivered), self.peer.1.max(read));
        }
    }

    /// The state of a conversation that is not the user's.
    #[must_use]
    pub fn none(conversation: Conversation) -> ConversationState {
        ConversationState {
            conversation,
            member: false,
            log_id: LogId(0),
            head: Seq(0),
            floor: Seq(0),
            delivered: Seq(0),
            read: Seq(0),
            unread: 0,
            member_count: 0,
            title: String::new(),
            peer: (Seq(0), Seq(0)),
            role: None,
            muted_until: MutedUntil::NO,
            retention: None,
            blocked: false,
        }
    }
}

/// Why a request was refused; one variant for each different reaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A user of the request has no account.
    #[error("user {0} does not exist: an account is made at the user's first login")]
    UnknownUser(UserId),
    /// A kind of request that this server does not know.
    #[error("this server does not know this kind of request")]
    Unsupported,
    /// There is no such conversation, or the caller is no member; the two are not told apart.
    #[error("there is no such conversation, or you are no member of it")]
    UnknownConversation,
    /// A member may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// A member was muted.
    #[error("you may not write in this group for a while: an admin has muted you")]
    Muted {
        /// For how many milliseconds yet; 0: until an admin lifts it.
        retry_after_ms: u64,
    },
    /// An invitation that lets nobody in.
    #[error("this invitation is unknown, used up, revoked or over; ask for another one")]
    InviteInvalid,
    /// A field is wrong.
    #[error("{field}: {why}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// In what way.
        why: &'static str,
    },
    /// Over a limit.
    #[error("{field} is {got}, and this server allows {limit} ({setting})")]
    Limit {
        /// Which field.
        field: &'static str,
        /// The configuration key of the limit.
        setting: &'static str,
        /// The limit.
        limit: u64,
        /// What was asked.
        got: u64,
    },
    /// Too much in a short time.
    #[error("too much in a short time ({setting}): wait {retry_after_ms} ms")]
    RateLimited {
        /// The configuration key of the limit.
        setting: &'static str,
        /// When the same request is admitted, if nothing else comes before.
        retry_after_ms: u32,
    },
    /// The server is at a limit of its own.
    #[error("the server is at its limit of uncommitted messages; try again shortly")]
    Overloaded,
    /// The disk is nearly full.
    #[error("the server's disk is nearly full; reading goes on, sending waits until the operator makes room")]
    StorageFull,
    /// A resend outside of the searched window.
    #[error("this resend is older than what the server searches; it may be stored or not")]
    ResendUnknown,
    /// A mark beyond the head.
    #[error("up_to_seq {got} is beyond the head {head} of the conversation")]
    BeyondHead {
        /// The head.
        head: Seq,
        /// What was asked.
        got: Seq,
    },
    /// A message is older than may be edited or revoked.
    #[error("the message is too old for this: the server allows {limit_s} seconds ({setting})")]
    TooOld {
        /// The configuration key of the limit.
        setting: &'static str,
        /// The limit.
        limit_s: u64,
    },
    /// Nothing of that kind can be done to what is at that seq, if anything is.
    #[error("there is no message at seq {0} that this could be done to")]
    UnknownMessage(Seq),
    /// The store could not be read.
    #[error("the server could not read its store; try again")]
    ReadFailed,
    /// The session token is not that of the device.
    #[error("the session token is not valid (any more): log in with a signed token or a password")]
    TokenInvalid,
    /// The session token's time is over.
    #[error("the session token has expired: log in with a signed token or a password")]
    TokenExpired,
    /// The device was revoked.
    #[error("this device was revoked: a signed token that is issued later, or the password, opens it again")]
    DeviceRevoked,
    /// The user or the password is wrong.
    #[error("the e-mail address, user or password is wrong")]
    WrongCredentials,
    /// The old password of a change is wrong.
    #[error("the old password is wrong")]
    WrongPassword,
    /// The address has an account.
    #[error("this e-mail address has an account")]
    EmailTaken,
    /// The user has as many devices as may be.
    #[error("this user has {limit} devices, as many as limits.devices_per_user_max allows: revoke one of them first")]
    TooManyDevices {
        /// How many.
        limit: usize,
    },
    /// A text breaks a rule for people.
    #[error("{field}: {rule}")]
    Rule {
        /// Which field.
        field: &'static str,
        /// The rule, in a sentence.
        rule: Box<str>,
    },
    /// Something that happens once in a lifetime, such as an id that was drawn twice.
    #[error("this could not be done now; try again")]
    Unlucky,
    /// One of the two users has blocked the other.
    #[error("one of you has blocked the other")]
    Blocked,
    /// A newer session of the same device is open.
    #[error("a newer connection of this device has logged in")]
    DeviceReplaced,
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
