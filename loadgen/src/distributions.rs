//! Distributions that values are drawn from: group sizes and body sizes. Pure: a value follows from uniform numbers
//! that the caller draws from the seed.

use std::f64::consts::TAU;

use crate::body::HEADER_BYTES;
use crate::scenario::{BodySizes, DrawnSizes};

/// How many standard deviations the 99th percentile of a normal distribution lies above its mean.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// Numbers from `min` to `max`, k as likely as k to the power of minus `exponent`.
#[derive(Debug, Clone, PartialEq)]
pub struct Zipf {
    min: u32,
    /// `cumulative[i]`: of a number up to `min + i`; the last is 1.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// From `min` (at least 1) to `max`, both included.
    #[must_use]
    pub fn new(min: u32, max: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = (min..=max.max(min))
            .map(|k| {
                sum += f64::from(k).powf(-exponent);
                sum
            })
            .collect();
        cumulative.iter_mut().for_each(|part| *part /= sum);
        Self { min, cumulative }
    }

    /// The number for a uniform one from 0 up to, but not including, 1.
    #[must_use]
    pub fn at(&self, uniform: f64) -> u32 {
        let place = self.cumulative.partition_point(|part| *part <= uniform);
        self.min + place.min(self.cumulative.len() - 1) as u32
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        // The sum over k of how likely a number of at least k is.
        let (_, all_but_last) = self.cumulative.split_last().expect("there is always one number");
        f64::from(self.min) + all_but_last.iter().map(|part| 1.0 - part).sum::<f64>()
    }
}

/// How long messages are.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyLengths {
    /// All alike.
    Fixed(u32),
    /// Any from `min` to `max`.
    Uniform {
        /// In bytes.
        min: u32,
        /// In bytes.
        max: u32,
    },
    /// Logarithms are normally distributed.
    Lognormal {
        /// In bytes.
        median: f64,
        /// Of the logarithm.
        deviation: f64,
        /// In bytes.
        max: f64,
    },
    /// A list: the share of lengths up to here, and the length in bytes.
    Weighted(Vec<(f64, u32)>),
}

impl From<&BodySizes> for BodyLengths {
    fn from(sizes: &BodySizes) -> Self {
        match sizes {
            BodySizes::Fixed(bytes) => Self::Fixed(*bytes),
            BodySizes::Drawn(DrawnSizes::Uniform { min, max }) => Self::Uniform { min: *min, max: *max },
            BodySizes::Drawn(DrawnSizes::Lognormal { p50, p99, max }) => Self::Lognormal {
                median: f64::from(*p50),
                deviation: (f64::from(*p99) / f64::from(*p50)).ln() / NORMAL_P99,
                max: f64::from(*max),
            },
            BodySizes::Drawn(DrawnSizes::Weighted(sizes)) => {
                let all: f64 = sizes.iter().map(|size| size.weight).sum();
                let mut sum = 0.0;
                let share = |weight: f64| {
                    sum += weight;
                    sum / all
                };
                let shares: Vec<f64> = sizes.iter().map(|size| size.weight).map(share).collect();
                Self::Weighted(shares.into_iter().zip(sizes.iter().map(|size| size.bytes)).collect())
            }
        }
    }
}

impl BodyLengths {
    /// The length, in bytes, for two uniform numbers from 0 up to, but not including, 1. They are asked for only when
    /// they are needed.
    #[must_use]
    pub fn at(&self, uniform: impl FnOnce() -> [f64; 2]) -> usize {
        match self {
            Self::Fixed(bytes) => *bytes as usize,
            Self::Uniform { min, max } => (f64::from(*min) + uniform()[0] * (f64::from(max - min) + 1.0)) as usize,
            Self::Lognormal { median, deviation, max } => {
                let normal = standard_normal(uniform());
                let bytes = median * (deviation * normal).exp();
                bytes.round().clamp(HEADER_BYTES as f64, *max) as usize
            }
            Self::Weighted(sizes) => {
                let [uniform, _] = uniform();
                let place = sizes.partition_point(|(share, _)| *share <= uniform);
                sizes[place.min(sizes.len() - 1)].1 as usize
            }
        }
    }
}

