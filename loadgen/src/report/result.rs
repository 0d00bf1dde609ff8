//! `result.json`: its shape, documented in `README.md` and in `result.schema.json`. Fields are only added; a change of
//! meaning raises [`SCHEMA_VERSION`]. What was not measured is `null`, never 0.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comebacks::{FanoutBySize, Offline, Presence, Storm};
use crate::certify::Verdict;
use crate::disturbance::Disturbed;
use crate::engine::plan::Protocol;
use crate::engine::report::Counts;
use crate::environment::Environment;
use crate::host::Troubles;
use crate::latency::{Latencies, Summary, Times};
use crate::ledger::Totals;
use crate::ledger::fault::Fault;
use crate::server_figures::{ServerSecond, Source};
use crate::thresholds::{self, Outcome, Threshold};

/// The version of this shape.
pub const SCHEMA_VERSION: u32 = 1;

/// What a result file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One run; files that do not say are one.
    #[default]
    Run,
    /// A search for the highest load.
    Capacity,
    /// What parts of a load cost.
    Costs,
    /// What to buy for a population.
    Plan,
    /// Results side by side.
    Comparison,
}

/// A whole result.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// What this file holds: `run`.
    #[serde(default)]
    pub kind: Kind,
    /// The version of this shape.
    pub schema_version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What the clients spoke: `hubbub`, `mqtt3.1.1` or `mqtt5`.
    #[serde(default = "hubbub")]
    pub protocol: String,
    /// What carried the clients: `tcp`, `tls`, `ws`, `wss`, a mix of them such as `tcp=50,wss=50`, or `trunk`.
    #[serde(default = "tcp")]
    pub transport: String,
    /// What the scenario wanted and the protocol cannot do, and how often; it was left out.
    #[serde(default)]
    pub not_driven: BTreeMap<String, u64>,
    /// Whose limit the figures show.
    pub verdict: Verdict,
    /// Why, unless it is `server`.
    pub verdict_reasons: Vec<String>,
    /// Why the run ended early, if it did.
    pub ended_early: Option<String>,
    /// Clients.
    pub clients: u32,
    /// The measured phase, in seconds.
    pub measured_s: f64,
    /// From the end of the traffic until the ledger closed or was given up, in seconds.
    pub drain_s: f64,
    /// What was demanded of the run, and whether it holds; empty when nothing was.
    #[serde(default)]
    pub thresholds: Vec<Outcome>,
    /// Where every accepted message went.
    pub ledger: Ledger,
    /// Latencies of the measured phase, in microseconds.
    pub latency_us: LatencyFigures,
    /// Over the measured phase.
    pub rates: Rates,
    /// The server's side.
    pub server: Server,
    /// The generator's side.
    pub generator: Generator,
    /// The machines that drove the clients.
    #[serde(default)]
    pub workers: Vec<WorkerFigures>,
    /// What happened over the whole run.
    pub counts: Counts,
    /// Errors by their words.
    pub errors: BTreeMap<String, u64>,
    /// One element for each second of traffic and drain.
    pub series: Vec<SeriesPoint>,
    /// Percentile curves: `[quantile, microseconds]`.
    pub curves: Curves,
    /// What was done to the server, in order.
    #[serde(default)]
    pub disturbances: Vec<Disturbed>,
    /// How those whose connections dropped at one moment came back; absent without a storm.
    #[serde(default)]
    pub storm: Option<Storm>,
    /// How those who had been away came back; absent when nobody had been brought back.
    #[serde(default)]
    pub offline: Option<Offline>,
    /// What watchers saw at the end; absent when nobody watched.
    #[serde(default)]
    pub presence: Option<Presence>,
    /// Users, whose devices the clients are.
    #[serde(default)]
    pub users: Option<u32>,
    /// What the result stands on.
    pub environment: Environment,
}

impl RunResult {
    /// Holds demands against this result, and keeps what became of them.
    ///
    /// # Panics
    /// Never: a result has no keys that JSON cannot write.
    pub fn judge(&mut self, thresholds: &[Threshold]) {
        if thresholds.is_empty() {
            return;
        }
        let result = serde_json::to_value(&*self).expect("a result is plain data");
        self.thresholds = thresholds::judge(thresholds, &result);
    }

    /// Whether the ledger closed, every watcher saw the truth in the end, and all demands hold.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let presence_is_right = self.presence.is_none_or(|presence| presence.wrong == 0);
        self.ledger.closed && presence_is_right && self.thresholds.iter().all(|threshold| threshold.passed)
    }
}

/// The protocol of results that were written before there was a choice.
fn hubbub() -> String {
    Protocol::Hubbub.name().to_owned()
}

/// The transport of results that were written before there was a choice.
fn tcp() -> String {
    "tcp".to_owned()
}

