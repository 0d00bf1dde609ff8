//! The session of a client, whatever protocol it speaks.
//!
//! Everything that the engine does to every session is a method here; what only one protocol has (groups that are made,
//! read marks, signals, presence) is asked of [`Peer::hubbub_mut`], and counted as not driven where there is none.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hubbub_codec::ids::{Conversation as ConversationName, UserId};
use hubbub_codec::session::{Event, OutgoingMessage, Recipient, SendId, Session, Stats};

use crate::mqtt::session::{Event as MqttEvent, MqttSession};

/// A session.
#[expect(clippy::large_enum_variant, reason = "the large one is what nearly every client is")]
pub(super) enum Peer {
    /// Of the client library.
    Hubbub(Session),
    /// Of an MQTT broker; boxed, so that it costs the others nothing.
    Mqtt(Box<MqttSession>),
}

/// A send of a session, until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendTicket {
    Hubbub(SendId),
    Mqtt(u64),
}

/// What a session says.
pub(super) enum PeerEvent {
    Hubbub(Event),
    Mqtt(MqttEvent),
}

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Destination {
    /// The conversation as the harness names it.
    pub(super) key: u64,
    /// As a Hubbub server does; there `user` sends.
    pub(super) name: Option<ConversationName>,
    pub(super) user: UserId,
}

impl Peer {
    /// The session of the client library, if that is what it is.
    pub(super) fn hubbub(&self) -> Option<&Session> {
        match self {
            Self::Hubbub(session) => Some(session),
            Self::Mqtt(_) => None,
        }
    }

    /// The same, for requests.
    pub(super) fn hubbub_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Hubbub(session) => Some(session),
            Self::Mqtt(_) => None,
        }
    }

    pub(super) fn reconnect_at(&self) -> Option<Duration> {
        match self {
            Self::Hubbub(session) => session.reconnect_at(),
            Self::Mqtt(session) => session.reconnect_at(),
        }
    }

    pub(super) fn handle_connected(&mut self, now: Duration) {
        match self {
            Self::Hubbub(session) => session.handle_connected(now),
            Self::Mqtt(session) => session.handle_connected(now),
        }
    }

    pub(super) fn handle_disconnected(&mut self, now: Duration) {
        match self {
            Self::Hubbub(session) => session.handle_disconnected(now),
            Self::Mqtt(session) => session.handle_disconnected(now),
        }
    }

    /// Takes the complete frames off `input`.
    ///
    /// # Errors
    /// In words, when the server broke the protocol: the connection is over.
    pub(super) fn handle_bytes(&mut self, now: Duration, input: &mut BytesMut) -> Result<(), String> {
        match self {
            Self::Hubbub(session) => session.handle_bytes(now, input).map_err(|error| error.to_string()),
            Self::Mqtt(session) => session.handle_bytes(now, input).map_err(|error| error.to_string()),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        match self {
            Self::Hubbub(session) => session.handle_timeout(now),
            Self::Mqtt(session) => session.handle_timeout(now),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Hubbub(session) => session.poll_timeout(),
            Self::Mqtt(session) => session.poll_timeout(),
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Bytes> {
        match self {
            Self::Hubbub(session) => session.poll_transmit(),
            Self::Mqtt(session) => session.poll_transmit(),
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<PeerEvent> {
        match self {
            Self::Hubbub(session) => session.poll_event().map(PeerEvent::Hubbub),
            Self::Mqtt(session) => session.poll_event().map(PeerEvent::Mqtt),
        }
    }

    pub(super) fn should_close(&self) -> bool {
        match self {
            Self::Hubbub(session) => session.should_close(),
            Self::Mqtt(session) => session.should_close(),
        }
    }

    /// Sends a message; it waits in the session while there is no connection.
    ///
    /// # Errors
    /// In words, when the session did not take it.
    pub(super) fn send(&mut self, now: Duration, to: Destination, body: Bytes) -> Result<SendTicket, String> {
        match self {
            Self::Hubbub(session) => {
                let to = to.recipient().ok_or("the conversation has no name yet")?;
                let sent = session.send(now, to, OutgoingMessage { body, ..OutgoingMessage::default() });
                sent.map(SendTicket::Hubbub).map_err(|refused| refused.to_string())
            }
            Self::Mqtt(session) => {
                session.publish(now, to.key, body).map(SendTicket::Mqtt).map_err(|refused| refused.to_string())
            }
        }
    }

    /// The run is over: what the server keeps for this session alone may go.
    pub(super) fn end(&mut self, now: Duration) {
        match self {
            Self::Hubbub(_) => {}
            Self::Mqtt(session) => session.end(now),
        }
    }

    pub(super) fn stats(&self) -> Stats {
        match self {
            Self::Hubbub(session) => session.stats(),
            Self::Mqtt(session) => {
                let counters = session.counters();
                Stats {
                    bytes_in: counters.bytes_in,
                    bytes_out: counters.bytes_out,
                    frames_in: counters.packets_in,
                    frames_out: counters.packets_out,
                    resends: counters.repeated,
                    ..Stats::default()
                }
            }
        }
    }
}

impl Destination {
    fn recipient(&self) -> Option<Recipient> {
        Some(match self.name? {
            ConversationName::Group(group) => Recipient::Group(group),
            ConversationName::Direct { low, high } => Recipient::User(if low == self.user { high } else { low }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_cost_a_client_of_hubbub_nothing() {
        assert_eq!(size_of::<Peer>(), size_of::<Session>());
    }
}
