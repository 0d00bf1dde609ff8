//! What people write, signal and read.

use serde::{Deserialize, Serialize};

use super::error::{ScenarioError, check, check_rate, check_seconds, check_share};

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
    /// Users of each group; with `zipf`, of the largest that can be.
    pub members: u32,
    /// Mean, of each user; the number of groups is this times users over (mean) members.
    pub groups_per_client: f64,
    /// Mean of each group.
    pub messages_per_second_per_group: f64,
    /// Closed loop: messages each group keeps unacknowledged; 0 is open loop.
    pub in_flight: u32,
    /// Many small groups and few large ones; absent: all have `members`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zipf: Option<ZipfSizes>,
}

/// Group sizes from `min` to `members`: a group of k is as likely as k to the power of minus `exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZipfSizes {
    /// The smallest.
    pub min: u32,
    /// The greater, the fewer large groups there are; 0 makes all sizes as likely.
    pub exponent: f64,
}

/// Signals that somebody is writing, before some of the scheduled messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typing {
    /// Of the scheduled messages, 0 to 1.
    pub share: f64,
    /// How long before the message, in seconds.
    pub lead_s: f64,
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

impl Direct {
    pub(super) fn validate(&self, users: u32) -> Result<(), ScenarioError> {
        check_rate("direct.messages_per_second_per_client", self.messages_per_second_per_client)?;
        check(users >= 2, "clients", users, "one-to-one messages need two users")?;
        check(self.contacts > 0, "direct.contacts", self.contacts, "at least 1")
    }
}

impl Group {
    pub(super) fn validate(&self, users: u32) -> Result<(), ScenarioError> {
        check_rate("group.messages_per_second_per_group", self.messages_per_second_per_group)?;
        check((2..=users).contains(&self.members), "group.members", self.members, "2 up to the number of users")?;
        let each = self.groups_per_client;
        check(each > 0.0 && each <= 1e3, "group.groups_per_client", each, "more than 0, at most 1,000")?;
        if let Some(ZipfSizes { min, exponent }) = self.zipf {
            check((2..=self.members).contains(&min), "group.zipf.min", min, "2 up to group.members")?;
            check((0.0..=10.0).contains(&exponent), "group.zipf.exponent", exponent, "0 to 10")?;
        }
        Ok(())
    }
}

impl Typing {
    pub(super) fn validate(&self) -> Result<(), ScenarioError> {
        check_share("typing.share", self.share)?;
        check_seconds("typing.lead_s", self.lead_s)
    }
}

impl Reads {
    pub(super) fn validate(&self) -> Result<(), ScenarioError> {
        check_share("reads.share", self.share)?;
        check_seconds("reads.think_s", self.think_s)
    }
}
