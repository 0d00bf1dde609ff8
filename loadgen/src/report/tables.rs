//! The tables of a report: which figures of a result stand in which of them. What was not measured has no row, and a part of
//! the run that was not looked at says so.

use super::format::{bytes, count, number, time_us};
use super::result::RunResult;
use super::summary;
use super::table::{Row, Table};
use crate::latency::Summary;

/// The figures that people ask for first: label and value.
#[must_use]
pub fn key_figures(result: &RunResult) -> Vec<(&'static str, String)> {
    let (latency, server, rates) = (&result.latency_us, &result.server, &result.rates);
    let time = |summary: &Option<Summary>, figure: fn(&Summary) -> u64| {
        summary.as_ref().map(|summary| time_us(figure(summary) as f64))
    };
    let sent = result.counts.offered > 0;
    let all = [
        ("messages offered per second", sent.then(|| number(rates.offered_per_s))),
        ("messages accepted per second", sent.then(|| number(rates.accepted_per_s))),
        ("copies delivered per second", sent.then(|| number(rates.delivered_per_s))),
        ("acknowledged, 99%", time(&latency.ack, |summary| summary.p99)),
        ("delivered, median", time(&latency.delivery, |summary| summary.p50)),
        ("delivered, 99%", time(&latency.delivery, |summary| summary.p99)),
        ("delivered, 99.9%", time(&latency.delivery, |summary| summary.p999)),
        ("last of the group, 99%", time(&latency.fanout_last, |summary| summary.p99)),
        ("server CPU, cores", server.cpu_cores.map(number)),
        ("server CPU per copy delivered", server.cpu_us_per_delivery.map(time_us)),
        ("server memory", server.rss_bytes.map(|rss| bytes(rss as f64))),
        ("server memory per client", server.rss_bytes_per_client.map(bytes)),
        ("login, 99%", time(&latency.login, |summary| summary.p99).filter(|_| !sent)),
    ];
    all.into_iter().filter_map(|(label, value)| Some((label, value?))).collect()
}

/// All latencies of the run.
#[must_use]
pub fn latencies(result: &RunResult) -> Table {
    let latency = &result.latency_us;
    let all = [
        ("Sent → acknowledged", &latency.ack),
        ("Sent → delivered, each recipient", &latency.delivery),
        ("Sent → first of the group", &latency.fanout_first),
        ("Sent → middle of the group", &latency.fanout_median),
        ("Sent → last of the group", &latency.fanout_last),
        ("Connect → logged in", &latency.login),
        ("Connect → synced", &latency.synced),
        ("Typing → seen", &latency.typing),
        ("Came online → watchers told", &latency.presence),
        ("Went away → watchers told", &latency.presence_away),
    ];
    let rows = all.into_iter().filter_map(|(label, summary)| Some(latency_row(label, summary.as_ref()?)));
    Table { title: "Latency", columns: vec!["50%", "90%", "99%", "99.9%", "max", "values"], rows: rows.collect() }
}

fn latency_row(label: &str, summary: &Summary) -> Row {
    let Summary { p50, p90, p99, p999, max, .. } = *summary;
    let mut values: Vec<_> = [p50, p90, p99, p999, max].map(|us| time_us(us as f64)).into();
    values.push(count(summary.count));
    Row::new(label, values)
}

/// Where every accepted message went.
#[must_use]
pub fn ledger(result: &RunResult) -> Table {
    let (ledger, totals) = (&result.ledger, &result.ledger.totals);
    let row = |label: &str, n: u64| Row::new(label, vec![count(n)]);
    let fault = |label: &str, n: u64| Row { is_fault: n > 0, ..row(label, n) };
    let some = |label: &str, n: u64| (n > 0).then(|| row(label, n));
    let mut rows = vec![
        row("Messages accepted", totals.accepted),
        row("Copies due", totals.copies_due),
        row("Delivered live", totals.delivered_live),
        row("Delivered on sync", totals.delivered_on_sync),
        fault("Lost", totals.lost),
        fault("Not yet delivered", totals.pending),
        fault("Duplicated", totals.duplicated),
        fault("Out of order", totals.reordered),
        fault("Missing numbers", totals.gaps),
        fault("Corrupt", totals.corrupt),
    ];
    let unknown = u64::from(ledger.unaccounted_clients);
    rows.extend((unknown > 0).then(|| fault("Clients without account", unknown)));
    rows.extend((totals.log_resets > 0).then(|| fault("Log resets", totals.log_resets)));
    rows.extend(some("Never acknowledged", totals.unacknowledged));
    rows.extend(some("of these stored", totals.unacknowledged_stored));
    rows.extend(some("Refused", totals.refused));
    rows.extend(some("Delivered again, as QoS 1 allows", totals.redelivered));
    rows.push(row("Gaps repaired by clients", ledger.repaired_gaps));
    rows.push(row("Duplicates dropped by clients", ledger.dropped_duplicates));
    rows.extend(some("Unsettled at most at one time", ledger.unsettled.most));
    Table { title: "Ledger", columns: Vec::new(), rows }
}

/// What the server took for what it did.
#[must_use]
pub fn unit_costs(result: &RunResult) -> Table {
    let server = &result.server;
    let pairs = vec![
        ("CPU per copy delivered", server.cpu_us_per_delivery.map(time_us)),
        ("CPU per message accepted", server.cpu_us_per_send.map(time_us)),
        ("CPU per client and second", server.cpu_us_per_client_second.map(time_us)),
        ("CPU per login, setup included", server.cpu_us_per_login.map(time_us)),
        ("Cores used", server.cpu_cores.map(number)),
        ("Resident memory", server.rss_bytes.map(|rss| bytes(rss as f64))),
        ("before the first client", server.rss_bytes_before.map(|rss| bytes(rss as f64))),
        ("per client", server.rss_bytes_per_client.map(bytes)),
        ("Entries it says it delivered", server.entries_delivered.map(count)),
    ];
    let table = Table::of_pairs("Unit costs of the server", pairs);
    match table.rows.is_empty() {
        true => Table { rows: vec![Row::new("CPU and memory", vec!["not measured".to_owned()])], ..table },
        false => table,
    }
}

