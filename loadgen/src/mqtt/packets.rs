//! The two versions of the protocol as one: the few packets that a client of QoS 1 writes and reads.
//!
//! `rumqttc` encodes and decodes; its client and its runtime are not used.

use bytes::{Bytes, BytesMut};
use rumqttc::mqttbytes::{Error as Error3, QoS as Qos3, v4};
use rumqttc::v5::mqttbytes::{Error as Error5, QoS as Qos5, v5};

use super::{Config, Login, PACKET_BYTES_MAX, Version};

/// What a broker says.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// It takes the client (CONNACK).
    Accepted(Accepted),
    /// It does not.
    Refused {
        /// In its words.
        reason: String,
        /// Another attempt with the same words would be refused, too.
        for_good: bool,
    },
    /// A message.
    Message {
        /// On which topic.
        topic: Bytes,
        /// To be acknowledged under this id; `None` with QoS 0.
        packet_id: Option<u16>,
        /// Marked as sent before (DUP).
        again: bool,
        /// The body.
        payload: Bytes,
    },
    /// A message of ours is the broker's now (PUBACK), or was refused for a reason.
    Acknowledged {
        /// Which.
        packet_id: u16,
        /// Why it was refused.
        refused: Option<String>,
    },
    /// Subscriptions are made (SUBACK), or one was refused.
    Subscribed {
        /// Which packet of them.
        packet_id: u16,
        /// Why not.
        refused: Option<String>,
    },
    /// A sign of life.
    Pong,
    /// It closes, and says why (MQTT 5).
    Goodbye(String),
}

/// What a broker says when it takes a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// It still knows the session.
    pub session_present: bool,
    /// The most messages that it takes without having acknowledged them.
    pub receive_max: u16,
    /// The largest packet that it takes, in bytes.
    pub packet_bytes_max: u32,
    /// The longest silence that it allows, in seconds, when it insists on its own.
    pub keep_alive_s: Option<u16>,
    /// It takes QoS 1.
    pub takes_qos_1: bool,
}

/// What a broker did wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MqttError {
    /// A packet that is none.
    #[error("a malformed packet: {0}")]
    Malformed(String),
    /// A packet that has no place here.
    #[error("a packet that a client of QoS 1 is never sent: {0}")]
    Unexpected(&'static str),
}

/// Takes one packet off `input`; `None` when there is no whole one.
///
/// # Errors
/// [`MqttError`]: the connection is of no more use.
pub fn read(version: Version, input: &mut BytesMut) -> Result<Option<Incoming>, MqttError> {
    let before = input.len();
    // The decoder says "more bytes" of a packet that ends too early, too; that one it has taken off already.
    let is_incomplete = |after: usize| after == before;
    match version {
        Version::V3 => match v4::Packet::read(input, PACKET_BYTES_MAX) {
            Ok(packet) => incoming_3(packet).map(Some),
            Err(Error3::InsufficientBytes(_)) if is_incomplete(input.len()) => Ok(None),
            Err(error) => Err(MqttError::Malformed(error.to_string())),
        },
        Version::V5 => match v5::Packet::read(input, Some(PACKET_BYTES_MAX as u32)) {
            Ok(packet) => incoming_5(packet).map(Some),
            Err(Error5::InsufficientBytes(_)) if is_incomplete(input.len()) => Ok(None),
            Err(error) => Err(MqttError::Malformed(error.to_string())),
        },
    }
}

