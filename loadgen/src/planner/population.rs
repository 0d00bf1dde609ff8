//! The population that a plan is for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Seconds of a day.
const DAY_S: f64 = 86_400.0;

/// Who there is, and what they do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Population {
    /// Users.
    pub users: f64,
    /// Of them, connected at the peak; 0 to 1.
    pub online: f64,
    /// Devices of a user, all of which get every message.
    pub devices_per_user: f64,
    /// Messages that a user sends in a day.
    pub messages_per_user_day: f64,
    /// Of the messages, sent to groups; 0 to 1.
    pub group_share: f64,
    /// Members of a group, as a message sees them.
    pub group_members: f64,
    /// Logins of a user in a day.
    pub logins_per_user_day: f64,
    /// How much more than the mean of the day happens at the peak.
    pub peak_factor: f64,
    /// Of the copies, those for which a read mark is sent; 0 to 1.
    pub read_share: f64,
    /// Days that messages are kept.
    pub retention_days: f64,
}

impl Population {
    /// Connections at the peak.
    #[must_use]
    pub fn connections(&self) -> f64 {
        self.users * self.online * self.devices_per_user
    }

    /// Messages per second at the peak.
    #[must_use]
    pub fn sends_per_s(&self) -> f64 {
        self.users * self.messages_per_user_day / DAY_S * self.peak_factor
    }

    /// Recipients' devices of a message, in the mean.
    #[must_use]
    pub fn copies_per_send(&self) -> f64 {
        let others = 1.0 - self.group_share + self.group_share * (self.group_members - 1.0);
        others * self.devices_per_user + (self.devices_per_user - 1.0)
    }

    /// Copies per second at the peak.
    #[must_use]
    pub fn copies_per_s(&self) -> f64 {
        self.sends_per_s() * self.copies_per_send()
    }

    /// Read marks per second at the peak.
    #[must_use]
    pub fn reads_per_s(&self) -> f64 {
        self.copies_per_s() * self.read_share
    }

    /// Logins per second at the peak.
    #[must_use]
    pub fn logins_per_s(&self) -> f64 {
        self.users * self.logins_per_user_day / DAY_S * self.peak_factor
    }

    /// Messages that are kept.
    #[must_use]
    pub fn messages_kept(&self) -> f64 {
        self.users * self.messages_per_user_day * self.retention_days
    }
}
