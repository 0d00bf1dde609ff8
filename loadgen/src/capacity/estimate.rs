//! How long a search may take, said before it begins.

use super::Question;
use crate::report::format::number;

/// What a run takes beyond its phases: start, first connection, the usual drain.
const AROUND_S: f64 = 2.0;

/// Conversations opened by each pair or group are about this many in a second.
const CONVERSATIONS_PER_S: f64 = 2_000.0;

/// Points of a search, few and many, and seconds for each of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// When the knee is near the start.
    pub points_few: usize,
    /// When it is not, or is noisy.
    pub points_many: usize,
    /// For each point at the scenario's own load.
    pub point_s: f64,
}

impl Estimate {
    /// Of a search.
    #[must_use]
    pub fn of(question: &Question) -> Self {
        let rules = question.search_rules();
        let bisections = (f64::from(rules.jump).log2().ceil() as usize).max(1);
        let confirmations = rules.confirm;
        let scenario = &question.scenario;
        let clients = f64::from(scenario.clients);
        let setup_s = clients / scenario.connect.logins_per_second + clients / CONVERSATIONS_PER_S;
        Self {
            points_few: (2 + bisections + confirmations).min(rules.points_max),
            points_many: rules.points_max,
            point_s: setup_s + scenario.ramp_s + question.rules.hold_s + AROUND_S,
        }
    }

    /// One line.
    #[must_use]
    pub fn words(&self) -> String {
        let minutes = |points: usize| number((points as f64 * self.point_s / 60.0).ceil());
        format!(
            "about {} s for each point, {} to {} points: {} to {} minutes",
            number(self.point_s.round()),
            self.points_few,
            self.points_many,
            minutes(self.points_few),
            minutes(self.points_many)
        )
    }
}
