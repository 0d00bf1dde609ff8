//! From unit costs and a population to what must be bought: `plan.json`, documented in `plan.schema.json`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::costs::Costs;
use super::kernel::ASSUMED_BYTES;
use super::population::Population;
use crate::report::result::Kind;

/// The version of this shape.
pub const SCHEMA_VERSION: u32 = 1;

/// An amount with the range that it lies in, by the 95% intervals of the costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amount {
    /// The likeliest.
    pub likely: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Amount {
    fn around(likely: f64, margin: f64) -> Self {
        Self { likely, low: (likely - margin).max(0.0), high: likely + margin }
    }

    fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self { likely: change(self.likely), low: change(self.low), high: change(self.high) }
    }
}

/// What one node has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// Cores.
    pub cores: f64,
    /// Memory, in bytes.
    pub memory_bytes: f64,
}

/// A plan.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Bill {
    /// What this file holds: `plan`.
    pub kind: Kind,
    /// The version of this shape.
    pub schema_version: u32,
    /// For whom.
    pub population: Population,
    /// Of everything that is bought, left free at the peak; 0 to 1.
    pub headroom: f64,
    /// Cores, headroom included.
    pub cores: Amount,
    /// Memory of processes and kernel in bytes, headroom included; `None`: not measured.
    pub memory_bytes: Option<Amount>,
    /// Disk in bytes, headroom included; `None`: not measured.
    pub disk_bytes: Option<f64>,
    /// To clients at the peak, in bytes per second, headroom included; `None`: not measured.
    pub network_bytes_per_s: Option<f64>,
    /// What one node has.
    pub node: Node,
    /// Nodes, whole ones.
    pub nodes: Amount,
    /// What decides their number: `cores` or `memory`.
    pub decided_by: String,
    /// How each figure comes about, with its numbers.
    pub formulas: Vec<String>,
    /// What was taken to be so.
    pub assumptions: Vec<String>,
}

/// Makes a plan.
#[must_use]
pub fn bill(costs: &Costs, population: &Population, headroom: f64, node: Node) -> Bill {
    let (clients, logins) = (population.connections(), population.logins_per_s());
    let (sends, copies) = (population.sends_per_s(), population.copies_per_s());
    let room = |amount: f64| amount / (1.0 - headroom);
    // The server's own is paid on each node; it is counted once here, and small.
    let (cpu, margin) = costs.cpu.predict(&[1.0, clients, logins, sends, copies, population.reads_per_s()]);
    let cores = Amount::around(cpu, margin).map(room);
    let kernel = costs.kernel_bytes();
    let memory_bytes = costs.memory.as_ref().map(|memory| {
        let (process, process_margin) = memory.predict(&[1.0, clients]);
        let (each, each_margin) = kernel.unwrap_or((ASSUMED_BYTES, 0.0));
        let working = costs.working_bytes.unwrap_or_default();
        let margin = process_margin.hypot(each_margin * clients) + working.margin();
        Amount::around(process + working.median + each * clients, margin).map(room)
    });
    let disk_bytes = costs.stored_bytes_per_message.map(|each| room(each * population.messages_kept()));
    let network = costs.bytes_to_clients.as_ref().map(|wire| room(wire.predict(&[logins, sends, copies]).0));
    let by_cores = cores.map(|cores| (cores / node.cores).ceil().max(1.0));
    let by_memory = memory_bytes.map(|memory| memory.map(|bytes| (bytes / node.memory_bytes).ceil().max(1.0)));
    let memory_decides = by_memory.is_some_and(|by_memory| by_memory.likely > by_cores.likely);
    let most = |one: f64, other: fn(&Amount) -> f64| by_memory.as_ref().map_or(one, |amount| one.max(other(amount)));
    let nodes = Amount {
        likely: most(by_cores.likely, |amount| amount.likely),
        low: most(by_cores.low, |amount| amount.low),
        high: most(by_cores.high, |amount| amount.high),
    };
    Bill {
        kind: Kind::Plan,
        schema_version: SCHEMA_VERSION,
        population: population.clone(),
        headroom,
        cores,
        memory_bytes,
        disk_bytes,
        network_bytes_per_s: network,
        node,
        nodes,
        decided_by: if memory_decides { "memory" } else { "cores" }.to_owned(),
        formulas: super::words::formulas(costs, population, headroom),
        assumptions: super::words::assumptions(costs),
    }
}

#[cfg(test)]
mod tests;
