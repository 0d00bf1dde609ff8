//! The other side of a comparison: a client of any MQTT broker, 3.1.1 or 5, at QoS 1, driven by the same engine as
//! Hubbub's own.
//!
//! [`session::MqttSession`] is sans-IO like the client library's session: bytes in, bytes and events out, time as an
//! argument. A conversation is a topic, each of its members subscribes to it with QoS 1, a message is a PUBLISH with
//! QoS 1, and its acknowledgement the PUBACK. The session persists at the broker, so that what arrives while a client is
//! away waits there.
//!
//! Nothing a broker sends may panic or grow memory without a bound: a packet beyond [`PACKET_BYTES_MAX`] or one that
//! breaks the protocol ends the one connection that it came on.
//!
//! | file | owns |
//! |---|---|
//! | `session` | connecting, resuming, keepalive, the end of a connection |
//! | `event` | what a session says and counts |
//! | `outbox` | messages until they are acknowledged: packet ids, the window, resends |
//! | `packets` | the two versions of the protocol as one |
//! | `topics` | conversations as topics |

pub mod event;
pub mod outbox;
pub mod packets;
pub mod session;
pub mod topics;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use topics::Topics;

/// The largest packet that is read; a broker that sends more is cut off.
pub const PACKET_BYTES_MAX: usize = 1 << 20;

/// Which MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
pub enum Version {
    /// 3.1.1 (OASIS, 2014).
    #[value(name = "3.1.1")]
    #[serde(rename = "3.1.1")]
    V3,
    /// 5 (OASIS, 2019).
    #[default]
    #[value(name = "5")]
    #[serde(rename = "5")]
    V5,
}

/// What all sessions of a run are told.
pub struct Config {
    /// Which MQTT.
    pub version: Version,
    /// Names the clients and the topics of this run, so that runs at one broker do not meet.
    pub topics: Topics,
    /// Who logs in; `None`: the broker asks nobody.
    pub login: Option<Login>,
    /// The longest silence that the broker is promised.
    pub keep_alive: Duration,
    /// How long the broker keeps a session whose client is away (MQTT 5; 3.1.1 knows no such thing).
    pub session_expiry: Duration,
    /// How long an answer to CONNECT, SUBSCRIBE and PINGREQ may take.
    pub reply_timeout: Duration,
    /// The first and the longest pause before connecting again.
    pub backoff: (Duration, Duration),
    /// Messages of one session on the wire and not acknowledged; a broker of MQTT 5 may allow fewer.
    pub in_flight_max: u16,
    /// Messages of one session that are not acknowledged, waiting ones included.
    pub unacknowledged_max: u16,
}

/// User name and password.
#[derive(Clone)]
pub struct Login {
    /// The name.
    pub user: String,
    /// Empty: none is sent.
    pub password: String,
}

impl std::fmt::Debug for Login {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Config {
    /// For the run `run_id`.
    #[must_use]
    pub fn new(version: Version, run_id: u64, login: Option<Login>) -> Self {
        Self {
            version,
            topics: Topics::new(run_id),
            login,
            keep_alive: Duration::from_secs(60),
            session_expiry: Duration::from_secs(3_600),
            reply_timeout: Duration::from_secs(30),
            backoff: (Duration::from_millis(100), Duration::from_secs(2)),
            in_flight_max: 64,
            unacknowledged_max: 1_024,
        }
    }
}
