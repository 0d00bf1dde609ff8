//! What the figures of a run may be taken for. Every view asks here, so that figures that are not the server's are shown as
//! the server's nowhere.

use super::format::{count, number};
use super::result::RunResult;
use super::summary::faults_words;
use crate::certify::Verdict;

/// A run that accepted less than this part of what was offered was at somebody's limit.
const KEPT_UP: f64 = 0.98;

/// Whose figures these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The server's.
    Servers,
    /// Nobody can tell.
    Unclear,
    /// The generator's.
    Generators,
    /// Nobody's: the ledger did not close.
    Void,
}

impl Standing {
    /// Of a result.
    #[must_use]
    pub fn of(result: &RunResult) -> Self {
        match result.verdict {
            _ if !result.ledger.closed => Self::Void,
            Verdict::Server => Self::Servers,
            Verdict::Unclear => Self::Unclear,
            Verdict::Generator => Self::Generators,
        }
    }

    /// Whether figures are struck through.
    #[must_use]
    pub fn is_void(self) -> bool {
        matches!(self, Self::Generators | Self::Void)
    }

    /// What stands beside the figures; `None` when they are what they seem.
    #[must_use]
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::Servers => None,
            Self::Unclear => {
                Some("It is unclear whether these figures are the server's: do not quote them as its limit.")
            }
            Self::Generators => Some("The generator was the limit: none of these figures is the server's."),
            Self::Void => Some(
                "The ledger did not close, so this run has no performance result: what follows only helps to find out why.",
            ),
        }
    }
}

/// The whole run in one sentence.
#[must_use]
pub fn headline(result: &RunResult) -> String {
    let failed = result.thresholds.iter().filter(|threshold| !threshold.passed).count();
    match Standing::of(result) {
        Standing::Void => format!("The ledger did not close: {}.", faults_words(&result.ledger)),
        Standing::Generators => "The generator was the limit: this run says nothing about the server.".to_owned(),
        Standing::Servers | Standing::Unclear if wrong_presence(result) > 0 => {
            format!("{} watchers saw somebody otherwise than they were.", count(wrong_presence(result)))
        }
        Standing::Unclear if failed > 0 => {
            format!("The service level was not met: {}; whether by the server is unclear.", failed_words(result))
        }
        Standing::Unclear => {
            format!("All arrived, with {}; whether the figures are the server's is unclear.", load_words(result))
        }
        Standing::Servers if failed > 0 => format!("The service level was not met: {}.", failed_words(result)),
        Standing::Servers if !kept_up(result) => {
            let (accepted, offered) = (result.rates.accepted_per_s, result.rates.offered_per_s);
            let (accepted, offered) = (number(accepted), number(offered));
            format!("The server was the limit: it accepted {accepted} of {offered} messages a second.")
        }
        Standing::Servers => format!("The server carried {}{}.", load_words(result), disturbed_words(result)),
    }
}

/// The first threshold that does not hold.
fn failed_words(result: &RunResult) -> String {
    let first = result.thresholds.iter().find(|threshold| !threshold.passed);
    first.map_or_else(String::new, |threshold| format!("{} ({})", threshold.text, threshold.words))
}

fn wrong_presence(result: &RunResult) -> u64 {
    result.presence.map_or(0, |presence| presence.wrong)
}

fn disturbed_words(result: &RunResult) -> String {
    match result.disturbances.len() {
        0 => String::new(),
        1 => format!(" while it was {}", result.disturbances[0].action.words()),
        times => format!(" while it was disturbed {times} times"),
    }
}

/// Whether the server accepted what was offered. A closed loop offers what is accepted.
fn kept_up(result: &RunResult) -> bool {
    result.generator.closed_loop || result.rates.accepted_per_s >= KEPT_UP * result.rates.offered_per_s
}

fn load_words(result: &RunResult) -> String {
    let clients = count(result.clients.into());
    match result.counts.offered {
        0 => format!("{clients} clients that sent nothing"),
        _ => format!("{} messages a second for {clients} clients", number(result.rates.accepted_per_s)),
    }
}
