//! What a session tells the application, and what the application asks of it.

use bytes::Bytes;

use crate::frame::FrameError;
use crate::ids::{Conversation, GroupId, LogId, MessageId, NameError, Seq, UserId};
use crate::proto;

/// A send of this session, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SendId(pub(crate) u64);

/// Another request of this session, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// To whom a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recipient {
    /// The other person of a direct conversation, which begins with its first message.
    User(UserId),
    /// A group that the sender is a member of.
    Group(GroupId),
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

/// How a session came by entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Pushed as they happened.
    Live,
    /// Pushed by a sync: they happened while this device was away, or was slow.
    CatchUp,
    /// Fetched, because a push had left a gap before itself.
    Repair,
}

/// The answer to a request other than a send.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Done, and nothing more to say.
    Done,
    /// To `create_group` and `get_group`.
    Group(proto::Group),
    /// To `list_conversations`.
    Conversations(proto::Conversations),
    /// To `history`. These entries do not move the cursor.
    History(proto::Entries),
}

/// What happened. Events come in the order in which the server said it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The session is logged in; what was queued goes out by itself.
    LoggedIn {
        /// Who this is.
        user_id: UserId,
        /// This login made the account.
        created: bool,
    },
    /// Once after each login (and seldom after a `LogReset`): every conversation has reached the head that it had when the sync
    /// began.
    Synced(Vec<proto::ConversationState>),
    /// The log went on: the entries that follow those reported before, without gap or duplicate. Never empty.
    Entries {
        /// Whose log.
        conversation: Conversation,
        /// To be kept with the cursor.
        log_id: LogId,
        /// In order. Bodies share the memory of the received bytes: copy what is kept for long.
        entries: Vec<proto::Entry>,
        /// How they came.
        source: Source,
    },
    /// A message is durable.
    Sent {
        /// As returned by `send`.
        id: SendId,
        /// Where it is.
        conversation: Conversation,
        /// Its number there.
        seq: Seq,
        /// Its cluster-wide name.
        message_id: MessageId,
        /// When it was decided: microseconds since the Unix epoch, UTC.
        time_us: i64,
        /// An earlier attempt had stored it already.
        duplicate: bool,
    },
    /// The server refused a message for good. With `RESEND_UNKNOWN` it may be stored or not.
    SendFailed {
        /// As returned by `send`.
        id: SendId,
        /// Why.
        error: Box<proto::Error>,
    },
    /// The other person's marks in a direct conversation.
    Receipts {
        /// Which one.
        conversation: Conversation,
        /// They never go back.
        receipts: Vec<proto::Receipt>,
    },
    /// A request was answered.
    Reply {
        /// As returned by the request's method.
        request: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// The server refused a request for good.
    RequestFailed {
        /// As returned by the request's method.
        request: RequestId,
        /// Why.
        error: Box<proto::Error>,
    },
    /// This user's membership began or ended.
    ConversationChanged {
        /// Of what.
        conversation: Conversation,
        /// A member from now on, or no longer.
        member: bool,
    },
    /// The log began anew: numbers up to the old cursor may now mean other entries. Forget the kept ones of this
    /// conversation; the newest that the server has follow as `Entries` with the new `log_id`, older ones by `history`.
    LogReset {
        /// Whose log.
        conversation: Conversation,
        /// Its new life.
        log_id: LogId,
        /// The highest seq no longer kept.
        floor: Seq,
        /// The highest seq there is.
        head: Seq,
    },
    /// The server answered a ping of the application or of the session itself.
    Pong {
        /// As given to `ping`; the session's own pings carry 0.
        nonce: u64,
        /// The server's clock: microseconds since the Unix epoch, UTC.
        server_time_us: i64,
    },
    /// The connection ended; `reconnect_at` says when to try again.
    Disconnected {
        /// What the server said before, if it said so.
        bye: Option<proto::Bye>,
    },
    /// The session has stopped and will not connect by itself: get a new token (`REAUTHENTICATE`, then
    /// `Session::set_token`), or give up.
    FatalError {
        /// Why.
        error: Box<proto::Error>,
    },
}

/// Why a request was not taken. Nothing was queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendRefused {
    /// `SessionConfig::sends_queued_max` requests wait for their answers: try again after the next one.
    #[error("{max} requests wait for their answers already")]
    QueueFull {
        /// `SessionConfig::sends_queued_max`.
        max: usize,
    },
    /// The body is over the server's limit.
    #[error("a body of {length} bytes is over the limit of {max}")]
    BodyTooLong {
        /// In bytes.
        length: usize,
        /// `Limits.body_bytes_max`, in bytes.
        max: usize,
    },
    /// The request would not fit into a frame.
    #[error("a request of {length} bytes is over the frame limit of {max}")]
    FrameTooLong {
        /// In bytes.
        length: usize,
        /// `Limits.frame_bytes_max`, in bytes.
        max: usize,
    },
    /// The session was replaced or failed for good, and will not connect by itself.
    #[error("the session has stopped")]
    Stopped,
}

/// The server broke the rules: close the connection (`handle_disconnected` follows as after any loss).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A length prefix of 0 or over the limit.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Not a `ServerFrame`.
    #[error("not a server frame: {0}")]
    Decode(#[from] prost::DecodeError),
    /// A conversation without a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A body that has no place here, such as entries before the login.
    #[error("a frame that has no place here: {0}")]
    Unexpected(&'static str),
    /// Entries that do not follow each other.
    #[error("entry {found} where {expected} must be")]
    NotContiguous {
        /// The seq that had to come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// More conversations than `SessionConfig::conversations_max`.
    #[error("more than {max} conversations")]
    TooManyConversations {
        /// The limit.
        max: usize,
    },
}
