//! A search in text: a line for each point while it goes on, and `capacity.md` at the end.

use std::fmt::Write;

use super::load::Vary;
use super::point::Point;
use super::result::Capacity;
use super::search::Outcome;
use crate::latency::Summary;
use crate::report::format::{bytes, number, time_us};

/// What became of a point, as one word.
#[must_use]
pub fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "pass",
        Outcome::Failed => "FAIL",
        Outcome::Unmeasured => "neither",
    }
}

/// The latencies that stand for a point: deliveries, or logins where nothing was sent.
#[must_use]
pub fn main_latency(point: &Point) -> Option<&Summary> {
    point.latency_us.delivery.as_ref().or(point.latency_us.login.as_ref())
}

/// A point as one line.
#[must_use]
pub fn line(point: &Point, vary: Vary) -> String {
    let mut words = vec![format!("{} {}", number(point.load.size(vary)), vary.unit())];
    if point.rates.offered_per_s > 0.0 {
        let rates = &point.rates;
        let (offered, accepted) = (number(rates.offered_per_s), number(rates.accepted_per_s));
        words.push(format!("{offered}/s offered, {accepted} accepted"));
    }
    if let Some(latency) = main_latency(point) {
        let [p50, p99] = [latency.p50, latency.p99].map(|us| time_us(us as f64));
        words.push(format!("p50 {p50}, p99 {p99}"));
    }
    words.extend(point.server_cpu_cores.map(|cores| format!("server {} cores", number(cores))));
    words.extend(point.verdict.map(|verdict| format!("verdict {verdict}")));
    let reasons = point.reasons.first().map_or_else(String::new, |reason| format!(" ({})", briefly(reason)));
    let phase = format!("{:?}", point.phase).to_lowercase();
    let outcome = outcome_word(point.outcome);
    format!("point {:>2} {phase:<8} {outcome:<7} {}{reasons}", point.number, words.join(" · "))
}

/// A reason without the advice that follows it.
fn briefly(reason: &str) -> &str {
    reason.split(": run `").next().unwrap_or(reason)
}

/// `capacity.md`.
#[must_use]
pub fn markdown(capacity: &Capacity) -> String {
    let mut text = format!("# Capacity of `{}`: {}\n\n", capacity.scenario, capacity.answer.words);
    let rules = &capacity.rules;
    let _ = writeln!(
        text,
        "Service level `{}` and a closed ledger, held for {} s at each load. Search step {}%, {} confirmations, {} points.\n",
        capacity.slo.join(","),
        number(rules.hold_s),
        number(rules.step * 100.0),
        rules.confirm,
        capacity.points.len()
    );
    for warning in warnings(capacity) {
        let _ = writeln!(text, "**{warning}**\n");
    }
    let unit = capacity.vary.unit();
    let _ = writeln!(
        text,
        "| point | outcome | phase | {unit} | offered/s | accepted/s | delivered/s | p50 | p99 | p99.9 | server cores | server memory | why |\n\
         |--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    );
    for point in &capacity.points {
        let _ = writeln!(text, "| {} |", row(point, capacity.vary).join(" | "));
    }
    let environment = &capacity.environment;
    let _ = writeln!(
        text,
        "\n{} · {} cores · kernel {} · harness {} · seed {} · `{}`",
        environment.started,
        environment.cores,
        environment.kernel,
        environment.version,
        environment.seed,
        environment.command_line.join(" ").replace('`', "'")
    );
    text
}

/// A point as cells; the second tells the outcome, the last its reasons.
#[must_use]
pub fn row(point: &Point, vary: Vary) -> Vec<String> {
    let latency = |figure: fn(&Summary) -> u64| {
        main_latency(point).map_or_else(|| "–".to_owned(), |summary| time_us(figure(summary) as f64))
    };
    let known = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    // What passed needs no more words; all of them are in `capacity.json`.
    let reasons = point.reasons.first().filter(|_| point.outcome != Outcome::Passed);
    let reasons = reasons.map_or_else(String::new, |reason| briefly(reason).to_owned());
    vec![
        point.number.to_string(),
        outcome_word(point.outcome).to_owned(),
        format!("{:?}", point.phase).to_lowercase(),
        number(point.load.size(vary)),
        number(point.rates.offered_per_s),
        number(point.rates.accepted_per_s),
        number(point.rates.delivered_per_s),
        latency(|summary| summary.p50),
        latency(|summary| summary.p99),
        latency(|summary| summary.p999),
        known(point.server_cpu_cores.map(number)),
        known(point.server_rss_bytes.map(|rss| bytes(rss as f64))),
        reasons,
    ]
}

/// What a reader must know before believing the answer.
#[must_use]
pub fn warnings(capacity: &Capacity) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_limited = |point: &&Point| point.errors.keys().any(|words| words.contains("RateLimited"));
    if let Some(point) = capacity.points.iter().find(is_limited) {
        warnings.push(format!(
            "From point {} on the server's limits on single users put sends off: the answer may be theirs. Use more clients, or \
             raise `limits.user_messages_per_second` and the like.",
            point.number
        ));
    }
    if capacity.points.iter().all(|point| point.server_cpu_cores.is_none()) {
        warnings.push("The server's CPU was not measured: see `--metrics` and `--pid`.".to_owned());
    }
    warnings
}
