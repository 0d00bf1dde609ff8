//! Signals: typing, and the steps of a call. Forwarded to who is there now; kept nowhere.
//!
//! Promises: a signal is written at once or not at all; it is never queued, and never written after a reconnect.

use std::time::Duration;

use bytes::Bytes;

use super::event::Event;
use super::refusal::ProtocolError;
use super::{Session, proto};
use crate::ids::{Conversation, DeviceId, UserId};
use crate::proto::SignalKind as Kind;
use crate::proto::client_frame::Body;

/// Names a call; chosen by the caller, not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What is signalled.
#[derive(Clone, PartialEq, Eq)]
pub struct Signal {
    /// Of which kind.
    pub kind: SignalKind,
    /// Opaque to the server, at most `Limits.signal_bytes_max`.
    pub body: Bytes,
}

/// The kinds of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignalKind {
    /// The person is writing.
    Typing,
    /// Not any more.
    TypingStopped,
    /// A step of a call.
    Call(CallId, CallStep),
    /// Chosen by the application.
    Custom,
}

/// The steps of a call; the application's signalling protocol (such as SDP and ICE) lies in the bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallStep {
    /// Begins to ring; without an answer in time, everybody gets [`Event::RingTimeout`].
    Offer,
    /// Takes the call.
    Answer,
    /// A way to reach this side.
    Candidate,
    /// Ends or declines the call.
    HangUp,
}

/// Why a signal was not written. It is not kept for later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignalDropped {
    /// There is no session on a connection now.
    #[error("not logged in now")]
    NotReady,
    /// The body is over the server's limit.
    #[error("a signal of {length} bytes is over the limit of {max}")]
    TooLong {
        /// In bytes.
        length: usize,
        /// `Limits.signal_bytes_max`, in bytes.
        max: usize,
    },
}

impl Signal {
    /// The person is writing.
    #[must_use]
    pub fn typing() -> Self {
        Self { kind: SignalKind::Typing, body: Bytes::new() }
    }

    /// The person is not writing any more.
    #[must_use]
    pub fn typing_stopped() -> Self {
        Self { kind: SignalKind::TypingStopped, body: Bytes::new() }
    }

    /// A step of a call.
    #[must_use]
    pub fn call(call: CallId, step: CallStep, body: impl Into<Bytes>) -> Self {
        Self { kind: SignalKind::Call(call, step), body: body.into() }
    }
}

impl std::fmt::Debug for Signal {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signal({:?}, {} bytes)", self.kind, self.body.len())
    }
}

impl SignalKind {
    pub(super) fn to_wire(self) -> (Kind, u64) {
        match self {
            Self::Typing => (Kind::Typing, 0),
            Self::TypingStopped => (Kind::TypingStopped, 0),
            Self::Custom => (Kind::Custom, 0),
            Self::Call(call, CallStep::Offer) => (Kind::CallOffer, call.0),
            Self::Call(call, CallStep::Answer) => (Kind::CallAnswer, call.0),
            Self::Call(call, CallStep::Candidate) => (Kind::CallCandidate, call.0),
            Self::Call(call, CallStep::HangUp) => (Kind::CallHangUp, call.0),
        }
    }

    /// `None` for what is no signal of a person.
    fn from_wire(kind: Kind, call_id: u64) -> Option<Self> {
        let call = |step| Some(Self::Call(CallId(call_id), step));
        match kind {
            Kind::Typing => Some(Self::Typing),
            Kind::TypingStopped => Some(Self::TypingStopped),
            Kind::Custom => Some(Self::Custom),
            Kind::CallOffer => call(CallStep::Offer),
            Kind::CallAnswer => call(CallStep::Answer),
            Kind::CallCandidate => call(CallStep::Candidate),
            Kind::CallHangUp => call(CallStep::HangUp),
            Kind::CallRingTimeout | Kind::Unspecified => None,
        }
    }
}

impl Session {
    /// Signals to whoever follows the conversation now. There is no answer: the server drops signals first when it is
    /// busy.
    ///
    /// ```no_run
    /// # use hubbub_codec::{ids::Conversation, session::{Session, Signal, SignalDropped}};
    /// # fn example(session: &mut Session, now: std::time::Duration, conversation: Conversation) {
    /// if let Err(SignalDropped::NotReady) = session.signal(now, &conversation, Signal::typing()) {
    ///     // Nobody is told that somebody is writing. That is all right.
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SignalDropped`]; nothing was written.
    pub fn signal(&mut self, now: Duration, conversation: &Conversation, signal: Signal) -> Result<(), SignalDropped> {
        let (length, max) = (signal.body.len(), self.limits.signal_bytes_max());
        if length > max {
            return Err(SignalDropped::TooLong { length, max });
        }
        if !self.is_ready() {
            return Err(SignalDropped::NotReady);
        }
        let (kind, call_id) = signal.kind.to_wire();
        let conversation = Some((*conversation).into());
        let signal = proto::Signal { conversation, kind: kind.into(), body: signal.body, call_id };
        self.write(now, 0, Body::Signal(signal));
        Ok(())
    }

    pub(super) fn handle_signalled(&mut self, signalled: proto::Signalled) -> Result<(), ProtocolError> {
        let conversation = Conversation::try_from(&signalled.conversation)?;
        let from = UserId(signalled.from);
        let known = Kind::try_from(signalled.kind).unwrap_or(Kind::Unspecified);
        if known == Kind::CallRingTimeout {
            let call = CallId(signalled.call_id);
            self.events.push_back(Event::RingTimeout { conversation, caller: from, call });
        } else if let Some(kind) = SignalKind::from_wire(known, signalled.call_id) {
            let from_device = DeviceId(signalled.from_device);
            let signal = Signal { kind, body: signalled.body };
            self.events.push_back(Event::Signalled { conversation, from, from_device, signal });
        } else {
            self.stats.unknown_frames += 1;
        }
        Ok(())
    }
}
