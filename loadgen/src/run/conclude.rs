//! From what was observed to a result: merged parts, unit costs, the verdict.

use super::{Observed, comebacks};
use crate::certify::{Evidence, certify};
use crate::clock::SECOND_US;
use crate::engine::report::{Counts, Part, PresenceCheck, Sessions, Steady};
use crate::environment::Environment;
use crate::latency::Latencies;
use crate::ledger::{Account, FAULTS_DESCRIBED_MAX};
use crate::population::Devices;
use crate::report::result::{
    Generator, Kind, Ledger, Rates, RunResult, SCHEMA_VERSION, Server, Unsettled, WorkerFigures,
};
use crate::server_figures::Sample;
use crate::workers::Crew;

/// The sums over all threads.
#[derive(Default)]
struct Merged {
    account: Account,
    latencies: Latencies,
    counts: Counts,
    sessions: Sessions,
    steady: Steady,
    busiest: f64,
    waited: f64,
    drained_us: u64,
    presence: Option<PresenceCheck>,
    unsettled_most: u64,
}

pub(super) fn conclude(observed: Observed) -> RunResult {
    let mut merged = Merged::default();
    let mut errors = std::collections::BTreeMap::new();
    let mut not_driven = std::collections::BTreeMap::new();
    for part in &observed.parts {
        merged.add(part);
        for (words, count) in &part.errors {
            *errors.entry(words.clone()).or_default() += count;
        }
        for (words, count) in &part.not_driven {
            *not_driven.entry(words.clone()).or_default() += count;
        }
    }
    // One that failed in the middle has ended the run, and is told there.
    let stopped_badly = observed.server_failure.iter().filter(|_| observed.ended_early.is_none());
    errors.extend(stopped_badly.map(|words| (words.clone(), 1)));
    let scenario = &observed.request.plan.scenario;
    let thresholds = scenario.thresholds().unwrap_or_default();
    let generator = generator(&merged, scenario.is_closed_loop(), &observed.crews);
    // A thread that did not hand in its part leaves its messages unaccounted for.
    let complete = observed.parts.len() == observed.threads as usize;
    let (verdict, verdict_reasons) = certify(&Evidence {
        closed_loop: generator.closed_loop,
        slip_us_p99: generator.schedule_slip_us_p99,
        ack_us_p99: merged.latencies.ack.quantile(0.99),
        turn_lag_us_p99: generator.turn_lag_us_p99,
        delivery_us_p99: merged.latencies.delivery.quantile(0.99),
        busiest_thread: merged.busiest,
        waited: merged.waited,
        own_limits: merged.counts.own_limits,
        suppressed: merged.counts.suppressed,
        offered: merged.counts.offered,
        missing_threads: observed.threads.saturating_sub(observed.parts.len() as u32),
        machine: generator.machine,
    });
    let (server, environment) = (server(&observed, &merged), environment(&observed));
    let workers = observed.crews.iter().map(|crew| worker_figures(&observed, crew)).collect();
    let (unaccounted_clients, faults) = (unaccounted_clients(&observed), faults(&observed, &merged.account));
    let series = observed.series.points();
    let plan = &observed.request.plan;
    let mut result = RunResult {
        kind: Kind::Run,
        schema_version: SCHEMA_VERSION,
        scenario: scenario.name.clone(),
        protocol: observed.request.plan.protocol.name().to_owned(),
        transport: plan.transport(),
        not_driven,
        verdict,
        verdict_reasons,
        clients: scenario.clients,
        measured_s: merged.steady.elapsed_us as f64 / SECOND_US as f64,
        drain_s: merged.drained_us as f64 / SECOND_US as f64,
        ledger: Ledger {
            closed: complete && merged.account.totals.is_closed(),
            totals: merged.account.totals,
            repaired_gaps: merged.sessions.repaired_gaps,
            dropped_duplicates: merged.sessions.dropped_duplicates,
            unaccounted_clients,
            faults,
            fault_list: merged.account.faults.clone(),
            unsettled: Unsettled { most: merged.unsettled_most, limit: observed.request.plan.room(1).max() },
        },
        latency_us: (&merged.latencies).into(),
        rates: rates(&merged.steady),
        server,
        generator,
        workers,
        counts: merged.counts,
        errors,
        curves: (&merged.latencies).into(),
        environment,
        storm: comebacks::storm(plan, &merged.counts, &merged.latencies, &series),
        offline: comebacks::offline(plan, &merged.counts, &merged.latencies, &series),
        presence: merged.presence.map(Into::into),
        users: Some(Devices::of(scenario).users()),
        series,
        disturbances: observed.disturbances,
        ended_early: observed.ended_early,
        thresholds: Vec::new(),
    };
    result.judge(&thresholds);
    result
}