/// The ledger, with what the client sessions repaired by themselves.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Every accepted message is accounted for at every recipient, once, whole and in order.
    pub closed: bool,
    /// The figures.
    #[serde(flatten)]
    pub totals: Totals,
    /// Gaps that client sessions closed by `History`.
    pub repaired_gaps: u64,
    /// Entries that client sessions were sent again, and dropped.
    pub dropped_duplicates: u64,
    /// Clients of generator threads that were lost or did not end: what they sent and received is unknown.
    #[serde(default)]
    pub unaccounted_clients: u32,
    /// The first faults, in words.
    pub faults: Vec<String>,
    /// The same faults, with conversation, sender, counter and seq.
    #[serde(default)]
    pub fault_list: Vec<Fault>,
    /// The most that the ledger remembered at one time, over all threads.
    #[serde(default)]
    pub unsettled: Unsettled,
}

/// What the ledger had to remember: messages not settled yet, and faults not judged yet, 40 bytes each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsettled {
    /// The most at one time: the sum over all threads of the most of each.
    pub most: u64,
    /// At so many the traffic ends.
    pub limit: u64,
}

/// Latencies; `null` where nothing was recorded.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct LatencyFigures {
    /// Intended send to `Sent`.
    pub ack: Option<Summary>,
    /// Intended send to each recipient other than the sender.
    pub delivery: Option<Summary>,
    /// Groups: to the first recipient.
    pub fanout_first: Option<Summary>,
    /// Groups: to the middle recipient.
    pub fanout_median: Option<Summary>,
    /// Groups: to the last recipient.
    pub fanout_last: Option<Summary>,
    /// Start of connecting to `LoggedIn`.
    pub login: Option<Summary>,
    /// Start of connecting to `Synced`.
    pub synced: Option<Summary>,
    /// Groups by their size: first, middle and last recipient.
    #[serde(default)]
    pub fanout_by_size: Vec<FanoutBySize>,
    /// A user began to connect, to each watcher that was told.
    #[serde(default)]
    pub presence: Option<Summary>,
    /// A user's last device went, to each watcher that was told; the server's grace period included.
    #[serde(default)]
    pub presence_away: Option<Summary>,
    /// Intended typing signal to each other device that had it.
    #[serde(default)]
    pub typing: Option<Summary>,
}

impl From<&Latencies> for LatencyFigures {
    fn from(latencies: &Latencies) -> Self {
        Self {
            ack: latencies.ack.summary(),
            delivery: latencies.delivery.summary(),
            fanout_first: latencies.fanout_first.summary(),
            fanout_median: latencies.fanout_median.summary(),
            fanout_last: latencies.fanout_last.summary(),
            login: latencies.login.summary(),
            synced: latencies.synced.summary(),
            fanout_by_size: FanoutBySize::all(latencies),
            presence: latencies.presence.summary(),
            presence_away: latencies.presence_away.summary(),
            typing: latencies.typing.summary(),
        }
    }
}

/// Rates of the measured phase.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    /// Sends that the schedule wanted.
    pub offered_per_s: f64,
    /// Sends acknowledged.
    pub accepted_per_s: f64,
    /// Copies at recipients other than the sender.
    pub delivered_per_s: f64,
}

/// The server's side of the measured phase; `null` where it could not be measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// Where CPU and memory come from.
    pub source: Source,
    /// CPU time, in microseconds, over copies at recipients other than the sender.
    pub cpu_us_per_delivery: Option<f64>,
    /// CPU time, in microseconds, over accepted sends.
    pub cpu_us_per_send: Option<f64>,
    /// CPU time, in microseconds, over clients and seconds.
    pub cpu_us_per_client_second: Option<f64>,
    /// CPU time of the setup, in microseconds, over logins (with their syncs).
    pub cpu_us_per_login: Option<f64>,
    /// CPU time over wall time: 1 is one core.
    pub cpu_cores: Option<f64>,
    /// Resident memory at the end of the measured phase.
    pub rss_bytes: Option<u64>,
    /// Resident memory before the first client.
    pub rss_bytes_before: Option<u64>,
    /// The difference over the number of clients.
    pub rss_bytes_per_client: Option<f64>,
    /// Entries that the server says it delivered, over the measured phase; the senders' own included.
    pub entries_delivered: Option<u64>,
    /// `fsync`, `os` or `none`.
    pub durability: Option<String>,
    /// The server's version.
    pub version: Option<String>,
    /// Its shards.
    pub shards: Option<String>,
}

