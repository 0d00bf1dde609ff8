//! `report.html`: one page for people, with nothing to fetch and no script. The verdict comes first; a run that has no
//! performance result shows none.

use std::fmt::Write;

use super::format::{bytes, count, number, time_us};
use super::pictures::pictures;
use super::result::RunResult;
use super::summary::{ledger_words, verdict_words};
use crate::certify::Verdict;
use crate::latency::Summary;

/// The whole page.
#[must_use]
pub fn page(result: &RunResult) -> String {
    let title = format!("Hubbub load report: {}", result.scenario);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><style>{}</style></head><body><main>{}{}{}{}{}{}</main></body></html>\n",
        escape(&title),
        include_str!("report.css"),
        head(result),
        verdicts(result),
        performance(result),
        accounts(result),
        faults(result),
        environment(result),
    )
}

/// Text as HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn head(result: &RunResult) -> String {
    let server = &result.server;
    let version = server.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let durability = server.durability.as_ref().map_or_else(String::new, |mode| format!(", durability {mode}"));
    format!(
        "<h1>{} with {} clients</h1><p class=\"soft\">Hubbub{version}{durability} · {} s measured · {}</p>",
        escape(&result.scenario),
        count(result.clients.into()),
        number(result.measured_s),
        escape(&result.environment.started),
    )
}

fn verdicts(result: &RunResult) -> String {
    let (ledger, heading) = match result.ledger.closed {
        true => ("good", "Ledger closed"),
        false => ("bad", "Ledger not closed"),
    };
    let (verdict, says) = match result.verdict {
        Verdict::Server if !result.ledger.closed => ("warn", "No performance result"),
        Verdict::Server => ("good", "The server was measured"),
        Verdict::Unclear => ("warn", "Unclear what was measured"),
        Verdict::Generator => ("bad", "The generator was the limit"),
    };
    let early = result
        .ended_early
        .as_ref()
        .map_or_else(String::new, |why| format!("<div class=\"verdict warn\"><b>Ended early</b>{}</div>", escape(why)));
    format!(
        "<div class=\"verdicts\"><div class=\"verdict {ledger}\"><b>{heading}</b>{}</div>\
         <div class=\"verdict {verdict}\"><b>{says}</b>{}</div>{}{early}</div>",
        sentence(&ledger_words(&result.ledger)),
        sentence(&verdict_words(result)),
        thresholds(result),
    )
}

/// What was demanded, and what of it does not hold.
fn thresholds(result: &RunResult) -> String {
    let all = &result.thresholds;
    let failed: Vec<_> = all.iter().filter(|threshold| !threshold.passed).collect();
    let (class, heading, shown) = match failed.len() {
        _ if all.is_empty() => return String::new(),
        0 => ("good", format!("All {} thresholds hold", all.len()), all.iter().collect()),
        _ => ("bad", format!("{} of {} thresholds failed", failed.len(), all.len()), failed),
    };
    let lines: String = shown
        .iter()
        .map(|threshold| format!("{}: {}<br>", escape(&threshold.text), escape(&threshold.words)))
        .collect();
    format!("<div class=\"verdict {class}\"><b>{heading}</b>{lines}</div>")
}

/// What follows the first colon, as a sentence.
fn sentence(words: &str) -> String {
    let rest = words.split_once(": ").map_or(words, |(_, rest)| rest);
    let mut letters = rest.chars();
    let first = letters.next().map_or_else(String::new, |letter| letter.to_uppercase().to_string());
    escape(&format!("{first}{}.", letters.as_str()))
}

fn performance(result: &RunResult) -> String {
    let (void, warning) = match (result.ledger.closed, result.verdict) {
        (false, _) => (
            " void",
            "The ledger did not close, so this run has no performance result: what follows only helps to find out why.",
        ),
        (true, Verdict::Generator) => (" void", "The generator was the limit: these figures are not the server's."),
        (true, Verdict::Unclear) => ("", "It is unclear whether these figures are the server's."),
        (true, Verdict::Server) => ("", ""),
    };
    let warning = match warning {
        "" => String::new(),
        words => format!("<p class=\"bad-text\">{words}</p><br>"),
    };
    let tiles: String = tiles(result)
        .into_iter()
        .filter_map(|(label, value)| Some((label, value?)))
        .map(|(label, value)| format!("<div class=\"tile\"><b>{value}</b><span>{label}</span></div>"))
        .collect();
    format!(
        "{warning}<div class=\"figures{void}\"><div class=\"tiles\">{tiles}</div></div>{}{}",
        latencies(result),
        pictures(result),
    )
}