impl Merged {
    fn add(&mut self, part: &Part) {
        self.account.add(part.account.clone());
        self.latencies.add(&part.latencies);
        self.counts.add(&part.counts);
        self.sessions.add(&part.sessions);
        let (steady, wall_ns) = (&part.steady, (part.steady.elapsed_us * 1_000).max(1) as f64);
        self.busiest = self.busiest.max(steady.cpu_ns as f64 / wall_ns);
        self.waited = self.waited.max(steady.waited_ns as f64 / wall_ns);
        self.steady.offered += steady.offered;
        self.steady.accepted += steady.accepted;
        self.steady.delivered += steady.delivered;
        self.steady.cpu_ns += steady.cpu_ns;
        self.steady.machine = self.steady.machine.worst(&steady.machine);
        self.steady.elapsed_us = self.steady.elapsed_us.max(steady.elapsed_us);
        self.drained_us = self.drained_us.max(part.drained_us);
        if let Some(check) = &part.presence {
            self.presence.get_or_insert_default().add(check);
        }
        self.unsettled_most += part.unsettled_most;
    }
}

/// `None` rather than a division by nothing.
fn per(amount: f64, count: f64) -> Option<f64> {
    (count > 0.0).then(|| amount / count)
}

fn rates(steady: &Steady) -> Rates {
    let per_second = |count: u64| per(count as f64 * SECOND_US as f64, steady.elapsed_us as f64).unwrap_or(0.0);
    Rates {
        offered_per_s: per_second(steady.offered),
        accepted_per_s: per_second(steady.accepted),
        delivered_per_s: per_second(steady.delivered),
    }
}

/// Clients of threads that did not hand in their part.
fn unaccounted_clients(observed: &Observed) -> u32 {
    let all = observed.crews.iter().flat_map(|crew| &crew.threads);
    all.filter(|(thread, _)| !observed.parts.iter().any(|part| part.worker == *thread))
        .map(|(_, clients)| clients)
        .sum()
}

/// What nobody accounts for first, then what the ledger found.
fn faults(observed: &Observed, account: &Account) -> Vec<String> {
    let mut clients_by_reason = std::collections::BTreeMap::<_, u32>::new();
    for (thread, clients) in observed.crews.iter().flat_map(|crew| &crew.threads) {
        if let Some(reason) = observed.lost.get(thread) {
            *clients_by_reason.entry(reason).or_default() += clients;
        }
    }
    let unknown = clients_by_reason
        .iter()
        .map(|(reason, clients)| format!("{reason}; what its {clients} clients sent and received is unknown"));
    unknown.chain(account.faults.iter().map(ToString::to_string)).take(FAULTS_DESCRIBED_MAX).collect()
}

fn worker_figures(observed: &Observed, crew: &Crew) -> WorkerFigures {
    let is_here = |thread: &u32| crew.threads.iter().any(|(number, _)| number == thread);
    let parts: Vec<_> = observed.parts.iter().filter(|part| is_here(&part.worker)).collect();
    let cpu_us = parts.iter().map(|part| part.steady.cpu_ns).sum::<u64>() as f64 / 1e3;
    let elapsed_us = parts.iter().map(|part| part.steady.elapsed_us).max().unwrap_or_default();
    WorkerFigures {
        address: crew.address.clone(),
        hostname: crew.profile.hostname.clone(),
        kernel: crew.profile.kernel.clone(),
        version: crew.profile.version.clone(),
        cores: crew.profile.cores,
        clients: crew.clients(),
        threads: crew.threads.len() as u32,
        processes: crew.processes,
        cpu_share: per(cpu_us, elapsed_us as f64),
        rss_bytes: crew.rss_bytes,
        clock_uncertainty_us: crew.clock_uncertainty_us,
        lost: crew.threads.iter().find_map(|(thread, _)| observed.lost.get(thread).cloned()),
    }
}

