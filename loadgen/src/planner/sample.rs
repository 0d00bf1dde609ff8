//! What is kept of a measured load: how much there was of each part, and what the server took for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fit::Row;
use crate::certify::Verdict;
use crate::report::result::RunResult;
use crate::scenario::Scenario;

/// What the server's CPU is spent on, in the order of the fit.
pub const PARTS: [&str; 6] = ["fixed", "client_second", "login", "send", "copy", "read"];

/// The same with what is missing when a part cannot be told from the others.
pub const MISSING: [&str; 6] = [
    "the server's own: an idle load with few clients",
    "idle clients: idle loads of at least two sizes",
    "logins: a load whose clients reconnect",
    "sends: messages to groups of another size",
    "copies: messages to groups of another size",
    "read marks: a load whose clients read",
];

/// CPU is read in ticks of 10 ms, so a reading over a phase is off by about so many seconds.
const CPU_DEVIATION_S: f64 = 0.01;

/// And two runs of the same load differ by so much of it, not least as batches do.
const CPU_DEVIATION_PART: f64 = 0.1;

/// A load as it was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Its name.
    pub load: String,
    /// Clients.
    pub clients: u32,
    /// The measured phase, in seconds.
    pub measured_s: f64,
    /// Logins per second in it.
    pub logins_per_s: f64,
    /// Sends accepted per second.
    pub sends_per_s: f64,
    /// Copies at recipients other than the sender, per second.
    pub copies_per_s: f64,
    /// Read marks per second.
    pub reads_per_s: f64,
    /// The server's CPU in it: 1 is one core.
    pub server_cpu_cores: f64,
    /// The server's resident memory at its end.
    pub server_rss_bytes: Option<u64>,
    /// How much more the kernel held for sockets than before the run, both ends; `None`: not told.
    pub kernel_bytes: Option<f64>,
    /// How much the store's files and write-ahead log grew over the traffic.
    pub stored_bytes: Option<f64>,
    /// Messages accepted meanwhile.
    pub stored_messages: u64,
    /// Logins of the whole run, setup included.
    pub logins: u64,
    /// Messages of the whole run.
    pub sends: u64,
    /// Copies of the whole run.
    pub copies: u64,
    /// Bytes that clients read over the whole run.
    pub bytes_to_clients: u64,
    /// Bytes that clients wrote.
    pub bytes_from_clients: u64,
    /// Whose limit the run showed; CPU per piece is the server's whatever the generator's lateness.
    pub verdict: Option<Verdict>,
}

impl Sample {
    /// From a run; `None` when the server's CPU was not measured or the ledger did not close.
    #[must_use]
    pub fn of(load: &str, scenario: &Scenario, result: &RunResult, kernel_bytes: Option<f64>) -> Option<Self> {
        let traffic_s = scenario.ramp_s + result.measured_s;
        let again = result.counts.logins.saturating_sub(u64::from(result.clients));
        let stored = || {
            let sizes = result.series.iter().filter_map(|point| {
                let server = point.server.as_ref()?;
                Some(server.store_bytes? as f64 + server.wal_bytes.unwrap_or(0) as f64)
            });
            let sizes: Vec<_> = sizes.collect();
            Some(sizes.last()? - sizes.first()?).filter(|grown| *grown > 0.0)
        };
        result.ledger.closed.then_some(())?;
        Some(Self {
            load: load.to_owned(),
            clients: result.clients,
            measured_s: result.measured_s,
            logins_per_s: again as f64 / traffic_s,
            sends_per_s: result.rates.accepted_per_s,
            copies_per_s: result.rates.delivered_per_s,
            reads_per_s: result.counts.reads as f64 / traffic_s,
            server_cpu_cores: result.server.cpu_cores?,
            server_rss_bytes: result.server.rss_bytes,
            kernel_bytes,
            stored_bytes: stored(),
            stored_messages: result.counts.offered,
            logins: result.counts.logins,
            sends: result.ledger.totals.accepted,
            copies: result.counts.delivered,
            bytes_to_clients: result.generator.bytes_in,
            bytes_from_clients: result.generator.bytes_out,
            verdict: Some(result.verdict),
        })
    }

    /// How much there was of each of [`PARTS`] in a second.
    #[must_use]
    pub fn parts(&self) -> Vec<f64> {
        let Self { logins_per_s, sends_per_s, copies_per_s, reads_per_s, .. } = *self;
        vec![1.0, f64::from(self.clients), logins_per_s, sends_per_s, copies_per_s, reads_per_s]
    }

    /// Its CPU.
    #[must_use]
    pub fn cpu_row(&self) -> Row {
        let deviation = cpu_deviation(self.server_cpu_cores, self.measured_s);
        Row { parts: self.parts(), cost: self.server_cpu_cores, deviation }
    }

    /// Whether nobody said anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.sends == 0 && self.logins_per_s < 1.0
    }
}

/// The standard deviation that one expects of a reading of so many cores, over so many seconds.
#[must_use]
pub fn cpu_deviation(cores: f64, measured_s: f64) -> f64 {
    (CPU_DEVIATION_S / measured_s).hypot(CPU_DEVIATION_PART * cores)
}
