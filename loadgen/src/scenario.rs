//! Scenarios: what the population is, what it does, and how fast. A scenario is a TOML file; the built-in ones are
//! embedded as they are, comments included.
//!
//! Promises: a scenario that [`Scenario::validate`] passed can be run; an unknown key is refused by name.

use serde::{Deserialize, Serialize};

use crate::body::HEADER_BYTES;
use crate::disturbance::Disturbance;
use crate::thresholds::{self, Threshold, ThresholdError};

/// The built-in scenarios: name and text.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("idle", include_str!("../scenarios/idle.toml")),
    ("direct", include_str!("../scenarios/direct.toml")),
    ("group", include_str!("../scenarios/group.toml")),
    ("mixed", include_str!("../scenarios/mixed.toml")),
    ("chaos", include_str!("../scenarios/chaos.toml")),
];

/// Most clients of one run.
pub const CLIENTS_MAX: u32 = 10_000_000;

/// The text of a built-in scenario.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// How sends are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// Independent of each other: exponential gaps.
    Poisson,
    /// Evenly spaced.
    Constant,
}

/// A whole scenario. The built-in files document every key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One word.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// Users, each with one device and one connection.
    pub clients: u32,
    /// The measured phase, in seconds.
    pub duration_s: f64,
    /// Before it: the rate rises from 0 to its full value, in seconds.
    pub ramp_s: f64,
    /// After it: the longest wait for the ledger to close, in seconds.
    pub drain_s: f64,
    /// How sends are spread over time.
    pub arrivals: Arrivals,
    /// Bytes of each message, the harness's header included.
    pub payload_bytes: u32,
    /// Clients of one community; absent: as few as the conversations need.
    pub community_clients: Option<u32>,
    /// What a run must show to be good, such as `delivery_p99<100ms,loss=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<String>,
    /// How everybody comes.
    pub connect: Connect,
    /// One-to-one messages.
    pub direct: Option<Direct>,
    /// Messages to groups.
    pub group: Option<Group>,
    /// Read marks.
    pub reads: Option<Reads>,
    /// Reconnects.
    pub churn: Option<Churn>,
    /// What is done to the server, which must be the harness's own (`--own-server`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbance: Vec<Disturbance>,
}

/// The pace of logging in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// In total.
    pub logins_per_second: f64,
    /// Connections on their way to `LoggedIn` at one time, in total.
    pub in_progress_max: u32,
}

/// One-to-one messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Direct {
    /// Mean of each client.
    pub messages_per_second_per_client: f64,
    /// With how many others each user has a conversation.
    pub contacts: u32,
    /// Closed loop: messages each sender keeps unacknowledged; 0 is open loop.
    pub in_flight: u32,
    /// Only the first user of each conversation sends.
    pub one_way: bool,
}

/// Messages to groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Of each group.
    pub members: u32,
    /// Mean; the number of groups is this times clients over members.
    pub groups_per_client: f64,
    /// Mean of each group.
    pub messages_per_second_per_group: f64,
    /// Closed loop: messages each group keeps unacknowledged; 0 is open loop.
    pub in_flight: u32,
}

/// Read marks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reads {
    /// Of received messages start a look at their conversation, 0 to 1.
    pub share: f64,
    /// Mean time until the mark is sent, in seconds.
    pub think_s: f64,
}

/// Clients that drop their connection and come back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// Mean of each client.
    pub reconnects_per_minute_per_client: f64,
    /// Mean time away, in seconds.
    pub away_s: f64,
}

/// What is wrong with a scenario, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Neither a built-in scenario nor a file.
    #[error(
        "there is no scenario `{name}`: name one of {known} or a TOML file (`hubbub-load scenarios show direct` prints one to start from)"
    )]
    Unknown {
        /// As asked for.
        name: String,
        /// The built-in names.
        known: String,
    },
    /// The file is not a scenario.
    #[error("{name} is not a scenario: {reason}")]
    Syntax {
        /// The file.
        name: String,
        /// What the TOML reader says.
        reason: String,
    },
    /// A value that cannot be run.
    #[error("{key} = {value}: {way_out}")]
    Value {
        /// The key at fault.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        way_out: &'static str,
    },
    /// Thresholds that cannot be read.
    #[error("thresholds: {0}")]
    Thresholds(#[from] ThresholdError),
}

impl Scenario {
    /// Reads a built-in scenario by name, or a file by path.
    ///
    /// # Errors
    /// [`ScenarioError::Unknown`] and [`ScenarioError::Syntax`].
    pub fn load(name: &str) -> Result<Self, ScenarioError> {
        let text = match built_in(name) {
            Some(text) => text.to_owned(),
            None => std::fs::read_to_string(name).map_err(|_| ScenarioError::Unknown {
                name: name.to_owned(),
                known: BUILT_IN.map(|(known, _)| known).join(", "),
            })?,
        };
        toml::from_str(&text)
            .map_err(|error| ScenarioError::Syntax { name: name.to_owned(), reason: error.to_string() })
    }