fn generator(merged: &Merged, closed_loop: bool, crews: &[Crew]) -> Generator {
    let steady = &merged.steady;
    let cpu_us = steady.cpu_ns as f64 / 1e3;
    // In a closed loop nothing is late: an acknowledgement is the schedule.
    let slip = |quantile| merged.latencies.slip.quantile(quantile);
    let lag = |quantile| merged.latencies.turn_lag.quantile(quantile);
    Generator {
        closed_loop,
        cpu_us_per_delivery: per(cpu_us, steady.delivered as f64),
        cpu_share: per(cpu_us, steady.elapsed_us as f64).unwrap_or(0.0),
        busiest_thread: merged.busiest,
        waited_for_cpu: merged.waited,
        schedule_slip_us_p50: slip(0.5),
        schedule_slip_us_p99: slip(0.99),
        schedule_slip_us_max: slip(1.0),
        turn_lag_us_p50: lag(0.5),
        turn_lag_us_p99: lag(0.99),
        turn_lag_us_max: lag(1.0),
        machine: steady.machine,
        rss_bytes: crews.iter().filter_map(|crew| crew.rss_bytes).sum(),
        bytes_in: merged.sessions.bytes_in,
        bytes_out: merged.sessions.bytes_out,
        resends: merged.sessions.resends,
    }
}

fn server(observed: &Observed, merged: &Merged) -> Server {
    let steady_end = observed.steady_end.clone().unwrap_or_default();
    let steady_begin = observed.steady_begin.clone().unwrap_or_default();
    let steady = &merged.steady;
    let cpu_us = steady_end.cpu_us_since(&steady_begin).map(|us| us as f64);
    let setup_cpu_us = observed.after_setup.cpu_us_since(&observed.before).map(|us| us as f64);
    let clients = f64::from(observed.request.plan.scenario.clients);
    let client_seconds = clients * steady.elapsed_us as f64 / SECOND_US as f64;
    let grown = |after: &Sample, before: &Sample| {
        // Memory that was given back meanwhile says nothing about clients.
        let grown = after.rss_bytes?.checked_sub(before.rss_bytes?)?;
        (after.pid == before.pid).then_some(grown as f64)
    };
    let info = |key: &str| observed.probe.info.get(key).cloned();
    let same_process = steady_end.pid == steady_begin.pid;
    let entries = steady_end.entries_delivered.zip(steady_begin.entries_delivered);
    Server {
        source: observed.probe.source,
        cpu_us_per_delivery: cpu_us.and_then(|us| per(us, steady.delivered as f64)),
        cpu_us_per_send: cpu_us.and_then(|us| per(us, steady.accepted as f64)),
        cpu_us_per_client_second: cpu_us.and_then(|us| per(us, client_seconds)),
        cpu_us_per_login: setup_cpu_us.and_then(|us| per(us, clients)),
        cpu_cores: cpu_us.and_then(|us| per(us, steady.elapsed_us as f64)),
        rss_bytes: steady_end.rss_bytes,
        rss_bytes_before: observed.before.rss_bytes,
        rss_bytes_per_client: grown(&steady_end, &observed.before).and_then(|bytes| per(bytes, clients)),
        entries_delivered: entries.filter(|_| same_process).and_then(|(end, begin)| end.checked_sub(begin)),
        durability: info("durability"),
        version: info("version"),
        shards: info("shards"),
    }
}

fn environment(observed: &Observed) -> Environment {
    let plan = &observed.request.plan;
    Environment {
        server: plan.server.to_string(),
        seed: plan.seed,
        run_id: format!("{:016x}", plan.run_id),
        first_user: plan.first_user,
        threads: observed.threads,
        processes: observed.processes,
        scenario: plan.scenario.to_toml(),
        ..Environment::of_this_machine()
    }
}
