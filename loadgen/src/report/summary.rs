//! The summary in the terminal at the end of a run.

use std::fmt::Write;

use super::comebacks;
use super::format::{bytes, count, number, time_us};
use super::result::{Ledger, RunResult};
use super::standing::Standing;
use crate::certify::Verdict;
use crate::engine::plan::Protocol;
use crate::latency::Summary;

/// A run in about fifteen lines.
#[must_use]
pub fn summary(result: &RunResult) -> String {
    let mut text = String::new();
    let mut line = |label: &str, words: String| {
        let _ = writeln!(text, "{label:>12}  {words}");
    };
    if let Some(words) = protocol_words(result) {
        line("protocol", words);
    }
    line("ledger", ledger_words(&result.ledger));
    // A reason with its way out is long, so each has its own line.
    let verdict = verdict_words(result);
    verdict
        .split("; ")
        .enumerate()
        .for_each(|(at, words)| line(if at == 0 { "verdict" } else { "" }, words.to_owned()));
    if let Some(warning) = Standing::of(result).warning() {
        line("", warning.to_owned());
    }
    if let Some(why) = &result.ended_early {
        line("ended early", why.clone());
    }
    for threshold in &result.thresholds {
        let holds = if threshold.passed { "holds" } else { "FAILED" };
        line("threshold", format!("{holds}: {} ({})", threshold.text, threshold.words));
    }
    let rates = &result.rates;
    if result.counts.offered > 0 {
        let (offered, accepted) = (number(rates.offered_per_s), number(rates.accepted_per_s));
        let delivered = number(rates.delivered_per_s);
        line("per second", format!("{offered} offered, {accepted} accepted, {delivered} delivered"));
    }
    let latency = &result.latency_us;
    let figures = [
        ("ack", &latency.ack),
        ("delivery", &latency.delivery),
        ("fan-out", &latency.fanout_last),
        ("typing", &latency.typing),
        ("presence", &latency.presence),
        ("gone", &latency.presence_away),
        ("login", &latency.login),
        ("synced", &latency.synced),
    ];
    for (label, figure) in figures {
        if let Some(figure) = figure {
            line(label, latency_words(figure));
        }
    }
    for class in latency.fanout_by_size.iter().filter(|_| latency.fanout_by_size.len() > 1) {
        if let Some(last) = &class.last {
            line(&format!("of {}", class.words()), latency_words(last));
        }
    }
    for (label, words) in comebacks::lines(result) {
        line(label, words);
    }
    line("server", server_words(result));
    for disturbed in &result.disturbances {
        line("disturbed", disturbed.words());
    }
    line("generator", generator_words(result));
    for (words, times) in result.errors.iter().take(5) {
        line("error", format!("{words} ({times} times)"));
    }
    text
}

/// What was spoken, and what it could not do; `None` for Hubbub's own protocol, which does everything.
#[must_use]
pub fn protocol_words(result: &RunResult) -> Option<String> {
    if result.protocol == Protocol::Hubbub.name() {
        return None;
    }
    let left_out: Vec<_> = result.not_driven.iter().map(|(what, times)| format!("{} {what}", count(*times))).collect();
    let left_out = if left_out.is_empty() { "nothing".to_owned() } else { left_out.join(", ") };
    Some(format!("{}, QoS 1; not driven, for want of it in the protocol: {left_out}", result.protocol))
}

/// Whether the ledger closed, and with what.
#[must_use]
pub fn ledger_words(ledger: &Ledger) -> String {
    let totals = &ledger.totals;
    let (accepted, delivered) = (count(totals.accepted), count(totals.delivered));
    if ledger.closed && totals.accepted == 0 {
        return "closed: nothing was sent, and nothing arrived".to_owned();
    }
    if ledger.closed {
        let on_sync = match totals.delivered_on_sync {
            0 => String::new(),
            on_sync => format!(" ({} of them on sync)", count(on_sync)),
        };
        let (once, again) = match totals.redelivered {
            0 => (" once", String::new()),
            times => ("", format!("; {} came again, as QoS 1 allows", count(times))),
        };
        return format!(
            "closed: {accepted} messages accepted, all {delivered} copies delivered{once}, in order{on_sync}{again}"
        );
    }
    let due = count(totals.copies_due);
    format!("NOT CLOSED: {}; {delivered} of {due} copies delivered", faults_words(ledger))
}

/// What keeps a ledger from closing.
#[must_use]
pub fn faults_words(ledger: &Ledger) -> String {
    let totals = &ledger.totals;
    let faults = [
        ("lost", totals.lost),
        ("not yet delivered", totals.pending),
        ("duplicated", totals.duplicated),
        ("out of order", totals.reordered),
        ("missing numbers", totals.gaps),
        ("corrupt", totals.corrupt),
        ("log resets", totals.log_resets),
        ("clients without account", ledger.unaccounted_clients.into()),
    ];
    let faults: Vec<_> =
        faults.into_iter().filter(|(_, count)| *count > 0).map(|(words, n)| format!("{} {words}", count(n))).collect();
    match faults.is_empty() {
        true => "the run ended before it could close".to_owned(),
        false => faults.join(", "),
    }
}

/// The verdict in a sentence.
#[must_use]
pub fn verdict_words(result: &RunResult) -> String {
    let reasons = result.verdict_reasons.join("; ");
    match result.verdict {
        Verdict::Server if !result.ledger.closed => {
            "server: the generator was not the limit, but without a closed ledger no figure counts".to_owned()
        }
        Verdict::Server if result.generator.closed_loop => {
            "server: a closed loop, so unit costs are the server's, and latencies say nothing of a given load"
                .to_owned()
        }
        Verdict::Server if result.counts.offered == 0 => {
            "server: nothing was sent, and nobody was disturbed".to_owned()
        }
        Verdict::Server => "server: the generator kept its schedule, so the figures are the server's".to_owned(),
        Verdict::Unclear => format!("unclear: {reasons}"),
        Verdict::Generator => format!("generator: it was the limit, so no figure here is the server's; {reasons}"),
    }
}

fn latency_words(summary: &Summary) -> String {
    let [p50, p99, p999, max] = [summary.p50, summary.p99, summary.p999, summary.max].map(|us| time_us(us as f64));
    format!("p50 {p50}, p99 {p99}, p99.9 {p999}, max {max} ({} values)", count(summary.count))
}

fn server_words(result: &RunResult) -> String {
    let server = &result.server;
    let mut words = Vec::new();
    words.extend(server.cpu_cores.map(|cores| format!("{} cores", number(cores))));
    words.extend(server.cpu_us_per_delivery.map(|cpu| format!("{} µs CPU per delivery", number(cpu))));
    words.extend(server.rss_bytes.map(|rss| format!("{} resident", bytes(rss as f64))));
    words.extend(server.rss_bytes_per_client.map(|each| format!("{} per client", bytes(each))));
    words.extend(server.durability.as_ref().map(|durability| format!("durability {durability}")));
    match words.is_empty() {
        true => "not measured (no metrics endpoint; see --metrics and --pid)".to_owned(),
        false => words.join(", "),
    }
}

fn generator_words(result: &RunResult) -> String {
    let generator = &result.generator;
    let mut words = vec![format!("{} cores", number(generator.cpu_share))];
    words.extend(generator.cpu_us_per_delivery.map(|cpu| format!("{} µs CPU per delivery", number(cpu))));
    words.extend(generator.schedule_slip_us_p99.map(|slip| format!("sends late by {} at p99", time_us(slip as f64))));
    words.join(", ")
}
