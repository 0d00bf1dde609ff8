//! What grows from point to point: the scenario's rates, or its clients.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::population;
use crate::scenario::{CLIENTS_MAX, Scenario};

/// What is varied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Vary {
    /// How often clients send; their number stays.
    Rate,
    /// How many clients there are; each sends as often as before.
    Clients,
}

impl Vary {
    /// Rates where the scenario has some, else clients.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        if messages_per_s(scenario) > 0.0 { Self::Rate } else { Self::Clients }
    }

    /// What a load is counted in.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Rate => "messages/s",
            Self::Clients => "clients",
        }
    }
}

/// One load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// Times the scenario as it was given.
    pub factor: f64,
    /// Clients.
    pub clients: u32,
    /// Messages that the schedule wants each second, on average.
    pub messages_per_s: f64,
}

impl Load {
    /// The load that a scenario is, `factor` times what was given.
    #[must_use]
    pub fn of(scenario: &Scenario, factor: f64) -> Self {
        Self { factor, clients: scenario.clients, messages_per_s: messages_per_s(scenario) }
    }

    /// Its size in the unit of what is varied.
    #[must_use]
    pub fn size(&self, vary: Vary) -> f64 {
        match vary {
            Vary::Rate => self.messages_per_s,
            Vary::Clients => f64::from(self.clients),
        }
    }
}

/// Messages that a scenario wants each second, on average over its population.
#[must_use]
pub fn messages_per_s(scenario: &Scenario) -> f64 {
    let senders = population::senders(scenario);
    let direct = scenario.direct.as_ref().map_or(0.0, |direct| senders * direct.messages_per_second_per_client);
    let each = scenario.group.as_ref().map_or(0.0, |group| group.messages_per_second_per_group);
    let group = if each > 0.0 { population::groups(scenario) as f64 * each } else { 0.0 };
    direct + group
}

/// The scenario with `factor` times its load.
#[must_use]
pub fn scaled(scenario: &Scenario, vary: Vary, factor: f64) -> Scenario {
    let mut scaled = scenario.clone();
    match vary {
        Vary::Rate => {
            scaled.direct.iter_mut().for_each(|direct| direct.messages_per_second_per_client *= factor);
            scaled.group.iter_mut().for_each(|group| group.messages_per_second_per_group *= factor);
        }
        // An even number: nobody is left without a partner.
        Vary::Clients => {
            let pairs = (f64::from(scenario.clients) * factor / 2.0).round();
            scaled.clients = (pairs.clamp(1.0, f64::from(CLIENTS_MAX / 2)) as u32) * 2;
        }
    }
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_or_clients_grow_and_the_rest_stays() {
        let mixed = Scenario { clients: 1_000, ..Scenario::load("mixed").unwrap() };
        let before = messages_per_s(&mixed);
        let faster = scaled(&mixed, Vary::Rate, 3.0);
        let times = |scenario: &Scenario| messages_per_s(scenario) / before;
        assert!(faster.clients == 1_000 && (times(&faster) - 3.0).abs() < 1e-9, "{}", times(&faster));
        let more = scaled(&mixed, Vary::Clients, 3.0);
        // Whole groups only, and a community of its own for each crowd: nearly three times as many.
        assert!(more.clients == 3_000 && (times(&more) - 3.0).abs() < 0.1, "{}", times(&more));
        assert_eq!(Load::of(&more, 3.0).size(Vary::Clients), 3_000.0);
    }

    #[test]
    fn a_scenario_without_messages_grows_by_clients() {
        assert_eq!(Vary::of(&Scenario::load("idle").unwrap()), Vary::Clients);
        assert_eq!(Vary::of(&Scenario::load("group").unwrap()), Vary::Rate);
    }
}
