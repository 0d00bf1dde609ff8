//! `compare`: results of the same scenario side by side, and whether they differ by more than runs of the same server do.
//!
//! One file on each side gives ratios. Several files on a side also give its spread, and with it a 95% interval of the ratio
//! of the medians (bootstrap); a side of one file is taken to vary, in proportion, as the other does. A figure is *better*
//! or *worse* when its interval leaves 1 out, *same* when it does not, of *unknown spread* without an interval.

pub mod difference;
pub mod sides;
pub mod words;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures::{Better, FIGURES, Figure, LATENCIES, Measure};
use crate::report::result::Kind;
use difference::Difference;
use sides::Sides;

/// The version of `comparison.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// Of each latency, what is compared unless asked otherwise.
const QUANTILES: [&str; 3] = ["p50", "p99", "p999"];

/// `comparison.json`, documented in `comparison.schema.json`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// What this file holds: `comparison`.
    pub kind: Kind,
    /// The version of this shape.
    pub schema_version: u32,
    /// The scenario of all results.
    pub scenario: String,
    /// Files of the base.
    pub base: Vec<String>,
    /// Files of what is compared with it.
    pub new: Vec<String>,
    /// What differs in what the results stand on.
    pub differs: Vec<String>,
    /// What a reader must know before believing the figures.
    pub beware: Vec<String>,
    /// One element for each figure.
    pub figures: Vec<Difference>,
    /// Figures that are worse by more than was allowed (`--fail-on-worse`).
    pub failed: Vec<String>,
}

/// Which figures are compared: those of `names`, else the usual ones that were measured. Faults are shown where there are some.
#[must_use]
pub fn chosen(names: &[&'static Figure], sides: &Sides) -> Vec<&'static Figure> {
    if !names.is_empty() {
        return names.to_vec();
    }
    let has_some = |figure: &Figure| sides.all().any(|result| figure.read(result).is_some_and(|value| value > 0.0));
    FIGURES.iter().filter(|figure| is_usual(figure)).filter(|figure| has_some(figure)).collect()
}

fn is_usual(figure: &Figure) -> bool {
    let latency = LATENCIES.iter().find_map(|(kind, _)| figure.name.strip_prefix(kind)?.strip_prefix('_'));
    match (latency, figure.measure) {
        (Some(quantile), _) => QUANTILES.contains(&quantile),
        (None, Measure::Count) => true,
        (None, _) => {
            (figure.name.starts_with("server_") || figure.better == Better::Higher) && figure.name != "offered_rate"
                || figure.name == "generator_cpu_per_delivery"
        }
    }
}

/// Compares.
#[must_use]
pub fn compare(sides: &Sides, figures: &[&'static Figure], worse_max: Option<f64>) -> Comparison {
    let figures: Vec<_> = figures.iter().filter_map(|figure| Difference::of(figure, sides)).collect();
    let failed = figures.iter().filter(|figure| worse_max.is_some_and(|max| figure.is_worse_by_more_than(max)));
    Comparison {
        kind: Kind::Comparison,
        schema_version: SCHEMA_VERSION,
        scenario: sides.scenario(),
        base: sides.base.names(),
        new: sides.new.names(),
        differs: sides.differences(),
        beware: sides.doubts(),
        failed: failed.map(|figure| figure.figure.clone()).collect(),
        figures,
    }
}

#[cfg(test)]
mod tests;