/// The generator's side of the measured phase.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Whether acknowledgements set the pace.
    pub closed_loop: bool,
    /// CPU time, in microseconds, over copies at recipients other than the sender.
    pub cpu_us_per_delivery: Option<f64>,
    /// CPU time over wall time: 1 is one core.
    pub cpu_share: f64,
    /// The busiest thread's.
    pub busiest_thread: f64,
    /// Of the measured phase, the thread that waited most for a CPU.
    pub waited_for_cpu: f64,
    /// Lateness of sends: half of them.
    pub schedule_slip_us_p50: Option<u64>,
    /// Lateness of sends: 99% of them.
    pub schedule_slip_us_p99: Option<u64>,
    /// The largest.
    pub schedule_slip_us_max: Option<u64>,
    /// Lateness of the loops' turns, which what arrives waits for: half of them.
    pub turn_lag_us_p50: Option<u64>,
    /// 99% of them.
    pub turn_lag_us_p99: Option<u64>,
    /// The largest.
    pub turn_lag_us_max: Option<u64>,
    /// What went wrong on the generator's machine over the measured phase; of several machines, the worst.
    #[serde(default)]
    pub machine: Troubles,
    /// Resident memory of all generator processes at the end of the measured phase.
    pub rss_bytes: u64,
    /// Bytes read by the clients over the run.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Requests put on the wire again.
    pub resends: u64,
}

/// A machine that drove clients.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct WorkerFigures {
    /// Its address, or `here`.
    pub address: String,
    /// What it is called.
    pub hostname: String,
    /// Its kernel's release.
    pub kernel: String,
    /// Version of the harness there.
    pub version: String,
    /// CPUs that may be used there.
    pub cores: u32,
    /// Its clients.
    pub clients: u32,
    /// Its threads.
    pub threads: u32,
    /// In so many processes.
    pub processes: u32,
    /// CPU time of its threads over wall time, measured phase: 1 is one core. `None` when it did not say.
    pub cpu_share: Option<f64>,
    /// Resident memory of all its processes at the end of the measured phase, as it was last said.
    pub rss_bytes: Option<u64>,
    /// How far its clock may have been from the coordinator's when the traffic started or later, in microseconds. It moves the
    /// start and the seconds of the series; no latency.
    pub clock_uncertainty_us: Option<u64>,
    /// Why it did not account for all its clients, if so.
    pub lost: Option<String>,
}

/// Which phase a second belongs to (by its begin).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesPhase {
    /// The rate rises.
    Ramp,
    /// Measured.
    #[default]
    Measured,
    /// After the traffic.
    Drain,
}

/// One second. Latencies are those of what *arrived* in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesPoint {
    /// Its begin, from the start of the traffic.
    pub at_s: u32,
    /// Its phase.
    pub phase: SeriesPhase,
    /// Sends that the schedule wanted.
    pub offered: u64,
    /// Sends acknowledged.
    pub accepted: u64,
    /// Copies at recipients other than the sender.
    pub delivered: u64,
    /// Clients logged in.
    pub connected: u32,
    /// Errors of all kinds.
    pub errors: u64,
    /// Acknowledgements.
    pub ack: Option<Quantiles>,
    /// Deliveries.
    pub delivery: Option<Quantiles>,
    /// Completed fan-outs.
    pub fanout_last: Option<Quantiles>,
    /// p99 lateness of sends, in microseconds.
    pub slip_us_p99: Option<u64>,
    /// The server's CPU: 1 is one core.
    pub server_cpu_cores: Option<f64>,
    /// The server's resident memory.
    pub server_rss_bytes: Option<u64>,
    /// What the server's metrics say; `null` when they could not be read.
    pub server: Option<ServerSecond>,
    /// CPU of the busiest generator thread: 1 is one core.
    pub generator_busiest: Option<f64>,
    /// The generator thread that waited most for a CPU: a part of the second, 0 to 1.
    pub generator_waited: Option<f64>,
}

/// Quantiles of one second, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// The median.
    pub p50: u64,
    /// 99% are at or below this.
    pub p99: u64,
    /// 99.9% are.
    pub p999: u64,
    /// The largest.
    pub max: u64,
}

impl Quantiles {
    /// Of a histogram; `None` when it is empty.
    #[must_use]
    pub fn of(times: &Times) -> Option<Self> {
        let Summary { p50, p99, p999, max, .. } = times.summary()?;
        Some(Self { p50, p99, p999, max })
    }
}

/// Percentile curves of the measured phase.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Curves {
    /// Intended send to `Sent`.
    pub ack: Vec<(f64, u64)>,
    /// Intended send to each recipient.
    pub delivery: Vec<(f64, u64)>,
    /// Groups: to the first recipient.
    pub fanout_first: Vec<(f64, u64)>,
    /// Groups: to the middle recipient.
    pub fanout_median: Vec<(f64, u64)>,
    /// Groups: to the last recipient.
    pub fanout_last: Vec<(f64, u64)>,
}

impl From<&Latencies> for Curves {
    fn from(latencies: &Latencies) -> Self {
        Self {
            ack: latencies.ack.curve(),
            delivery: latencies.delivery.curve(),
            fanout_first: latencies.fanout_first.curve(),
            fanout_median: latencies.fanout_median.curve(),
            fanout_last: latencies.fanout_last.curve(),
        }
    }
}
