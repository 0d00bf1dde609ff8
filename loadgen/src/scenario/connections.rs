//! How clients come, go and come back.

use serde::{Deserialize, Serialize};

use super::error::{ScenarioError, check, check_rate, check_seconds, check_share};

/// The pace of logging in: of the setup, and of whoever comes back by ones and twos. A storm and the return of
/// everybody have their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// In total.
    pub logins_per_second: f64,
    /// Connections on their way to `LoggedIn` at one time, in total.
    pub in_progress_max: u32,
}

/// Clients that drop their connection and come back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// Mean of each client that does it.
    pub reconnects_per_minute_per_client: f64,
    /// Mean time away, in seconds.
    pub away_s: f64,
    /// Of the clients, 0 to 1; the others stay.
    #[serde(default = "everybody")]
    pub share: f64,
}

/// Users that are away (`people.online_share` leaves them out), are written to, and come back together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offline {
    /// When, in seconds from the start of the measured phase.
    pub return_at_s: f64,
    /// Over how many seconds they spread, evenly; 0: all at one moment.
    pub return_over_s: f64,
}

/// Connections that all drop at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// Of the clients, 0 to 1.
    pub share: f64,
    /// When, in seconds from the start of the measured phase.
    pub at_s: f64,
    /// How long afterwards deliveries to those who stayed are looked at by themselves, in seconds.
    pub watch_s: f64,
}

/// Who looks at whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Users that each client watches, of its community.
    pub watched: u32,
    /// After the traffic: the longest wait until everybody sees the truth, in seconds, before those who are away come
    /// back. Longer than the server's `presence.grace_ms` and `presence.interval_ms` together.
    pub settle_s: f64,
}

fn everybody() -> f64 {
    1.0
}

impl Connect {
    pub(super) fn validate(&self) -> Result<(), ScenarioError> {
        let pace = self.logins_per_second;
        check(pace > 0.0 && pace.is_finite(), "connect.logins_per_second", pace, "more than 0")?;
        check(self.in_progress_max > 0, "connect.in_progress_max", 0, "at least 1")
    }
}

impl Churn {
    pub(super) fn validate(&self) -> Result<(), ScenarioError> {
        check_rate("churn.reconnects_per_minute_per_client", self.reconnects_per_minute_per_client)?;
        check_seconds("churn.away_s", self.away_s)?;
        check_share("churn.share", self.share)
    }
}

impl Offline {
    pub(super) fn validate(&self, duration_s: f64) -> Result<(), ScenarioError> {
        check_seconds("offline.return_at_s", self.return_at_s)?;
        check_seconds("offline.return_over_s", self.return_over_s)?;
        let end_s = self.return_at_s + self.return_over_s;
        let way_out = "with return_over_s, not after the measured phase (duration_s)";
        check(end_s <= duration_s, "offline.return_at_s", self.return_at_s, way_out)
    }
}

impl Storm {
    pub(super) fn validate(&self, duration_s: f64) -> Result<(), ScenarioError> {
        check_share("storm.share", self.share)?;
        check_seconds("storm.watch_s", self.watch_s)?;
        let within = (0.0..=duration_s).contains(&self.at_s);
        check(within, "storm.at_s", self.at_s, "within the measured phase (0 to duration_s)")
    }
}

impl Presence {
    pub(super) fn validate(&self, users: u32) -> Result<(), ScenarioError> {
        let way_out = "1 up to 1,000, and fewer than there are users";
        check(
            (1..=1_000.min(users.saturating_sub(1))).contains(&self.watched),
            "presence.watched",
            self.watched,
            way_out,
        )?;
        check_seconds("presence.settle_s", self.settle_s)
    }
}
