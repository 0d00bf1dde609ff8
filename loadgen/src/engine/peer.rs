//! The session of a client, whatever protocol it speaks.
//!
//! Everything that the engine does to every session is a method here; what only one protocol has (groups that are made,
//! read marks, signals, presence) is asked of [`Peer::hubbub_mut`], and counted as not driven where there is none.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hubbub_codec::session::{Event, SendId, Session, Stats};

/// A session.
pub(super) enum Peer {
    /// Of the client library.
    Hubbub(Session),
}

/// A send of a session, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendTicket {
    Hubbub(SendId),
}

/// What a session says.
pub(super) enum PeerEvent {
    Hubbub(Event),
}

impl Peer {
    /// The session of the client library, if that is what it is.
    pub(super) fn hubbub(&self) -> Option<&Session> {
        match self {
            Self::Hubbub(session) => Some(session),
        }
    }

    /// The same, for requests.
    pub(super) fn hubbub_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Hubbub(session) => Some(session),
        }
    }

    pub(super) fn reconnect_at(&self) -> Option<Duration> {
        match self {
            Self::Hubbub(session) => session.reconnect_at(),
        }
    }

    pub(super) fn handle_connected(&mut self, now: Duration) {
        match self {
            Self::Hubbub(session) => session.handle_connected(now),
        }
    }

    pub(super) fn handle_disconnected(&mut self, now: Duration) {
        match self {
            Self::Hubbub(session) => session.handle_disconnected(now),
        }
    }

    /// Takes the complete frames off `input`.
    ///
    /// # Errors
    /// In words, when the server broke the protocol: the connection is over.
    pub(super) fn handle_bytes(&mut self, now: Duration, input: &mut BytesMut) -> Result<(), String> {
        match self {
            Self::Hubbub(session) => session.handle_bytes(now, input).map_err(|error| error.to_string()),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        match self {
            Self::Hubbub(session) => session.handle_timeout(now),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Hubbub(session) => session.poll_timeout(),
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Bytes> {
        match self {
            Self::Hubbub(session) => session.poll_transmit(),
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<PeerEvent> {
        match self {
            Self::Hubbub(session) => session.poll_event().map(PeerEvent::Hubbub),
        }
    }

    pub(super) fn should_close(&self) -> bool {
        match self {
            Self::Hubbub(session) => session.should_close(),
        }
    }

    pub(super) fn stats(&self) -> Stats {
        match self {
            Self::Hubbub(session) => session.stats(),
        }
    }
}
