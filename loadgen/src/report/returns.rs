//! Tables of a run's special parts: groups by their size, those who came back together, and what watchers saw.

use super::comebacks::{Offline, Presence, Storm};
use super::format::{bytes, count, number, time_us};
use super::result::RunResult;
use super::table::{Row, Table};
use crate::latency::Summary;

/// Fan-out completion by the size of the group.
#[must_use]
pub fn fanout(result: &RunResult) -> Table {
    let rows = result.latency_us.fanout_by_size.iter().flat_map(|class| {
        let of = |figure: fn(&Summary) -> u64| {
            let words = |summary: &Option<Summary>| {
                summary.as_ref().map_or_else(|| "–".to_owned(), |summary| time_us(figure(summary) as f64))
            };
            [&class.first, &class.median, &class.last].map(words)
        };
        let messages = class.last.as_ref().map_or(0, |summary| summary.count);
        let values = of(|summary| summary.p50).into_iter().chain(of(|summary| summary.p99)).chain([count(messages)]);
        (messages > 0).then(|| Row::new(class.words(), values.collect()))
    });
    Table {
        title: "Fan-out by group size",
        columns: vec!["first 50%", "middle 50%", "last 50%", "first 99%", "middle 99%", "last 99%", "messages"],
        rows: rows.collect(),
    }
}

/// Storm, return and presence, each where there was one.
#[must_use]
pub fn all(result: &RunResult) -> Vec<Table> {
    let storm = result.storm.as_ref().map(storm);
    let offline = result.offline.as_ref().map(offline);
    let presence = result.presence.as_ref().map(presence);
    [storm, offline, presence].into_iter().flatten().collect()
}

/// A time that may never have come.
fn seconds(seconds: Option<f64>) -> Option<String> {
    Some(seconds.map_or_else(|| "never".to_owned(), |seconds| time_us(seconds * 1e6)))
}

fn quantiles(summary: &Option<Summary>) -> Option<String> {
    let Summary { p50, p99, .. } = summary.as_ref()?;
    Some(format!("{}, {}", time_us(*p50 as f64), time_us(*p99 as f64)))
}

fn storm(storm: &Storm) -> Table {
    let pairs = vec![
        ("Connections that dropped at one moment", Some(count(storm.dropped))),
        ("Half of them synced after", seconds(storm.synced_50_s)),
        ("99% synced after", seconds(storm.synced_99_s)),
        ("All synced after", seconds(storm.synced_all_s)),
        ("Login, 50% and 99%", quantiles(&storm.login_us)),
        ("Delivery to those who stayed, before, 50% and 99%", quantiles(&storm.stayed_before_us)),
        ("Delivery to those who stayed, after, 50% and 99%", quantiles(&storm.stayed_delivery_us)),
        ("Server CPU, busiest second, cores", storm.server_cpu_cores_peak.map(number)),
        ("Server memory, greatest", storm.server_rss_bytes_peak.map(|rss| bytes(rss as f64))),
    ];
    with_faults(Table::of_pairs("Storm", pairs))
}

fn offline(offline: &Offline) -> Table {
    let pairs = vec![
        ("Clients that came back", Some(count(offline.returned))),
        ("Half of them synced after", seconds(offline.synced_50_s)),
        ("99% synced after", seconds(offline.synced_99_s)),
        ("All synced after", seconds(offline.synced_all_s)),
        ("Login, 50% and 99%", quantiles(&offline.login_us)),
        ("Server CPU, busiest second, cores", offline.server_cpu_cores_peak.map(number)),
        ("Server memory, greatest", offline.server_rss_bytes_peak.map(|rss| bytes(rss as f64))),
    ];
    with_faults(Table::of_pairs("Return of those who were away", pairs))
}

/// Whoever never came back is a fault.
fn with_faults(mut table: Table) -> Table {
    table.rows.iter_mut().for_each(|row| row.is_fault = row.values[0] == "never");
    table
}

fn presence(presence: &Presence) -> Table {
    let pairs = vec![
        ("Users watched, for each watcher", Some(count(presence.watched))),
        ("Seen otherwise than they were", Some(count(presence.wrong))),
        ("Settled after the traffic in", Some(time_us(presence.settled_s * 1e6))),
    ];
    let mut table = Table::of_pairs("Presence at the end", pairs);
    table.rows[1].is_fault = presence.wrong > 0;
    table
}
