//! What shards say to each other (and to themselves).
//!
//! Four kinds of receivers: the homes of conversations, of users and of e-mail addresses, and the shard of a session; facts of an
//! outbox go to whichever home must learn them. All of it goes through one FIFO for each pair of shards, so a page, a run and a membership change of one conversation arrive
//! in the order in which they were decided.

use crate::account::Email;
use crate::ids::{Conversation, DeviceId, LogId, MessageId, PartitionId, Seq, ShardId, Timestamp, UserId};
use crate::machine::CloseReason;
use crate::presence::UserPresence;
use crate::question::{Answer, Registration};
use crate::records::{MembershipRecord, OutboxRow, OwnedDevices, Page, PagePosition};
use crate::request::{Append, Caller, ConversationState, InfoQuery, NewInvite, Refusal, Reply, ReplyTo, SessionId};
use crate::signal::{Signal, SignalPush};
use bytes::Bytes;
use std::sync::Arc;

/// A message from one shard to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// To the home of a conversation.
    ToConversation(Conversation, ConversationMessage),
    /// To the home of users.
    ToUsers(UsersMessage),
    /// To the home of an e-mail address.
    ToEmail(Email, EmailMessage),
    /// To a connection that has asked.
    ToAsker(ReplyTo, Answer),
    /// To whoever must learn facts: rows of the sender's outbox, all for one partition.
    Learn {
        /// Theirs.
        partition: PartitionId,
        /// What is to be learned, and then confirmed.
        rows: Vec<OutboxRow>,
    },
    /// To the shard of sessions.
    ToSession(SessionMessage),
}

impl Message {
    /// Whether this is live traffic that a mark can replace when there is no room for it.
    #[must_use]
    pub fn as_run(&self) -> Option<(Conversation, Seq)> {
        match self {
            Message::ToSession(SessionMessage::Run(run)) => Some((run.conversation, run.last)),
            _ => None,
        }
    }

    /// Whether this may be dropped when there is no room for it.
    #[must_use]
    pub fn is_droppable(&self) -> bool {
        match self {
            Message::ToSession(SessionMessage::Receipts(_) | SessionMessage::Summaries(_)) => true,
            Message::ToSession(SessionMessage::Presence(push)) => push.only.is_none(),
            _ => self.is_signal(),
        }
    }

    /// Whose presence this is. The core must be told when it was dropped ([`crate::machine::Input::PresenceLost`]).
    #[must_use]
    pub fn presence_of(&self) -> Option<UserId> {
        match self {
            Message::ToSession(SessionMessage::Presence(push)) => Some(push.presence.user),
            _ => None,
        }
    }

    /// Whether this is a signal that nobody waits to see answered.
    #[must_use]
    pub fn is_signal(&self) -> bool {
        match self {
            Message::ToSession(SessionMessage::Signal(_)) => true,
            Message::ToConversation(_, message) => message.is_signal(),
            _ => false,
        }
    }
}

/// What the home of a conversation is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationMessage {
    /// Appends an entry.
    Append(Caller, Box<Append>),
    /// Asks for the next page for a session.
    Pull(Pull),
    /// Asks for a part of the log: at most so many entries, raw or in their newest form.
    History(Caller, PagePosition, usize, bool),
    /// Asks for a description of a group: members above an id, at most so many.
    GetGroup(Caller, UserId, usize),
    /// Asks for the conversation as one user sees it.
    State(StateQuery),
    /// Makes an invitation.
    CreateInvite(Caller, NewInvite),
    /// Voids all invitations.
    RevokeInvites(Caller),
    /// Asks who holds a message and has read it.
    MessageInfo(Caller, InfoQuery),
    /// Moves marks.
    Mark(Mark),
    /// Forwards a signal.
    Signal(Caller, Box<Signal>),
    /// No session of the asking shard follows this conversation any more.
    Unfollow(ShardId),
    /// These rows of the conversation's outbox have been learned.
    Confirm(Vec<MessageId>),
    /// The answer to [`UsersMessage::FindMissing`].
    Missing(Vec<UserId>),
    /// The answer to [`UsersMessage::Acquaint`]: why the conversation may not begin.
    Acquainted(Option<Refusal>),
    /// One of the two users has blocked the other, or not any more; to be confirmed.
    LearnBlock {
        /// Who.
        user: UserId,
        /// Whether it is so.
        blocked: bool,
        /// Of the decision.
        version: MessageId,
        /// The row of the user's outbox that says it.
        row: MessageId,
    },
    /// The answer to [`UsersMessage::Devices`]; `None` when nobody could tell.
    Devices(Option<Vec<OwnedDevices>>),
}