fn incoming_3(packet: v4::Packet) -> Result<Incoming, MqttError> {
    use v4::ConnectReturnCode::{ServiceUnavailable, Success};
    use v4::Packet;
    Ok(match packet {
        Packet::ConnAck(ack) if ack.code == Success => Incoming::Accepted(Accepted {
            session_present: ack.session_present,
            receive_max: u16::MAX,
            packet_bytes_max: u32::MAX,
            keep_alive_s: None,
            takes_qos_1: true,
        }),
        Packet::ConnAck(ack) => {
            Incoming::Refused { reason: format!("{:?}", ack.code), for_good: ack.code != ServiceUnavailable }
        }
        Packet::Publish(publish) => {
            if publish.qos == Qos3::ExactlyOnce {
                return Err(MqttError::Unexpected("PUBLISH with QoS 2"));
            }
            Incoming::Message {
                topic: publish.topic.into(),
                packet_id: (publish.qos == Qos3::AtLeastOnce).then_some(publish.pkid),
                again: publish.dup,
                payload: publish.payload,
            }
        }
        Packet::PubAck(ack) => Incoming::Acknowledged { packet_id: ack.pkid, refused: None },
        Packet::SubAck(ack) => {
            let granted = v4::SubscribeReasonCode::Success(Qos3::AtLeastOnce);
            let refused = ack.return_codes.iter().find(|code| **code != granted);
            Incoming::Subscribed { packet_id: ack.pkid, refused: refused.map(|code| format!("{code:?}")) }
        }
        Packet::PingResp => Incoming::Pong,
        _ => return Err(MqttError::Unexpected("not for clients, or of QoS 2")),
    })
}

fn incoming_5(packet: v5::Packet) -> Result<Incoming, MqttError> {
    use v5::{ConnectReturnCode, Packet, PubAckReason};
    Ok(match packet {
        Packet::ConnAck(ack) if ack.code == ConnectReturnCode::Success => {
            let properties = ack.properties.as_ref();
            Incoming::Accepted(Accepted {
                session_present: ack.session_present,
                receive_max: properties.and_then(|all| all.receive_max).unwrap_or(u16::MAX),
                packet_bytes_max: properties.and_then(|all| all.max_packet_size).unwrap_or(u32::MAX),
                keep_alive_s: properties.and_then(|all| all.server_keep_alive),
                takes_qos_1: properties.and_then(|all| all.max_qos).is_none_or(|qos| qos >= 1),
            })
        }
        Packet::ConnAck(ack) => {
            use ConnectReturnCode::{ConnectionRateExceeded, QuotaExceeded, ServerBusy, ServerUnavailable};
            let passing = [ConnectionRateExceeded, QuotaExceeded, ServerBusy, ServerUnavailable];
            Incoming::Refused { reason: format!("{:?}", ack.code), for_good: !passing.contains(&ack.code) }
        }
        Packet::Publish(publish) => {
            if publish.qos == Qos5::ExactlyOnce {
                return Err(MqttError::Unexpected("PUBLISH with QoS 2"));
            }
            Incoming::Message {
                topic: publish.topic,
                packet_id: (publish.qos == Qos5::AtLeastOnce).then_some(publish.pkid),
                again: publish.dup,
                payload: publish.payload,
            }
        }
        Packet::PubAck(ack) => {
            let taken = matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
            Incoming::Acknowledged { packet_id: ack.pkid, refused: (!taken).then(|| format!("{:?}", ack.reason)) }
        }
        Packet::SubAck(ack) => {
            let granted = v5::SubscribeReasonCode::Success(Qos5::AtLeastOnce);
            let refused = ack.return_codes.iter().find(|code| **code != granted);
            Incoming::Subscribed { packet_id: ack.pkid, refused: refused.map(|code| format!("{code:?}")) }
        }
        Packet::PingResp(_) => Incoming::Pong,
        Packet::Disconnect(disconnect) => Incoming::Goodbye(format!("{:?}", disconnect.reason_code)),
        _ => return Err(MqttError::Unexpected("not for clients, or of QoS 2")),
    })
}

/// Writes packets of one version. What is written here is below the protocol's limits, so that writing cannot fail.
#[derive(Debug)]
pub struct Writer<'a> {
    /// Which.
    pub version: Version,
    /// Where to.
    pub output: &'a mut BytesMut,
}

/// Why an encoder's error cannot be.
const WRITABLE: &str = "a packet with an id, below 256 MiB";