/// Box and Muller's way from uniform numbers to a normal one.
fn standard_normal([one, other]: [f64; 2]) -> f64 {
    (-2.0 * (1.0 - one).ln()).sqrt() * (TAU * other).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::WeightedSize;
    use crate::schedule::draw;

    fn uniform(number: u64) -> [f64; 2] {
        [1, 2].map(|part| draw(7, [number, part, 0]))
    }

    fn lengths(sizes: DrawnSizes) -> Vec<usize> {
        let lengths = BodyLengths::from(&BodySizes::Drawn(sizes));
        let mut all: Vec<_> = (0..100_000).map(|number| lengths.at(|| uniform(number))).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn zipf_stays_in_bounds_and_has_its_mean() {
        for (min, max, exponent) in [(2, 500, 1.0), (3, 10_000, 1.5), (2, 2, 1.0), (5, 50, 0.0)] {
            let zipf = Zipf::new(min, max, exponent);
            let drawn: Vec<u32> = (0..200_000).map(|number| zipf.at(uniform(number)[0])).collect();
            assert!(drawn.iter().all(|k| (min..=max).contains(k)));
            let mean = drawn.iter().map(|k| f64::from(*k)).sum::<f64>() / drawn.len() as f64;
            assert!((mean / zipf.mean() - 1.0).abs() < 0.05, "{min} {max} {exponent}: {mean} {}", zipf.mean());
        }
        assert!((Zipf::new(5, 50, 0.0).mean() - 27.5).abs() < 1e-9);
    }

    #[test]
    fn a_zipf_number_is_as_likely_as_its_power() {
        let zipf = Zipf::new(2, 100, 1.0);
        let drawn: Vec<u32> = (0..200_000).map(|number| zipf.at(uniform(number)[0])).collect();
        let count = |k| drawn.iter().filter(|drawn| **drawn == k).count() as f64;
        assert!((count(2) / count(10) / 5.0 - 1.0).abs() < 0.1, "{} {}", count(2), count(10));
    }

    #[test]
    fn the_ends_of_the_uniform_numbers_are_the_bounds() {
        let zipf = Zipf::new(4, 9, 2.0);
        assert_eq!((zipf.at(0.0), zipf.at(1.0 - f64::EPSILON)), (4, 9));
    }

    #[test]
    fn lognormal_lengths_have_their_quantiles_and_bounds() {
        let all = lengths(DrawnSizes::Lognormal { p50: 150, p99: 2_000, max: 5_000 });
        let (p50, p99) = (all[50_000] as f64, all[99_000] as f64);
        assert!((p50 / 150.0 - 1.0).abs() < 0.02, "{p50}");
        assert!((p99 / 2_000.0 - 1.0).abs() < 0.05, "{p99}");
        assert!(all[0] >= HEADER_BYTES && all[99_999] <= 5_000);
    }

    #[test]
    fn uniform_lengths_reach_both_ends() {
        let all = lengths(DrawnSizes::Uniform { min: 40, max: 43 });
        assert_eq!((all[0], all[99_999]), (40, 43));
        let count = all.iter().filter(|length| **length == 43).count();
        assert!(count.abs_diff(25_000) < 1_000, "{count}");
    }

    #[test]
    fn weighted_lengths_come_by_their_weight() {
        let size = |bytes, weight| WeightedSize { bytes, weight };
        let all = lengths(DrawnSizes::Weighted(vec![size(100, 3.0), size(50, 1.0)]));
        let count = all.iter().filter(|length| **length == 50).count();
        assert!(count.abs_diff(25_000) < 1_000 && all[99_999] == 100, "{count}");
    }
}