impl ConversationMessage {
    /// Whether this is a signal that nobody waits to see answered.
    #[must_use]
    pub fn is_signal(&self) -> bool {
        matches!(self, ConversationMessage::Signal(caller, _) if caller.reply_to.request_id == 0)
    }
}

/// Which conversation's state, for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateQuery {
    /// As this user sees it.
    pub user: UserId,
    /// The user's shard.
    pub shard: ShardId,
    /// Which of its lists waits for it.
    pub list: ListId,
}

/// Names a list that waits for states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListId(pub u32);

/// The next page for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Whose session.
    pub user: UserId,
    /// The shard of the session.
    pub shard: ShardId,
    /// The session.
    pub session: SessionId,
    /// From where.
    pub start: Start,
    /// Also describe the conversation.
    pub with_state: bool,
}

/// Where a session starts to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After a cursor of the client, in this life of the log (0: unknown).
    Cursor(Seq, LogId),
    /// After this seq, whatever the client holds: everything in between that it may see was sent before.
    Since(Seq),
    /// After the user's delivered mark, and not too far before the head.
    Delivered,
    /// Not too far before the head, whatever the marks say.
    Tail,
}

/// A device's marks; 0 says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Whose.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Held up to here.
    pub delivered: Seq,
    /// Seen up to here.
    pub read: Seq,
    /// Who waits for `Done`.
    pub reply_to: Option<ReplyTo>,
}

/// What the home of users is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsersMessage {
    /// Which of these users, all of one partition, have no account? The answer goes to a conversation's home.
    FindMissing {
        /// Their partition.
        partition: PartitionId,
        /// Who.
        users: Vec<UserId>,
        /// Who asks.
        conversation: Conversation,
    },
    /// Which devices have these users, all of one partition? The answer goes to a conversation's home.
    Devices {
        /// Their partition.
        partition: PartitionId,
        /// Who.
        users: Vec<UserId>,
        /// Who asks.
        conversation: Conversation,
    },
    /// Makes an account whose address is reserved until then.
    MakeAccount(ReplyTo, Box<Registration>, Timestamp),
    /// Asks for what a password is compared with, if the account has this address.
    Credentials(ReplyTo, UserId, Option<Email>),
    /// Asks whether a user's account has an address. The answer is [`EmailMessage::Held`].
    Holds(UserId, Email),
    /// Asks for a user's profile.
    Profile(Caller, UserId),
    /// Users of one partition are watched.
    Watch(Box<WatchAsk>),
    /// No session of the first user watches these any more.
    Unwatch(UserId, Vec<UserId>),
    /// Which of these users, all of one partition, have no account? The answer is [`UsersMessage::Strangers`].
    FindStrangers {
        /// Their partition.
        partition: PartitionId,
        /// Who.
        users: Vec<UserId>,
        /// Where the answer goes.
        shard: ShardId,
        /// That shard's number for the question.
        check: usize,
    },
    /// These have none (`UserId(0)`: it could not be read).
    Strangers {
        /// Which question.
        check: usize,
        /// Who.
        users: Vec<UserId>,
    },
    /// Does this user exist, and have they blocked the other of the conversation?
    Acquaint(UserId, Conversation),
    /// Rows of this user's outbox have been learned.
    Confirm(UserId, Vec<MessageId>),
}

/// What the home of an e-mail address is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmailMessage {
    /// Reserves it and has the account made.
    Register(ReplyTo, Box<Registration>),
    /// Asks for what the password of its account is compared with.
    Credentials(ReplyTo),
    /// Whether the user's account has it.
    Held(UserId, bool),
    /// Nobody could tell.
    HolderUnknown,
}

/// A question about the presence of users, now and from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchAsk {
    /// Theirs.
    pub partition: PartitionId,
    /// Who asks.
    pub watcher: UserId,
    /// Where the answer goes.
    pub shard: ShardId,
    /// See `shard`.
    pub session: SessionId,
    /// The session's number for the question.
    pub run: u32,
    /// About whom.
    pub users: Vec<UserId>,
}

