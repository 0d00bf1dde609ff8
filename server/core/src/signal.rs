//! Signals: what is forwarded to whoever follows a conversation now, and never stored.

use crate::ids::{Conversation, DeviceId, UserId};
use crate::request::SessionId;
use bytes::Bytes;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// What it says.
    pub kind: SignalKind,
    /// Opaque.
    pub body: Bytes,
    /// Names a call, in the kinds of calls; 0 elsewhere.
    pub call_id: u64,
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// The person writes.
    Typing,
    /// The person writes no more.
    TypingStopped,
    /// A call begins to ring.
    CallOffer,
    /// A call is taken.
    CallAnswer,
    /// A way for a call's media.
    CallCandidate,
    /// A call ends.
    CallHangUp,
    /// What the application makes of it.
    Custom,
    /// Nobody took a call; from the server only.
    CallRingTimeout,
}

/// A signal on its way to the sessions that follow a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalPush {
    /// Where.
    pub conversation: Conversation,
    /// Who sent it; of a ring timeout: who made the offer.
    pub from: UserId,
    /// On which device.
    pub device: DeviceId,
    /// The session that sent it, and gets no copy.
    pub except: Option<(crate::ids::ShardId, SessionId)>,
    /// What was sent.
    pub signal: Signal,
}
