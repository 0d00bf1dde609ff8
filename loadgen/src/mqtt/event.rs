//! What passes from a session to the engine around it.

use bytes::Bytes;

/// What a session says.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The broker takes the client.
    LoggedIn,
    /// Every topic is subscribed to, and messages flow.
    Ready,
    /// It had a session there, and the broker knows it no more: what waited for it is gone.
    SessionLost,
    /// The broker has the message (PUBACK).
    Acknowledged {
        /// As [`MqttSession::publish`](super::session::MqttSession::publish) returned it.
        ticket: u64,
    },
    /// The broker will not have it.
    PublishRefused {
        /// As [`MqttSession::publish`](super::session::MqttSession::publish) returned it.
        ticket: u64,
        /// In the broker's words.
        reason: String,
    },
    /// It was put on the wire once more after a reconnect, and may arrive twice: QoS 1 is "at least once".
    Repeated {
        /// As [`MqttSession::publish`](super::session::MqttSession::publish) returned it.
        ticket: u64,
    },
    /// A message of a conversation; its PUBACK is on the way.
    Message {
        /// Which conversation.
        key: u64,
        /// The body.
        payload: Bytes,
        /// The broker says that it may have sent it before (DUP).
        again: bool,
    },
    /// The broker closed, or refused for now, and said why.
    Goodbye(String),
    /// The broker will not have this client, and the session does not connect again.
    Fatal(String),
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishRefused {
    /// Too many are not acknowledged.
    #[error("{0} messages are not acknowledged yet")]
    Full(u16),
    /// The broker takes no packet of this size.
    #[error("the broker takes packets of at most {0} bytes")]
    TooLarge(u32),
}

/// What a session counted since its birth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes of whole packets received.
    pub bytes_in: u64,
    /// Bytes handed out to be written.
    pub bytes_out: u64,
    /// Packets received.
    pub packets_in: u64,
    /// Packets written.
    pub packets_out: u64,
    /// Messages put on the wire again.
    pub repeated: u64,
}
