//! What a session tells the application.

use super::credentials::SessionToken;
use super::reply::{Reply, RequestId, SendId};
use super::signals::{CallId, Signal};
use crate::ids::{Conversation, DeviceId, LogId, MessageId, Seq, UserId};
use crate::proto;

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

/// What happened. Events come in the order in which the server said it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The session is logged in; what was queued goes out by itself.
    LoggedIn {
        /// Who this is.
        user_id: UserId,
        /// This login made the account.
        created: bool,
        /// A new session token, to be kept for later runs of the application. The session itself uses it from now on.
        session_token: Option<SessionToken>,
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
    /// Marks that rose. [`Statuses`](crate::statuses::Statuses) makes sent, delivered and read of them.
    Receipts {
        /// Where.
        conversation: Conversation,
        /// In a direct conversation: the marks of its users. They never go back.
        receipts: Vec<proto::Receipt>,
        /// In a group: how many hold and have read a recent message of this user. They never go back.
        summaries: Vec<proto::ReceiptSummary>,
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
    /// How watched users are seen from now on; also what the session's own `Watch` after a reconnect brought.
    Presence(Vec<proto::UserPresence>),
    /// These users are no longer watched: the server refused it after a reconnect.
    WatchEnded {
        /// Who.
        users: Vec<UserId>,
        /// Why.
        error: Box<proto::Error>,
    },
    /// Somebody signals in a conversation; nothing of it is kept anywhere.
    Signalled {
        /// Where.
        conversation: Conversation,
        /// Who.
        from: UserId,
        /// On which device.
        from_device: DeviceId,
        /// What.
        signal: Signal,
    },
    /// Nobody answered a call in time.
    RingTimeout {
        /// Where.
        conversation: Conversation,
        /// Who made the offer.
        caller: UserId,
        /// Which call.
        call: CallId,
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
    /// The connection could not be made, or was of no use; `reconnect_at` says when to try again. For people, who may have
    /// to do something about it: the certificate is not trusted, the port is a wrong one. A session does not say this by
    /// itself, but whoever connects may let it, with `handle_unreachable`.
    Unreachable {
        /// What is wrong, with the way out where there is one.
        why: String,
    },
    /// The session has stopped: its credentials are void (expired, revoked, wrong). `Session::set_credentials` lets it
    /// go on; what was queued waits.
    CredentialsNeeded {
        /// Why.
        error: Box<proto::Error>,
    },
    /// The session has stopped, in order. `Session::set_credentials` begins anew.
    Ended(Ending),
    /// The session has stopped: the server will not have it, and no other credentials help.
    FatalError {
        /// Why.
        error: Box<proto::Error>,
    },
}

/// Why a session ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The same device logged in on another connection.
    Replaced,
    /// This device was revoked, or logged out from another one.
    Revoked,
    /// This session logged out.
    LoggedOut,
}
