//! Scenarios: what the population is, what it does, and how fast. A scenario is a TOML file; the built-in ones are
//! embedded as they are, comments included.
//!
//! Promises: a scenario that [`Scenario::validate`] passed can be run; an unknown key is refused by name.
//!
//! | file | owns |
//! |---|---|
//! | `built_in` | the embedded files |
//! | `people` | devices of a user, and who is there at all |
//! | `body` | how long messages are |
//! | `messages` | one-to-one and group messages, typing, reading |
//! | `connections` | how clients come, go and come back; who watches whom |
//! | `error` | what is wrong with a scenario |

mod body;
mod built_in;
mod connections;
mod error;
mod messages;
mod people;

use serde::{Deserialize, Serialize};

pub use body::{BodySizes, DrawnSizes, WeightedSize};
pub use built_in::{BUILT_IN, built_in, names};
pub use connections::{Churn, Connect, Offline, Presence, Storm};
pub use error::ScenarioError;
pub use messages::{Direct, Group, Reads, Typing, ZipfSizes};
pub use people::People;

use crate::disturbance::Disturbance;
use crate::population::Devices;
use crate::thresholds::{self, Threshold, ThresholdError};
use error::{check, check_seconds};

/// Most clients of one run.
pub const CLIENTS_MAX: u32 = 10_000_000;

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
    /// Clients: devices with one session and one connection each. Users: see [`People`].
    pub clients: u32,
    /// The measured phase, in seconds.
    pub duration_s: f64,
    /// Before it: the rate rises from 0 to its full value, in seconds.
    pub ramp_s: f64,
    /// After it: the longest wait for the ledger to close, in seconds.
    pub drain_s: f64,
    /// How sends are spread over time.
    pub arrivals: Arrivals,
    /// Bytes of messages, the harness's header included.
    #[serde(alias = "payload_bytes")]
    pub body: BodySizes,
    /// Users of one community; absent: as few as the conversations need.
    #[serde(alias = "community_clients")]
    pub community_users: Option<u32>,
    /// What a run must show to be good, such as `delivery_p99<100ms,loss=0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<String>,
    /// Devices of a user, and who is there at all.
    #[serde(default)]
    pub people: People,
    /// How everybody comes.
    pub connect: Connect,
    /// One-to-one messages.
    pub direct: Option<Direct>,
    /// Messages to groups.
    pub group: Option<Group>,
    /// Signals that somebody is writing.
    pub typing: Option<Typing>,
    /// Read marks.
    pub reads: Option<Reads>,
    /// Reconnects.
    pub churn: Option<Churn>,
    /// Who looks at whom.
    pub presence: Option<Presence>,
    /// The return of those who were away.
    pub offline: Option<Offline>,
    /// Connections that all drop at one moment.
    pub storm: Option<Storm>,
    /// What is done to the server, which must be the harness's own (`--own-server`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disturbance: Vec<Disturbance>,
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
                known: names().collect::<Vec<_>>().join(", "),
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
        check((1..=CLIENTS_MAX).contains(&self.clients), "clients", self.clients, "1 to 10,000,000")?;
        check(self.duration_s > 0.0, "duration_s", self.duration_s, "seconds, more than 0")?;
        check_seconds("duration_s", self.duration_s)?;
        check_seconds("ramp_s", self.ramp_s)?;
        check_seconds("drain_s", self.drain_s)?;
        self.body.validate()?;
        self.people.validate()?;
        self.connect.validate()?;
        self.thresholds()?;
        self.validate_traffic(Devices::of(self).users())
    }

    fn validate_traffic(&self, users: u32) -> Result<(), ScenarioError> {
        self.direct.iter().try_for_each(|direct| direct.validate(users))?;
        self.group.iter().try_for_each(|group| group.validate(users))?;
        self.typing.iter().try_for_each(Typing::validate)?;
        self.reads.iter().try_for_each(Reads::validate)?;
        self.churn.iter().try_for_each(Churn::validate)?;
        self.presence.iter().try_for_each(|presence| presence.validate(users))?;
        self.offline.iter().try_for_each(|offline| offline.validate(self.duration_s))?;
        self.storm.iter().try_for_each(|storm| storm.validate(self.duration_s))?;
        if let Some((key, value, way_out)) = self.disturbance.iter().find_map(Disturbance::problem) {
            check(false, key, value, way_out)?;
        }
        let everybody_is_there = self.people.online_share >= 1.0;
        let way_out = "the scenario has [offline], so some users must be away: less than 1";
        check(!(self.offline.is_some() && everybody_is_there), "people.online_share", self.people.online_share, way_out)
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
        for name in names() {
            let scenario = Scenario::load(name).unwrap();
            assert_eq!(scenario.name, name);
            scenario.validate().unwrap();
            assert_eq!(toml::from_str::<Scenario>(&scenario.to_toml()).unwrap(), scenario);
        }
    }

    #[test]
    fn every_key_is_explained_in_a_built_in_scenario() {
        let lines = || BUILT_IN.iter().flat_map(|(_, text)| text.lines()).filter(|line| !line.starts_with('#'));
        let key = |line: &'static str| line.split_once(" = ").map(|(key, _)| key.trim());
        let explained: Vec<_> = lines().filter(|line| line.contains(" # ")).filter_map(key).collect();
        for wanted in lines().filter_map(key).filter(|key| !["name", "about", "payload_bytes"].contains(key)) {
            let is_old_name = wanted == "community_clients";
            assert!(is_old_name || explained.contains(&wanted), "{wanted}");
        }
    }

    #[test]
    fn keys_of_earlier_files_still_work() {
        let text = built_in("idle").unwrap().replace("body =", "payload_bytes =");
        assert_eq!(toml::from_str::<Scenario>(&text).unwrap(), Scenario::load("idle").unwrap());
    }

    #[test]
    fn an_unknown_name_names_the_known_ones() {
        let error = Scenario::load("no-such").unwrap_err().to_string();
        assert!(error.contains("idle, direct, group, group-10,"), "{error}");
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
    fn what_does_not_fit_is_refused_by_its_key() {
        let refused = |name: &str, change: fn(&mut Scenario)| {
            let mut scenario = Scenario::load(name).unwrap();
            change(&mut scenario);
            scenario.validate().unwrap_err().to_string()
        };
        let error = refused("group", |scenario| scenario.clients = 50);
        assert_eq!(error, "group.members = 100: 2 up to the number of users");
        let error = refused("group", |scenario| (scenario.clients, scenario.people.devices_per_user) = (150, 2.0));
        assert_eq!(error, "group.members = 100: 2 up to the number of users");
        let error = refused("offline", |scenario| scenario.people.online_share = 1.0);
        assert!(error.starts_with("people.online_share = 1: "), "{error}");
        let error = refused("storm", |scenario| scenario.duration_s = 1.0);
        assert!(error.starts_with("storm.at_s = "), "{error}");
        let error = refused("mixed", |scenario| scenario.group.as_mut().unwrap().zipf.as_mut().unwrap().min = 1);
        assert!(error.starts_with("group.zipf.min = 1: "), "{error}");
    }
}
