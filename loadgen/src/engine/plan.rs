//! What a thread is told: the whole run, and its own part of it.

use std::net::SocketAddr;
use std::ops::Range;

use hubbub_codec::endpoint::{Endpoint, Transport};
use serde::{Deserialize, Serialize};

use super::route::{self, Route};
use crate::clock::seconds_us;
use crate::ledger::room::{LEDGER_BYTES_DEFAULT, Room};
use crate::mqtt::Version;
use crate::scenario::Scenario;
use crate::workers::secret::Secret;

/// Many clients over few connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkPlan {
    /// How many trunks there are in all, at least one for each shard and thread; `None`: one for each 10,000 clients.
    pub count: Option<u32>,
    /// What their tokens are signed with.
    pub secret: Secret,
}

/// A run, the same for all its threads and processes. The token secret is not part of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// What happens.
    pub scenario: Scenario,
    /// Decides the population and the schedule.
    pub seed: u64,
    /// Drawn anew for each run; written into every message.
    pub run_id: u64,
    /// The user of client 0; the others follow.
    pub first_user: u64,
    /// The server's address for clients.
    pub server: SocketAddr,
    /// Bytes of slots that all ledgers may need together before the traffic is ended.
    #[serde(default = "ledger_bytes_default")]
    pub ledger_bytes: u64,
    /// The ways that clients take to it; none stands for plain TCP to `server`.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// The certificate to trust over TLS, in PEM; `None`: what the machine trusts.
    #[serde(default)]
    pub authority: Option<String>,
    /// Whether clients share connections; `None`: each has its own.
    #[serde(default)]
    pub trunks: Option<TrunkPlan>,
    /// What the clients speak.
    #[serde(default)]
    pub protocol: Protocol,
}

/// What the clients speak.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Hubbub's own protocol.
    #[default]
    Hubbub,
    /// MQTT at QoS 1.
    Mqtt {
        /// Which.
        version: Version,
        /// As whom everybody logs in; the password takes the place of the token secret.
        user: Option<String>,
    },
}

fn ledger_bytes_default() -> u64 {
    LEDGER_BYTES_DEFAULT
}

/// A thread's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The number of the thread in the run.
    pub worker: u32,
    /// How many there are.
    pub workers: u32,
    /// Its communities.
    pub communities: Range<u32>,
}

impl Protocol {
    /// As results name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hubbub => "hubbub",
            Self::Mqtt { version: Version::V3, .. } => "mqtt3.1.1",
            Self::Mqtt { version: Version::V5, .. } => "mqtt5",
        }
    }
}

impl Plan {
    /// A run against `server`, with the defaults for all that can be left out.
    #[must_use]
    pub fn new(scenario: Scenario, seed: u64, run_id: u64, first_user: u64, server: SocketAddr) -> Self {
        let (ledger_bytes, protocol) = (LEDGER_BYTES_DEFAULT, Protocol::default());
        let (routes, authority, trunks) = (Vec::new(), None, None);
        Self { scenario, seed, run_id, first_user, server, routes, authority, ledger_bytes, protocol, trunks }
    }

    /// What carries the clients, as results name it: `tcp`, `tcp=50,wss=50`, `trunk`.
    #[must_use]
    pub fn transport(&self) -> String {
        match &self.trunks {
            Some(_) => "trunk".to_owned(),
            None => route::name(&self.routes),
        }
    }

    /// Over what clients come, each once.
    #[must_use]
    pub fn transports(&self) -> Vec<Transport> {
        self.routes
            .iter()
            .filter_map(|route| route.endpoint.parse().ok())
            .map(|there: Endpoint| there.transport())
            .collect()
    }

    /// Processes of a machine; `None`: as many as the descriptors ask for. A few trunks fit into one.
    #[must_use]
    pub fn processes(&self, asked: Option<u32>) -> Option<u32> {
        asked.or(self.trunks.is_some().then_some(1))
    }

    /// The length of the ramp, in microseconds.
    #[must_use]
    pub fn ramp_us(&self) -> u64 {
        seconds_us(self.scenario.ramp_s)
    }

    /// Ramp and measured phase, in microseconds.
    #[must_use]
    pub fn traffic_us(&self) -> u64 {
        self.ramp_us() + seconds_us(self.scenario.duration_s)
    }

    /// The longest wait for watchers to see the truth, before the drain, in microseconds.
    #[must_use]
    pub fn settle_us(&self) -> u64 {
        self.scenario.presence.as_ref().map_or(0, |presence| seconds_us(presence.settle_s))
    }

    /// The longest drain, in microseconds.
    #[must_use]
    pub fn drain_us(&self) -> u64 {
        seconds_us(self.scenario.drain_s)
    }

    /// What the ledgers of one of so many threads may remember.
    #[must_use]
    pub fn room(&self, workers: u32) -> Room {
        Room::of_bytes(self.ledger_bytes / u64::from(workers.max(1)))
    }
}