/// The answer to a [`WatchAsk`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchAnswer {
    /// Whose question it was.
    pub session: SessionId,
    /// The session's number for it.
    pub run: u32,
    /// The answer; `None` when the store could not be read.
    pub users: Option<Vec<UserPresence>>,
}

/// A user's presence has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresencePush {
    /// What it is now.
    pub presence: UserPresence,
    /// For this watcher only.
    pub only: Option<UserId>,
    /// Not for these watchers.
    pub except: Box<[UserId]>,
}

/// What the shard of sessions is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionMessage {
    /// The answer to a request.
    Reply(ReplyTo, Reply),
    /// The answer to a [`Pull`].
    Page(Box<PullPage>),
    /// Entries that were just committed.
    Run(Run),
    /// Marks that were just committed.
    Receipts(ReceiptsPush),
    /// What became of messages of a group, for authors on that shard.
    Summaries(SummariesPush),
    /// A signal.
    Signal(Box<SignalPush>),
    /// A user's presence has changed.
    Presence(Box<PresencePush>),
    /// The answer to a [`WatchAsk`].
    Watched(Box<WatchAnswer>),
    /// Runs up to `head` were left out for want of room.
    Behind(Conversation, Seq),
    /// Runs of conversations homed on that shard were left out for want of room.
    AllBehind(ShardId),
    /// The answer to a [`StateQuery`]; `None` when the store could not be read.
    State(ListId, Conversation, Option<Box<ConversationState>>),
    /// A session is over.
    End(SessionId, CloseReason),
    /// A user's membership was stored.
    MembershipChanged(UserId, Conversation, MembershipRecord),
}

/// A page for one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullPage {
    /// Whose log.
    pub conversation: Conversation,
    /// For whom.
    pub session: SessionId,
    /// What was asked.
    pub start: Start,
    /// The answer.
    pub answer: PullAnswer,
    /// The conversation as the user sees it, when that was asked.
    pub state: Option<ConversationState>,
}

/// The answer to a [`Pull`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullAnswer {
    /// Entries.
    Page {
        /// Which life of the log.
        log_id: LogId,
        /// The seq from which the session continues: nothing between it and `page.after` is for this user.
        from: Seq,
        /// The entries.
        page: Page,
        /// What follows.
        next: Next,
    },
    /// The cursor is void.
    Reset {
        /// Which life of the log is now.
        log_id: LogId,
        /// Highest seq no longer kept.
        floor: Seq,
        /// Highest seq.
        head: Seq,
    },
    /// The user never was a member, or there is no such conversation.
    NotAMember,
    /// The store could not be read.
    Failed,
}

/// What follows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again.
    More,
    /// The page reached the head, and runs follow from here.
    Live,
    /// The user is no member any more: nothing follows.
    Ended,
}

/// Entries of one log that were committed together, for everybody who follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whose log.
    pub conversation: Conversation,
    /// Which life of it.
    pub log_id: LogId,
    /// Seq of the first entry.
    pub first: Seq,
    /// Seq of the last entry.
    pub last: Seq,
    /// The entries as `crate::entry` encodes them.
    pub entries: Bytes,
    /// Who was removed by the last of these entries: they see that entry and nothing after it.
    pub removed: Option<Removed>,
}

/// Whom an entry removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removed {
    /// These, ascending.
    Users(Arc<[UserId]>),
    /// All members.
    Everybody,
}

impl Removed {
    /// Whether this user is among them.
    #[must_use]
    pub fn contains(&self, user: UserId) -> bool {
        match self {
            Removed::Users(users) => users.binary_search(&user).is_ok(),
            Removed::Everybody => true,
        }
    }
}

/// How many members hold a message and have read it, its author excepted. The counts never fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The message.
    pub seq: Seq,
    /// How many hold it.
    pub delivered: u32,
    /// How many have read it.
    pub read: u32,
}

/// What became of messages of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummariesPush {
    /// Which group.
    pub conversation: Conversation,
    /// Each with its author, by author and seq.
    pub summaries: Vec<(UserId, Summary)>,
}

/// Marks of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptsPush {
    /// Which.
    pub conversation: Conversation,
    /// (user, delivered, read).
    pub receipts: Vec<(UserId, Seq, Seq)>,
}