impl Writer<'_> {
    /// CONNECT, for a session that persists.
    pub fn connect(&mut self, config: &Config, client_id: String) {
        let keep_alive = u16::try_from(config.keep_alive.as_secs()).unwrap_or(u16::MAX);
        let login = config.login.as_ref().map(|Login { user, password }| (user.clone(), password.clone()));
        match self.version {
            Version::V3 => {
                let mut connect = v4::Connect::new(client_id);
                (connect.keep_alive, connect.clean_session) = (keep_alive, false);
                connect.login = login.map(|(user, password)| v4::Login::new(user, password));
                connect.write(self.output).expect(WRITABLE);
            }
            Version::V5 => {
                let properties = v5::ConnectProperties {
                    session_expiry_interval: Some(config.session_expiry.as_secs().try_into().unwrap_or(u32::MAX)),
                    max_packet_size: Some(PACKET_BYTES_MAX as u32),
                    ..v5::ConnectProperties::new()
                };
                let connect = v5::Connect { keep_alive, client_id, clean_start: false, properties: Some(properties) };
                let login = login.map(|(user, password)| v5::Login::new(user, password));
                connect.write(&None, &login, self.output).expect(WRITABLE);
            }
        }
    }

    /// SUBSCRIBE with QoS 1; not empty.
    pub fn subscribe(&mut self, packet_id: u16, topics: impl Iterator<Item = String>) {
        match self.version {
            Version::V3 => {
                let filter = |topic| v4::SubscribeFilter::new(topic, Qos3::AtLeastOnce);
                let subscribe = v4::Subscribe { pkid: packet_id, filters: topics.map(filter).collect() };
                subscribe.write(self.output).expect(WRITABLE);
            }
            Version::V5 => {
                let filters = topics.map(|topic| v5::Filter::new(topic, Qos5::AtLeastOnce)).collect();
                let subscribe = v5::Subscribe { pkid: packet_id, filters, properties: None };
                subscribe.write(self.output).expect(WRITABLE);
            }
        }
    }

    /// PUBLISH with QoS 1. `again`: this broker may have it already.
    pub fn publish(&mut self, packet_id: u16, topic: String, payload: Bytes, again: bool) {
        match self.version {
            Version::V3 => {
                let mut publish = v4::Publish::from_bytes(topic, Qos3::AtLeastOnce, payload);
                (publish.pkid, publish.dup) = (packet_id, again);
                publish.write(self.output).expect(WRITABLE);
            }
            Version::V5 => {
                let publish = v5::Publish {
                    dup: again,
                    qos: Qos5::AtLeastOnce,
                    topic: topic.into(),
                    pkid: packet_id,
                    payload,
                    ..v5::Publish::default()
                };
                publish.write(self.output).expect(WRITABLE);
            }
        }
    }

    /// PUBACK.
    pub fn acknowledge(&mut self, packet_id: u16) {
        match self.version {
            Version::V3 => v4::PubAck::new(packet_id).write(self.output).expect(WRITABLE),
            Version::V5 => v5::PubAck::new(packet_id, None).write(self.output).expect(WRITABLE),
        };
    }

    /// PINGREQ.
    pub fn ping(&mut self) {
        match self.version {
            Version::V3 => v4::PingReq.write(self.output).expect(WRITABLE),
            Version::V5 => v5::PingReq::write(self.output).expect(WRITABLE),
        };
    }

    /// The end of the session: nothing is to be kept for it. 3.1.1 can say no more than that the subscriptions end.
    pub fn end(&mut self, packet_id: u16, topics: impl Iterator<Item = String>) {
        match self.version {
            Version::V3 => {
                let topics: Vec<_> = topics.collect();
                if !topics.is_empty() {
                    v4::Unsubscribe { pkid: packet_id, topics }.write(self.output).expect(WRITABLE);
                }
                v4::Disconnect.write(self.output).expect(WRITABLE);
            }
            Version::V5 => {
                let properties = v5::DisconnectProperties {
                    session_expiry_interval: Some(0),
                    reason_string: None,
                    user_properties: Vec::new(),
                    server_reference: None,
                };
                let reason_code = v5::DisconnectReasonCode::NormalDisconnection;
                let disconnect = v5::Disconnect { reason_code, properties: Some(properties) };
                disconnect.write(self.output).expect(WRITABLE);
            }
        }
    }
}
