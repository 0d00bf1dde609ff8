//! The interface of the machine: what goes in and what comes out.

use crate::account::{PasswordHash, TokenHash};
use crate::ids::{Conversation, DeviceId, PartitionId, Seq, ShardId, Timestamp, UserId};
use crate::message::{Message, ReceiptsPush, Run, Start, Summary};
use crate::presence::UserPresence;
use crate::question::{Answer, Question};
use crate::records::{OutboxRow, Page, Read, ReadResult};
use crate::request::{Reply, Request, SessionId};
use crate::signal::SignalPush;
use std::ops::Range;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A device says who it is, and its socket is on this shard, which is the user's home.
    Open(Box<Open>),
    /// A connection without a session asks, or one whose user changes the password.
    Ask {
        /// The connection.
        asker: SessionId,
        /// Its number for what it waits for.
        request_id: u64,
        /// What it asks.
        question: Question,
    },
    /// A session asks.
    Request {
        /// Which.
        session: SessionId,
        /// Its number for the request; 0 wants no reply.
        request_id: u64,
        /// What it asks.
        request: Request,
    },
    /// A session is gone.
    Closed(SessionId),
    /// A push of entries was not queued because the session is over its outbound limit.
    OutboundFull {
        /// Which.
        session: SessionId,
        /// Whose log.
        conversation: Conversation,
        /// Where the session stands in that log: after the entries before a run, or at [`Effect::PushPage`]'s `start`.
        position: Start,
    },
    /// A session that was over its limit has room again.
    OutboundDrained(SessionId),
    /// Something was heard from a session that is no request.
    Active(SessionId),
    /// A push of presence was not queued because the session is over its outbound limit.
    PresenceMissed(SessionId),
    /// Presence for another shard was dropped for want of room, and there is room again. The lowest of the users whose
    /// presence it was: the users are told of in ascending order, so each time at least that one arrives.
    PresenceLost(ShardId, UserId),
    /// The process will end soon: what is known only in memory is to be written.
    Stopping,
    /// Another shard says something.
    Message(Message),
    /// A batch is durable. In order for each partition.
    Committed(PartitionId, u64),
    /// A read was answered.
    Loaded(ReadToken, ReadResult),
    /// A read failed.
    LoadFailed(ReadToken),
    /// What a partition had not delivered when the store was opened.
    Recovered(PartitionId, Vec<OutboxRow>),
    /// The disk is nearly full, or no longer.
    StorageFull(bool),
    /// About ten times a second.
    Tick,
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The session to be.
    pub session: SessionId,
    /// Who.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Rises with each login of the node; an older one never replaces a newer.
    pub generation: u64,
    /// The number of the login request.
    pub request_id: u64,
    /// Why it is believed.
    pub proof: Proof,
    /// What the device calls itself.
    pub device_name: Box<str>,
    /// What it runs on.
    pub platform: Box<str>,
    /// A session token that was made for it, to be used from now on.
    pub new_token: Option<TokenHash>,
}

impl Open {
    /// A login of a nameless device by a signed token of no date.
    #[must_use]
    pub fn new(session: SessionId, user: UserId, device: DeviceId, generation: u64, request_id: u64) -> Open {
        Open {
            session,
            user,
            device,
            generation,
            request_id,
            proof: Proof::SignedToken { issued: None },
            device_name: Box::default(),
            platform: Box::default(),
            new_token: None,
        }
    }
}

/// Why a login is believed, or what it is still to be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A signed token, which the edge has verified.
    SignedToken {
        /// When it says that it was issued.
        issued: Option<Timestamp>,
    },
    /// A password, which the edge has verified against this; the account must still have it.
    Password(PasswordHash),
    /// A session token; the device must have it.
    SessionToken(TokenHash),
}

/// Names a read under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadToken(pub u32);

/// Something to do, in this order. Batches to commit are not among them: [`crate::Shard::seal`] gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer a request. A request id of 0 is not answered, save for [`Reply::LoggedIn`].
    Reply {
        /// Whom.
        session: SessionId,
        /// Which request.
        request_id: u64,
        /// With what.
        reply: Reply,
    },
    /// Answer a question of a connection, if it is still there.
    Answer {
        /// Whom.
        asker: SessionId,
        /// Its number for the question.
        request_id: u64,
        /// With what.
        answer: Answer,
    },
    /// Push a run of entries to many sessions: a range of [`Output::targets`].
    PushRun(Run, Range<u32>),
    /// Push a page of a log to one session.
    PushPage {
        /// Whom.
        session: SessionId,
        /// Whose log.
        conversation: Conversation,
        /// Which life of it.
        log_id: crate::ids::LogId,
        /// What the client holds.
        from: Seq,
        /// Where the session stood before the page.
        start: Start,
        /// The entries.
        page: Page,
    },
    /// Push marks to many sessions: a range of [`Output::targets`].
    PushReceipts(ReceiptsPush, Range<u32>),
    /// Push a signal to many sessions: a range of [`Output::targets`].
    PushSignal(Box<SignalPush>, Range<u32>),
    /// Push an author what became of their messages in a group, to many sessions: a range of [`Output::targets`].
    PushSummaries(Conversation, Vec<Summary>, Range<u32>),
    /// Push the presence of users to many sessions: a range of [`Output::targets`].
    PushPresence(Vec<UserPresence>, Range<u32>),
    /// Tell a session that a membership began or ended.
    PushMembership(SessionId, Conversation, bool),
    /// End a session after what was said to it, with a farewell where the reason wants one.
    Close(SessionId, CloseReason),
    /// Send a message to another shard, in order.
    Forward(ShardId, Message),
    /// Ask the store.
    Read(ReadToken, Read),
}

/// Why the core ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The same device logged in anew.
    Replaced,
    /// The login was refused, as the reply before says.
    LoginRefused,
    /// Its device was logged out or revoked from elsewhere.
    Revoked,
    /// It has logged out, as the reply before says.
    LoggedOut,
}

/// What came out. The edge drains it and gives the empty vessel back.
#[derive(Debug, Default)]
pub struct Output {
    /// In order.
    pub effects: Vec<Effect>,
    /// Sessions that effects name by range.
    pub targets: Vec<SessionId>,
}

impl Output {
    /// Empties both lists, keeping their memory.
    pub fn clear(&mut self) {
        self.effects.clear();
        self.targets.clear();
    }
}

/// What waits in a shard, now; the edge exports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Bytes that were decided and are not committed.
    pub pending_bytes: usize,
    /// Syncs of sessions that were not answered.
    pub syncs: usize,
    /// Calls that ring.
    pub calls_ringing: usize,
}

/// Plain counts since the start; the edge exports them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Appends that were asked for.
    pub sends: u64,
    /// Entries that were decided.
    pub entries: u64,
    /// Copies of entries pushed to sessions (before an edge refused one).
    pub deliveries: u64,
    /// Resends found in the log.
    pub duplicates: u64,
    /// Sessions set behind in a conversation.
    pub resyncs: u64,
    /// Pages answered.
    pub pages: u64,
    /// Requests refused.
    pub refusals: u64,
    /// Signals dropped because their conversation was not ready for them.
    pub signals_dropped: u64,
    /// Entries whose bodies were taken away by retention.
    pub entries_expired: u64,
    /// Entries that were removed after that, headers and all.
    pub entries_removed: u64,
}
