//! One load that was tried, and what is made of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::Load;
use super::search::{Outcome, Phase};
use crate::certify::Verdict;
use crate::report::format::number;
use crate::report::result::{LatencyFigures, Rates, RunResult};
use crate::report::summary::ledger_words;
use crate::thresholds;

/// Sends acknowledged in the measured phase, of those that the schedule wanted in it: below this the server falls behind,
/// however short the hold is and whatever the latencies of what arrived in time.
pub const KEEPS_UP: f64 = 0.97;

/// A load that is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// From 1, in the order of the search.
    pub number: usize,
    /// Why.
    pub phase: Phase,
    /// How much.
    pub load: Load,
    /// With which population and schedule.
    pub seed: u64,
}

/// A point of the search.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// From 1, in the order of the search.
    pub number: usize,
    /// Why it was tried.
    pub phase: Phase,
    /// The load.
    pub load: Load,
    /// Decides its population and schedule: another one for each point, so that points do not repeat each other's accidents.
    pub seed: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// Why; of one that passed, what the generator was late by all the same.
    pub reasons: Vec<String>,
    /// What was offered, accepted and delivered.
    pub rates: Rates,
    /// Latencies, in microseconds.
    pub latency_us: LatencyFigures,
    /// Each part of the service level.
    pub slo: Vec<thresholds::Outcome>,
    /// Whether the ledger closed; `None`: the run did not come that far.
    pub ledger_closed: Option<bool>,
    /// Whose limit it showed; `None` likewise.
    pub verdict: Option<Verdict>,
    /// The server's CPU: 1 is one core.
    pub server_cpu_cores: Option<f64>,
    /// The server's resident memory.
    pub server_rss_bytes: Option<u64>,
    /// The generator's CPU: 1 is one core.
    pub generator_cpu_cores: Option<f64>,
    /// Errors by their words.
    pub errors: BTreeMap<String, u64>,
}

impl Point {
    /// From a run.
    #[must_use]
    pub fn of(tried: Tried, result: &RunResult) -> Self {
        let (outcome, reasons) = judge(result);
        Self {
            rates: result.rates.clone(),
            latency_us: result.latency_us.clone(),
            slo: result.thresholds.clone(),
            ledger_closed: Some(result.ledger.closed),
            verdict: Some(result.verdict),
            server_cpu_cores: result.server.cpu_cores,
            server_rss_bytes: result.server.rss_bytes,
            generator_cpu_cores: Some(result.generator.cpu_share),
            errors: result.errors.clone(),
            ..Self::unmeasured(tried, outcome, reasons)
        }
    }

    /// A load that the server did not take at all: the clients could not be set up.
    #[must_use]
    pub fn refused(tried: Tried, why: &anyhow::Error) -> Self {
        Self::unmeasured(tried, Outcome::Failed, vec![format!("it could not be set up: {why:#}")])
    }

    fn unmeasured(tried: Tried, outcome: Outcome, reasons: Vec<String>) -> Self {
        let Tried { number, phase, load, seed } = tried;
        Self {
            number,
            phase,
            load,
            seed,
            outcome,
            reasons,
            rates: Rates::default(),
            latency_us: LatencyFigures::default(),
            slo: Vec::new(),
            ledger_closed: None,
            verdict: None,
            server_cpu_cores: None,
            server_rss_bytes: None,
            generator_cpu_cores: None,
            errors: BTreeMap::new(),
        }
    }
}

/// Passed, failed, or neither.
///
/// Whatever the generator was late by is in the latencies: a level that holds all the same holds, and only what does not hold
/// may be the generator's fault. But where it did not send what the schedule wanted, or had no room to connect, nothing is known.
fn judge(result: &RunResult) -> (Outcome, Vec<String>) {
    if let Some(why) = &result.ended_early {
        return (Outcome::Unmeasured, vec![format!("it ended early: {why}")]);
    }
    let failures = failures(result);
    let was_whole = result.counts.suppressed == 0 && result.counts.own_limits == 0;
    match (result.verdict, failures.is_empty()) {
        (Verdict::Server, true) => (Outcome::Passed, Vec::new()),
        (Verdict::Server, false) => (Outcome::Failed, failures),
        (_, true) if was_whole => {
            (Outcome::Passed, result.verdict_reasons.iter().map(|reason| format!("although {reason}")).collect())
        }
        _ => (Outcome::Unmeasured, result.verdict_reasons.iter().cloned().chain(failures).collect()),
    }
}

/// What of service level and ledger does not hold.
fn failures(result: &RunResult) -> Vec<String> {
    let mut reasons = Vec::new();
    if !result.ledger.closed {
        reasons.push(format!("ledger {}", ledger_words(&result.ledger)));
    }
    let failed = result.thresholds.iter().filter(|threshold| !threshold.passed);
    reasons.extend(failed.map(|threshold| format!("{}: {}", threshold.text, threshold.words)));
    let rates = &result.rates;
    if rates.accepted_per_s < KEEPS_UP * rates.offered_per_s {
        let (accepted, offered) = (number(rates.accepted_per_s), number(rates.offered_per_s));
        reasons.push(format!("the server fell behind: {accepted}/s accepted of {offered}/s"));
    }
    reasons
}
