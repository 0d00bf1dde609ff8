//! What the core answers, and what it tells of conversations, groups, messages, people and devices.

use super::{InviteSecret, Refusal};
use crate::account::Email;
use crate::ids::{Conversation, DeviceId, GroupId, LogId, MessageId, Seq, Timestamp, UserId};
use crate::message::Summary;
use crate::presence::UserPresence;
use crate::records::{GroupSettings, MembershipRecord, MutedUntil, Page, Retention, Role};

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