fn tiles(result: &RunResult) -> Vec<(&'static str, Option<String>)> {
    let (latency, server) = (&result.latency_us, &result.server);
    let time = |summary: &Option<Summary>, figure: fn(&Summary) -> u64| {
        summary.as_ref().map(|summary| time_us(figure(summary) as f64))
    };
    let sent = result.counts.offered > 0;
    vec![
        ("messages accepted per second", sent.then(|| number(result.rates.accepted_per_s))),
        ("copies delivered per second", sent.then(|| number(result.rates.delivered_per_s))),
        ("delivery, median", time(&latency.delivery, |summary| summary.p50)),
        ("delivery, 99%", time(&latency.delivery, |summary| summary.p99)),
        ("last of the group, 99%", time(&latency.fanout_last, |summary| summary.p99)),
        ("server CPU per copy", server.cpu_us_per_delivery.map(time_us)),
        ("server CPU, cores", server.cpu_cores.map(number)),
        ("server memory", server.rss_bytes.map(|rss| bytes(rss as f64))),
        ("server memory per client", server.rss_bytes_per_client.map(bytes)),
        ("login, 99%", time(&latency.login, |summary| summary.p99).filter(|_| !sent)),
    ]
}

fn latencies(result: &RunResult) -> String {
    let latency = &result.latency_us;
    let rows: String = [
        ("Sent → acknowledged", &latency.ack),
        ("Sent → delivered, each recipient", &latency.delivery),
        ("Sent → first of the group", &latency.fanout_first),
        ("Sent → middle of the group", &latency.fanout_median),
        ("Sent → last of the group", &latency.fanout_last),
        ("Connect → logged in", &latency.login),
        ("Connect → synced", &latency.synced),
    ]
    .into_iter()
    .filter_map(|(label, summary)| Some((label, summary.as_ref()?)))
    .map(|(label, summary)| {
        let Summary { p50, p90, p99, p999, max, .. } = *summary;
        let cells: String = [p50, p90, p99, p999, max].map(|us| format!("<td>{}</td>", time_us(us as f64))).concat();
        format!("<tr><th>{label}</th>{cells}<td>{}</td></tr>", count(summary.count))
    })
    .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<h2>Latency</h2><div class=\"card\"><table class=\"numbers\"><thead><tr><th></th><th>50%</th><th>90%</th><th>99%</th>\
         <th>99.9%</th><th>max</th><th>values</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// A table of two columns, without the rows that have no value.
fn table(heading: &str, rows: &[(&str, Option<String>)]) -> String {
    let mut html = format!("<div><h2>{heading}</h2><div class=\"card\"><table><tbody>");
    for (label, value) in rows {
        if let Some(value) = value {
            let _ = write!(html, "<tr><th>{label}</th><td>{value}</td></tr>");
        }
    }
    html + "</tbody></table></div></div>"
}

fn accounts(result: &RunResult) -> String {
    let (ledger, totals) = (&result.ledger, &result.ledger.totals);
    let fault =
        |n: u64| Some(if n > 0 { format!("<span class=\"bad-text\">{}</span>", count(n)) } else { "0".to_owned() });
    let some = |n: u64| (n > 0).then(|| count(n));
    let ledger_rows = [
        ("Messages accepted", Some(count(totals.accepted))),
        ("Copies due", Some(count(totals.copies_due))),
        ("Delivered live", Some(count(totals.delivered_live))),
        ("Delivered on sync", Some(count(totals.delivered_on_sync))),
        ("Lost", fault(totals.lost)),
        ("Not yet delivered", fault(totals.pending)),
        ("Duplicated", fault(totals.duplicated)),
        ("Out of order", fault(totals.reordered)),
        ("Missing numbers", fault(totals.gaps)),
        ("Corrupt", fault(totals.corrupt)),
        ("Log resets", some(totals.log_resets)),
        ("Never acknowledged", some(totals.unacknowledged)),
        ("of these stored", some(totals.unacknowledged_stored)),
        ("Refused", some(totals.refused)),
        ("Gaps repaired by clients", Some(count(ledger.repaired_gaps))),
        ("Duplicates dropped by clients", Some(count(ledger.dropped_duplicates))),
    ];
    format!(
        "<div class=\"columns\">{}{}{}</div>",
        table("Ledger", &ledger_rows),
        server_table(result),
        generator_table(result)
    )
}

fn server_table(result: &RunResult) -> String {
    let server = &result.server;
    let rows = [
        ("CPU per copy delivered", server.cpu_us_per_delivery.map(time_us)),
        ("CPU per message accepted", server.cpu_us_per_send.map(time_us)),
        ("CPU per client and second", server.cpu_us_per_client_second.map(time_us)),
        ("CPU per login, setup included", server.cpu_us_per_login.map(time_us)),
        ("Cores used", server.cpu_cores.map(number)),
        ("Resident memory", server.rss_bytes.map(|rss| bytes(rss as f64))),
        ("before the first client", server.rss_bytes_before.map(|rss| bytes(rss as f64))),
        ("per client", server.rss_bytes_per_client.map(bytes)),
        ("Entries it says it delivered", server.entries_delivered.map(count)),
        ("Shards", server.shards.as_deref().map(escape)),
    ];
    match rows.iter().all(|(_, value)| value.is_none()) {
        true => table("Server", &[("CPU and memory", Some("not measured".to_owned()))]),
        false => table("Server", &rows),
    }
}

fn generator_table(result: &RunResult) -> String {
    let (generator, counts) = (&result.generator, &result.counts);
    let time = |us: Option<u64>| us.map(|us| time_us(us as f64));
    let percent = |share: f64| Some(format!("{:.0}%", share * 100.0));
    let some = |n: u64| (n > 0).then(|| count(n));
    let kind = if generator.closed_loop { "closed loop" } else { "open loop" };
    table(
        "Generator",
        &[
            ("Kind", Some(kind.to_owned())),
            ("Sends late by, 50%", time(generator.schedule_slip_us_p50)),
            ("Sends late by, 99%", time(generator.schedule_slip_us_p99)),
            ("CPU per copy delivered", generator.cpu_us_per_delivery.map(time_us)),
            ("Cores used", Some(number(generator.cpu_share))),
            ("Busiest thread", percent(generator.busiest_thread)),
            ("Waited for a CPU", percent(generator.waited_for_cpu)),
            ("Resident memory", Some(bytes(generator.rss_bytes as f64))),
            ("Logins", Some(count(counts.logins))),
            ("Reconnects by the scenario", some(counts.churned)),
            ("Connections lost", some(counts.disconnects)),
            ("Connections failed", some(counts.connect_errors)),
            ("Requests sent again", some(generator.resends)),
            ("Sends not made: user away", some(counts.skipped_away)),
            ("Sends not made: queue full", some(counts.suppressed)),
            ("Drain", Some(time_us(result.drain_s * 1e6))),
        ],
    )
}

fn faults(result: &RunResult) -> String {
    let mut html = String::new();
    if !result.ledger.faults.is_empty() {
        let lines: String = result.ledger.faults.iter().map(|fault| escape(fault) + "\n").collect();
        let _ = write!(html, "<h2>First faults</h2><div class=\"card\"><pre>{lines}</pre></div>");
    }
    if !result.errors.is_empty() {
        let lines: String =
            result.errors.iter().map(|(words, times)| format!("{:>9}  {}\n", count(*times), escape(words))).collect();
        let _ = write!(html, "<h2>Errors</h2><div class=\"card\"><pre>{lines}</pre></div>");
    }
    html
}

fn environment(result: &RunResult) -> String {
    let environment = &result.environment;
    let command = environment.command_line.join(" ");
    let revision = environment.revision.as_ref().map_or_else(String::new, |revision| format!(" ({revision})"));
    let sysctls: String = environment.sysctls.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    let rows = [
        ("Command", Some(format!("<code>{}</code>", escape(&command)))),
        ("Harness", Some(escape(&format!("{}{revision}", environment.version)))),
        ("Seed", Some(environment.seed.to_string())),
        ("First user", Some(environment.first_user.to_string())),
        ("Threads, processes", Some(format!("{}, {}", environment.threads, environment.processes))),
        ("Server", Some(escape(&environment.server))),
        ("Kernel", Some(escape(&environment.kernel))),
        ("CPU", environment.cpu_model.as_deref().map(escape)),
        ("Cores", Some(environment.cores.to_string())),
        ("Memory", environment.memory_bytes.map(|memory| bytes(memory as f64))),
        ("Descriptors", Some(count(environment.descriptors_max))),
        ("Settings", Some(format!("<details><summary>kernel</summary><pre>{}</pre></details>", escape(&sysctls)))),
        (
            "Scenario",
            Some(format!(
                "<details><summary>as it was run</summary><pre>{}</pre></details>",
                escape(&environment.scenario)
            )),
        ),
    ];
    table("Environment", &rows)
}
