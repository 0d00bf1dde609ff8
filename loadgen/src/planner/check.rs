//! A prediction held against a run: how far unit costs carry to a load that they were not made from.

use std::fmt::Write;

use super::costs::Costs;
use super::sample::cpu_deviation;
use crate::capacity::load::messages_per_s;
use crate::population;
use crate::report::format::{bytes, number};
use crate::report::result::RunResult;
use crate::scenario::Scenario;

/// What a load will cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// Messages per second.
    pub sends_per_s: f64,
    /// Copies per second.
    pub copies_per_s: f64,
    /// Cores, and half of the 95% interval.
    pub cores: (f64, f64),
    /// Resident memory in bytes, likewise; `None`: the costs do not tell.
    pub rss_bytes: Option<(f64, f64)>,
}

/// What the costs say of a scenario, before it is run. Typing and presence have no cost of their own there.
#[must_use]
pub fn predict(costs: &Costs, scenario: &Scenario) -> Prediction {
    let sends_per_s = messages_per_s(scenario);
    let to_groups = scenario
        .group
        .as_ref()
        .map_or(0.0, |group| population::groups(scenario) as f64 * group.messages_per_second_per_group);
    let others = scenario.group.as_ref().map_or(0.0, |group| population::members_mean(group) - 1.0);
    let copies_per_s = sends_per_s - to_groups + to_groups * others;
    let reads_per_s = scenario.reads.as_ref().map_or(0.0, |reads| copies_per_s * reads.share);
    let clients = f64::from(scenario.clients);
    let churn = |churn: &crate::scenario::Churn| clients * churn.share * churn.reconnects_per_minute_per_client / 60.0;
    let logins_per_s = scenario.churn.as_ref().map_or(0.0, churn);
    let (cores, margin) = costs.cpu.predict(&[1.0, clients, logins_per_s, sends_per_s, copies_per_s, reads_per_s]);
    // A single run differs from the mean of many.
    let single = costs.cpu.t * costs.cpu.residual_factor.max(1.0) * cpu_deviation(cores, scenario.duration_s);
    Prediction {
        sends_per_s,
        copies_per_s,
        cores: (cores, margin.hypot(single)),
        rss_bytes: costs.memory.as_ref().map(|memory| {
            let (idle, margin) = memory.predict(&[1.0, clients]);
            let working = costs.working_bytes.filter(|_| sends_per_s > 0.0).unwrap_or_default();
            (idle + working.median, margin + working.margin())
        }),
    }
}

/// Prediction and measurement side by side.
#[must_use]
pub fn words(prediction: &Prediction, result: &RunResult) -> String {
    let mut text =
        "| figure | predicted (95% interval) | measured | error | within |\n|---|---|---|---|---|\n".to_owned();
    let mut row = |what: &str, (likely, margin): (f64, f64), measured: Option<f64>, show: fn(f64) -> String| {
        let Some(measured) = measured.filter(|measured| *measured > 0.0) else {
            let _ = writeln!(text, "| {what} | {} | not measured | – | – |", show(likely));
            return;
        };
        let error = (likely / measured - 1.0) * 100.0;
        let within = if (measured - likely).abs() <= margin { "yes" } else { "no" };
        let range = format!("{} ({} to {})", show(likely), show((likely - margin).max(0.0)), show(likely + margin));
        let _ = writeln!(text, "| {what} | {range} | {} | {error:+.1}% | {within} |", show(measured));
    };
    row("server CPU, cores", prediction.cores, result.server.cpu_cores, number);
    if let Some(rss_bytes) = prediction.rss_bytes {
        row("server memory", rss_bytes, result.server.rss_bytes.map(|rss| rss as f64), bytes);
    }
    text
}
