//! Who there is: devices of a user, and who is there at all.

use serde::{Deserialize, Serialize};

use super::error::{ScenarioError, check};

/// The population beyond its number of clients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Clients of one user, each with a session of its own; 1.5 gives every other user a second one.
    pub devices_per_user: f64,
    /// Of the users. The others exist: they log in once during the setup, are members and contacts, and then stay away,
    /// unless the scenario brings them back (`[offline]`).
    pub online_share: f64,
}

impl Default for People {
    fn default() -> Self {
        Self { devices_per_user: 1.0, online_share: 1.0 }
    }
}

impl People {
    pub(super) fn validate(&self) -> Result<(), ScenarioError> {
        let devices = self.devices_per_user;
        check((1.0..=100.0).contains(&devices), "people.devices_per_user", devices, "1 to 100")?;
        let share = self.online_share;
        check(share > 0.0 && share <= 1.0, "people.online_share", share, "more than 0, at most 1")
    }
}