    /// Checks that the values fit together.
    ///
    /// # Errors
    /// [`ScenarioError::Value`] names the first that does not.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let check = |good: bool, key, value: &dyn std::fmt::Display, way_out| match good {
            true => Ok(()),
            false => Err(ScenarioError::Value { key, value: value.to_string(), way_out }),
        };
        let time = |value: f64| (0.0..=1e6).contains(&value);
        let clients = self.clients;
        check((1..=CLIENTS_MAX).contains(&clients), "clients", &clients, "1 to 10,000,000")?;
        check(self.duration_s > 0.0 && time(self.duration_s), "duration", &self.duration_s, "seconds, more than 0")?;
        check(time(self.ramp_s), "ramp", &self.ramp_s, "seconds, 0 to 1,000,000")?;
        check(time(self.drain_s), "drain", &self.drain_s, "seconds, 0 to 1,000,000")?;
        let payload = self.payload_bytes;
        check(payload as usize >= HEADER_BYTES, "payload_bytes", &payload, "at least the header of 40 bytes")?;
        let pace = self.connect.logins_per_second;
        check(pace > 0.0 && pace.is_finite(), "connect.logins_per_second", &pace, "more than 0")?;
        check(self.connect.in_progress_max > 0, "connect.in_progress_max", &0, "at least 1")?;
        if let Some(direct) = &self.direct {
            let rate = direct.messages_per_second_per_client;
            check(rate >= 0.0 && rate.is_finite(), "direct rate", &rate, "messages per second, 0 or more")?;
            check(clients >= 2, "clients", &clients, "one-to-one messages need two clients")?;
            check(direct.contacts > 0, "direct.contacts", &direct.contacts, "at least 1")?;
        }
        if let Some(group) = &self.group {
            let rate = group.messages_per_second_per_group;
            check(rate >= 0.0 && rate.is_finite(), "group rate", &rate, "messages per second, 0 or more")?;
            let members = group.members;
            check((2..=clients).contains(&members), "group.members", &members, "2 up to the number of clients")?;
            let each = group.groups_per_client;
            check(each > 0.0 && each <= 1e3, "group.groups_per_client", &each, "more than 0, at most 1,000")?;
        }
        if let Some(reads) = &self.reads {
            check((0.0..=1.0).contains(&reads.share), "reads.share", &reads.share, "0 to 1")?;
            check(time(reads.think_s), "reads.think_s", &reads.think_s, "seconds, 0 or more")?;
        }
        if let Some(churn) = &self.churn {
            let rate = churn.reconnects_per_minute_per_client;
            check(rate >= 0.0 && rate.is_finite(), "churn rate", &rate, "reconnects per minute, 0 or more")?;
            check(time(churn.away_s), "churn.away_s", &churn.away_s, "seconds, 0 or more")?;
        }
        self.thresholds()?;
        if let Some((key, value, way_out)) = self.disturbance.iter().find_map(Disturbance::problem) {
            check(false, key, &value, way_out)?;
        }
        Ok(())
    }

    /// What a run must show to be good.
    ///
    /// # Errors
    /// When the text cannot be read; never after [`Scenario::validate`].
    pub fn thresholds(&self) -> Result<Vec<Threshold>, ThresholdError> {
        self.thresholds.as_deref().map_or_else(|| Ok(Vec::new()), thresholds::parse)
    }

    /// Whether any part of it is a closed loop.
    #[must_use]
    pub fn is_closed_loop(&self) -> bool {
        self.direct.as_ref().is_some_and(|direct| direct.in_flight > 0)
            || self.group.as_ref().is_some_and(|group| group.in_flight > 0)
    }

    /// The scenario as a file says it.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a scenario holds only numbers, words and tables")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_can_be_run_and_written_back() {
        for (name, _) in BUILT_IN {
            let scenario = Scenario::load(name).unwrap();
            assert_eq!(scenario.name, name);
            scenario.validate().unwrap();
            assert_eq!(toml::from_str::<Scenario>(&scenario.to_toml()).unwrap(), scenario);
        }
    }

    #[test]
    fn an_unknown_name_names_the_known_ones() {
        let error = Scenario::load("no-such").unwrap_err().to_string();
        assert!(error.contains("idle, direct, group, mixed, chaos"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let text = format!("colour = 1\n{}", built_in("idle").unwrap());
        assert!(toml::from_str::<Scenario>(&text).unwrap_err().to_string().contains("colour"));
    }

    #[test]
    fn thresholds_are_read_with_the_scenario() {
        let text = format!("thresholds = \"loss=0,deliver_p99<50\"\n{}", built_in("idle").unwrap());
        let scenario: Scenario = toml::from_str(&text).unwrap();
        let error = scenario.validate().unwrap_err().to_string();
        assert!(error.starts_with("thresholds: delivery_p99 is written with"), "{error}");
    }

    #[test]
    fn a_group_larger_than_the_population_is_refused() {
        let mut scenario = Scenario::load("group").unwrap();
        scenario.clients = 50;
        let error = scenario.validate().unwrap_err().to_string();
        assert_eq!(error, "group.members = 100: 2 up to the number of clients");
    }
}
