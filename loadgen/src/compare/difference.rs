//! One figure on both sides: its medians, their ratio, and what that is worth.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sides::Sides;
use crate::figures::{Better, Figure, figure};
use crate::statistics::{Interval, bootstrap, median, resample};

/// What a difference is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Beyond the spread of the runs, and to the good.
    Better,
    /// Within the spread.
    Same,
    /// Beyond the spread, and to the bad.
    Worse,
    /// Nobody knows how much runs differ: give several files for each side.
    UnknownSpread,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Its name.
    pub figure: String,
    /// The median of the base; microseconds, bytes, pieces, per second, cores, or parts of 1.
    pub base: f64,
    /// The median of what is compared with it.
    pub new: f64,
    /// `new` over `base`; `None` when the base is 0.
    pub ratio: Option<f64>,
    /// The 95% interval of the ratio; `None` when no side has several values.
    pub ratio_low: Option<f64>,
    /// See `ratio_low`.
    pub ratio_high: Option<f64>,
    /// Largest less smallest value of the base, over its median; `None` for a single one.
    pub base_spread: Option<f64>,
    /// The same of the new ones.
    pub new_spread: Option<f64>,
    /// All values of the base.
    pub base_values: Vec<f64>,
    /// All new ones.
    pub new_values: Vec<f64>,
    /// What it is worth.
    pub verdict: Verdict,
}

impl Difference {
    /// Of a figure; `None` when one side did not measure it.
    #[must_use]
    pub fn of(figure: &Figure, sides: &Sides) -> Option<Self> {
        let (base_values, new_values) = (sides.base.values(figure), sides.new.values(figure));
        let (base, new) = (median(&base_values)?, median(&new_values)?);
        let interval = ratio_interval(&base_values, &new_values);
        let ratio = (base != 0.0).then(|| new / base);
        Some(Self {
            figure: figure.name.clone(),
            base,
            new,
            ratio,
            ratio_low: interval.map(|interval| interval.low),
            ratio_high: interval.map(|interval| interval.high),
            base_spread: spread(&base_values),
            new_spread: spread(&new_values),
            verdict: judge(figure.better, base, new, interval),
            base_values,
            new_values,
        })
    }

    /// Whether it is worse by more than a part of the base. Within the spread of the runs it is not; where the spread is not
    /// known, the ratio alone decides.
    #[must_use]
    pub fn is_worse_by_more_than(&self, part: f64) -> bool {
        let higher_is_worse = figure(&self.figure).is_none_or(|figure| figure.better == Better::Lower);
        let beyond = match self.ratio {
            Some(ratio) if higher_is_worse => ratio > 1.0 + part,
            Some(ratio) => ratio < 1.0 - part,
            None => higher_is_worse && self.new > 0.0,
        };
        beyond && matches!(self.verdict, Verdict::Worse | Verdict::UnknownSpread)
    }
}

fn judge(better: Better, base: f64, new: f64, interval: Option<Interval>) -> Verdict {
    let (more, less) = match better {
        Better::Lower => (Verdict::Worse, Verdict::Better),
        Better::Higher => (Verdict::Better, Verdict::Worse),
    };
    match interval {
        _ if base == new => Verdict::Same,
        // Something where there was nothing has no ratio, and is no accident of timing.
        _ if base == 0.0 => more,
        None => Verdict::UnknownSpread,
        Some(interval) if interval.low > 1.0 => more,
        Some(interval) if interval.high < 1.0 => less,
        Some(_) => Verdict::Same,
    }
}

fn spread(values: &[f64]) -> Option<f64> {
    let middle = median(values).filter(|middle| *middle != 0.0 && values.len() > 1)?;
    let largest = values.iter().copied().fold(f64::MIN, f64::max);
    let smallest = values.iter().copied().fold(f64::MAX, f64::min);
    Some((largest - smallest) / middle)
}

/// The interval of the ratio of the medians.
fn ratio_interval(base: &[f64], new: &[f64]) -> Option<Interval> {
    if base.len() < 2 && new.len() < 2 {
        return None;
    }
    let (base, new) = (as_varied_as(base, new)?, as_varied_as(new, base)?);
    bootstrap(|random| {
        let below = median(&resample(&base, random)).filter(|below| *below > 0.0)?;
        Some(median(&resample(&new, random))? / below)
    })
}

/// The values; a single one is taken to vary, in proportion, as the others do.
fn as_varied_as(values: &[f64], others: &[f64]) -> Option<Vec<f64>> {
    match values {
        [single] => {
            let middle = median(others).filter(|middle| *middle > 0.0)?;
            Some(others.iter().map(|other| single * other / middle).collect())
        }
        values => Some(values.to_vec()),
    }
}
