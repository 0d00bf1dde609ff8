//! `costs.json`: unit costs with everything they stand on, documented in `costs.schema.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fit::{Fit, FitError, Row};
use super::sample::{MISSING, Sample};
use crate::environment::Environment;
use crate::report::result::Kind;
use crate::statistics::median;

/// The version of this shape.
pub const SCHEMA_VERSION: u32 = 1;

/// Fewest samples of which costs are made.
pub const SAMPLES_MIN: usize = 4;

/// Unit costs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Costs {
    /// What this file holds: `costs`.
    pub kind: Kind,
    /// The version of this shape.
    pub schema_version: u32,
    /// CPU in cores, over `fixed` (the server's own), clients, and logins, sends, copies and read marks per second: so each
    /// cost is seconds of CPU for one of them (for a client: in each second).
    pub cpu: Fit,
    /// Resident memory over 1 and clients, in bytes; from the idle loads. `None`: not measured.
    pub memory: Option<Fit>,
    /// Resident memory that loads with messages took beyond that.
    pub working_bytes: Option<Working>,
    /// Kernel memory at the server's end over 1 and clients, in bytes. `None`: not measured.
    pub kernel: Option<Fit>,
    /// Bytes to clients for a login, a send and a copy.
    pub bytes_to_clients: Option<Fit>,
    /// Bytes from clients for a login and a send.
    pub bytes_from_clients: Option<Fit>,
    /// Bytes of store and write-ahead log for each message; the median of the loads. `None`: not measured.
    pub stored_bytes_per_message: Option<f64>,
    /// Every load.
    pub samples: Vec<Sample>,
    /// The server's version and durability.
    pub server: Vec<String>,
    /// The machine and the command.
    pub environment: Environment,
}

/// Memory that messages take while they flow, in bytes. The store's tables of what is not flushed yet are in it, so it grows
/// with the length and rate of a load, up to the store's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Working {
    /// Of the load that took least.
    pub least: f64,
    /// Of half of the loads, at most.
    pub median: f64,
    /// Of the load that took most.
    pub most: f64,
}

impl Working {
    /// How far a load may be from the median.
    #[must_use]
    pub fn margin(&self) -> f64 {
        (self.most - self.median).max(self.median - self.least)
    }
}

/// Why there are no costs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CostsError {
    /// Too few loads.
    #[error("{0} usable loads are too few: at least {SAMPLES_MIN}, and one more than costs, are needed")]
    TooFew(usize),
    /// The loads do not tell two costs apart.
    #[error("the loads do not tell apart what they cost. Missing is {0}")]
    Missing(&'static str),
}

impl Costs {
    /// Of samples.
    ///
    /// # Errors
    /// When they do not tell the costs of CPU; what else is missing is `None`.
    pub fn of(samples: Vec<Sample>, server: Vec<String>, environment: Environment) -> Result<Self, CostsError> {
        if samples.len() < SAMPLES_MIN {
            return Err(CostsError::TooFew(samples.len()));
        }
        let rows: Vec<_> = samples.iter().map(Sample::cpu_row).collect();
        let cpu = Fit::of(&rows).map_err(|error| match error {
            FitError::TooFew { have, .. } => CostsError::TooFew(have),
            FitError::Collinear(at) => CostsError::Missing(MISSING[at]),
        })?;
        let memory = by_clients(&samples, |sample| sample.server_rss_bytes.map(|rss| rss as f64));
        let stored: Vec<_> = samples.iter().filter_map(stored_per_message).collect();
        Ok(Self {
            kind: Kind::Costs,
            schema_version: SCHEMA_VERSION,
            cpu,
            working_bytes: memory.as_ref().and_then(|memory| working_bytes(&samples, memory)),
            memory,
            // A loopback connection has two ends.
            kernel: by_clients(&samples, |sample| Some(sample.kernel_bytes? / 2.0)),
            bytes_to_clients: wire(&samples, |sample| sample.bytes_to_clients, &[logins, sends, copies]),
            bytes_from_clients: wire(&samples, |sample| sample.bytes_from_clients, &[logins, sends]),
            stored_bytes_per_message: median(&stored),
            samples,
            server,
            environment,
        })
    }

    /// Kernel memory of a connection, when it was measured and is no accident.
    #[must_use]
    pub fn kernel_bytes(&self) -> Option<(f64, f64)> {
        let kernel = self.kernel.as_ref()?;
        let (cost, margin) = (kernel.costs[1], kernel.margins[1]);
        (cost > margin).then_some((cost, margin))
    }
}

fn logins(sample: &Sample) -> u64 {
    sample.logins
}

fn sends(sample: &Sample) -> u64 {
    sample.sends
}

fn copies(sample: &Sample) -> u64 {
    sample.copies
}

fn stored_per_message(sample: &Sample) -> Option<f64> {
    let messages = (sample.stored_messages > 100).then_some(sample.stored_messages as f64)?;
    Some(sample.stored_bytes? / messages)
}

fn working_bytes(samples: &[Sample], memory: &Fit) -> Option<Working> {
    let busy = samples.iter().filter(|sample| sample.sends > 0);
    let beyond = busy.filter_map(|sample| {
        let idle = memory.predict(&[1.0, f64::from(sample.clients)]).0;
        Some((sample.server_rss_bytes? as f64 - idle).max(0.0))
    });
    let beyond: Vec<_> = beyond.collect();
    let extreme = |choose: fn(f64, f64) -> f64| beyond.iter().copied().reduce(choose);
    Some(Working { least: extreme(f64::min)?, median: median(&beyond)?, most: extreme(f64::max)? })
}

/// Bytes over 1 and clients, from the idle loads.
fn by_clients(samples: &[Sample], bytes: impl Fn(&Sample) -> Option<f64>) -> Option<Fit> {
    let idle = samples.iter().filter(|sample| sample.is_idle());
    let rows = idle.filter_map(|sample| {
        let cost = bytes(sample)?;
        Some(Row { parts: vec![1.0, f64::from(sample.clients)], cost, deviation: 65_536.0 })
    });
    Fit::of(&rows.collect::<Vec<_>>()).ok()
}

fn wire(samples: &[Sample], bytes: fn(&Sample) -> u64, parts: &[fn(&Sample) -> u64]) -> Option<Fit> {
    let row = |sample: &Sample| {
        let cost = bytes(sample) as f64;
        let parts = parts.iter().map(|part| part(sample) as f64).collect();
        Row { parts, cost, deviation: 0.02 * cost + 1_000.0 }
    };
    Fit::of(&samples.iter().map(row).collect::<Vec<_>>()).ok()
}