/// The generator's own side.
#[must_use]
pub fn generator(result: &RunResult) -> Table {
    let (generator, counts) = (&result.generator, &result.counts);
    let time = |us: Option<u64>| us.map(|us| time_us(us as f64));
    let percent = |share: f64| Some(format!("{:.0}%", share * 100.0));
    let some = |n: u64| (n > 0).then(|| count(n));
    let kind = if generator.closed_loop { "closed loop" } else { "open loop" };
    let machine = &generator.machine;
    let pairs = vec![
        ("Kind", Some(kind.to_owned())),
        ("Sends late by, 50%", time(generator.schedule_slip_us_p50)),
        ("Sends late by, 99%", time(generator.schedule_slip_us_p99)),
        ("Turns late by, 99%", time(generator.turn_lag_us_p99)),
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
        ("TCP segments sent again", some(machine.retransmitted)),
        ("TCP segments thrown away", some(machine.queue_drops)),
        ("Listeners found full", some(machine.listen_overflows)),
        ("CPU kept by the hypervisor", percent(machine.stolen_share()).filter(|_| machine.stolen_ticks > 0)),
        ("Drain", Some(time_us(result.drain_s * 1e6))),
    ];
    Table::of_pairs("Generator", pairs)
}

/// What was demanded.
#[must_use]
pub fn thresholds(result: &RunResult) -> Table {
    let rows = result.thresholds.iter().map(|threshold| {
        let holds = if threshold.passed { "holds" } else { "FAILED" };
        let values = vec![threshold.words.clone(), holds.to_owned()];
        Row { is_fault: !threshold.passed, ..Row::new(threshold.text.clone(), values) }
    });
    Table { title: "Thresholds", columns: vec!["measured", ""], rows: rows.collect() }
}

/// What was done to the server.
#[must_use]
pub fn disturbances(result: &RunResult) -> Table {
    let rows = result.disturbances.iter().zip(1..).map(|(disturbed, number)| {
        let recovered = disturbed.recovered_s.map(|seconds| time_us(seconds * 1e6));
        let values = vec![
            time_us(disturbed.at_s * 1e6),
            time_us(disturbed.down_s * 1e6),
            format!("{} of {}", count(disturbed.synced_least.into()), count(disturbed.synced_before.into())),
            recovered.clone().unwrap_or_else(|| "not seen".to_owned()),
        ];
        let label = format!("{number}. {}", disturbed.action.words());
        Row { is_fault: recovered.is_none(), ..Row::new(label, values) }
    });
    Table {
        title: "Disturbances",
        columns: vec!["at", "down for", "fewest synced", "all synced after"],
        rows: rows.collect(),
    }
}

/// The machines that drove the clients.
#[must_use]
pub fn workers(result: &RunResult) -> Table {
    let rows = result.workers.iter().map(|worker| {
        let values = vec![
            worker.hostname.clone(),
            count(worker.clients.into()),
            format!("{}, {}", worker.threads, worker.processes),
            worker.cpu_share.map_or_else(|| "–".to_owned(), |share| format!("{} of {}", number(share), worker.cores)),
            worker.rss_bytes.map_or_else(|| "–".to_owned(), |rss| bytes(rss as f64)),
            worker.lost.clone().unwrap_or_else(|| "no".to_owned()),
        ];
        Row { is_fault: worker.lost.is_some(), ..Row::new(worker.address.clone(), values) }
    });
    Table {
        title: "Workers",
        columns: vec!["host", "clients", "threads, processes", "cores used", "memory", "lost"],
        rows: rows.collect(),
    }
}

/// Errors by their words, the most frequent first.
#[must_use]
pub fn errors(result: &RunResult) -> Table {
    let mut all: Vec<_> = result.errors.iter().collect();
    all.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    let rows = all.into_iter().map(|(words, times)| Row::new(words.clone(), vec![count(*times)]));
    Table { title: "Errors", columns: vec!["times"], rows: rows.collect() }
}

/// What the result stands on.
#[must_use]
pub fn environment(result: &RunResult) -> Table {
    let (environment, server) = (&result.environment, &result.server);
    let revision = environment.revision.as_ref().map_or_else(String::new, |revision| format!(" ({revision})"));
    let pairs = vec![
        ("Started", Some(environment.started.clone())),
        ("Command", Some(environment.command_line.join(" "))),
        ("Users", result.users.map(|users| count(users.into()))),
        ("Seed", Some(environment.seed.to_string())),
        ("First user", Some(environment.first_user.to_string())),
        ("Harness", Some(format!("{}{revision}", environment.version))),
        ("Generator threads, processes", Some(format!("{}, {}", environment.threads, environment.processes))),
        ("Server", Some(environment.server.clone())),
        ("Protocol", summary::protocol_words(result)),
        ("Server version", server.version.clone()),
        ("Durability", server.durability.clone()),
        ("Shards", server.shards.clone()),
        ("Kernel", Some(environment.kernel.clone())),
        ("CPU", environment.cpu_model.clone()),
        ("Cores", Some(environment.cores.to_string())),
        ("Memory", environment.memory_bytes.map(|memory| bytes(memory as f64))),
        ("Descriptors", Some(count(environment.descriptors_max))),
    ];
    Table::of_pairs("Environment", pairs)
}
