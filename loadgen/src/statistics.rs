//! The little statistics that comparisons and plans need: medians, and intervals by resampling. Deterministic: the same
//! values give the same interval.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Resamples for an interval.
pub const RESAMPLES: usize = 4_000;

/// An interval that holds the true value in 95 of 100 cases, as far as the values tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The middle value; of an even number, the mean of the two in the middle. `None` without values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The interval of a statistic, by drawing again and again (Efron's percentile bootstrap): `draw` makes the statistic of
/// one resample with the random numbers that it is given.
pub fn bootstrap(mut draw: impl FnMut(&mut StdRng) -> Option<f64>) -> Option<Interval> {
    let mut random = StdRng::seed_from_u64(0x5eed);
    let mut drawn: Vec<f64> =
        (0..RESAMPLES).filter_map(|_| draw(&mut random)).filter(|value| value.is_finite()).collect();
    drawn.sort_by(f64::total_cmp);
    let at = |quantile: f64| drawn.get(((drawn.len() as f64 - 1.0).max(0.0) * quantile).round() as usize).copied();
    Some(Interval { low: at(0.025)?, high: at(0.975)? })
}

/// As many values as there are, drawn with replacement.
#[must_use]
pub fn resample(values: &[f64], random: &mut StdRng) -> Vec<f64> {
    (0..values.len()).map(|_| values[random.random_range(0..values.len())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_lies_in_the_middle() {
        assert_eq!(
            (median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0]), median(&[])),
            (Some(2.0), Some(2.5), None)
        );
    }

    #[test]
    fn an_interval_of_a_mean_is_as_wide_as_theory_says() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let interval = bootstrap(|random| Some(resample(&values, random).iter().sum::<f64>() / 100.0)).unwrap();
        // 1.96 times the standard deviation (28.9) over the root of 100 is 5.7.
        assert!((interval.low - 43.8).abs() < 1.0 && (interval.high - 55.2).abs() < 1.0, "{interval:?}");
    }

    #[test]
    fn the_same_values_give_the_same_interval() {
        let draw = |random: &mut StdRng| median(&resample(&[1.0, 2.0, 5.0, 9.0], random));
        assert_eq!(bootstrap(draw), bootstrap(draw));
    }
}
