//! What a part of the generator is told, on its own machine or on another: a task first, commands later.

use serde::{Deserialize, Serialize};

use super::secret::Secret;
use crate::engine::plan::{Plan, Share};

/// The threads of one process or one machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) plan: Plan,
    pub(super) shares: Vec<Share>,
    pub(super) secret: Secret,
}

/// What is told later, to all threads alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Command {
    /// The traffic starts then, by the clock of the machine that is told.
    Start { at_us: u64 },
    /// The traffic ends; the drain follows.
    Stop,
    /// Everything ends.
    Abandon,
}
