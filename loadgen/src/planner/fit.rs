//! Weighted least squares with coefficients that are not negative, and what may be believed of them.
//!
//! The columns are few (five at most), so the best non-negative fit is found by fitting every subset of them. Intervals are
//! the usual ones of least squares (t times the standard error); the covariance is that of all columns, also of those whose
//! coefficient was held at 0. Collinear samples are refused by their variance inflation factor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A column of which so much is told by the others is not told apart from them (99% of its length).
const INFLATION_MAX: f64 = 100.0;

/// 97.5% points of Student's t for 1 to 10 degrees of freedom; the normal one for many.
const T: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/// A measured sum and its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// How much there was of each column.
    pub parts: Vec<f64>,
    /// What it cost.
    pub cost: f64,
    /// The standard deviation that one expects of `cost`, in its unit.
    pub deviation: f64,
}

/// A fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fit {
    /// Cost of one of each column; 0 or more.
    pub costs: Vec<f64>,
    /// Half of the 95% interval of each.
    pub margins: Vec<f64>,
    /// Covariance of the costs, row by row.
    pub covariance: Vec<Vec<f64>>,
    /// 97.5% point of t for its degrees of freedom.
    pub t: f64,
    /// How much larger residuals are than expected (1: as expected).
    pub residual_factor: f64,
}

/// Why there is no fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Fewer samples than columns and one.
    #[error("{have} samples are too few for {columns} costs: at least {} are needed", columns + 1)]
    TooFew {
        /// Samples.
        have: usize,
        /// Columns.
        columns: usize,
    },
    /// The samples do not tell this column from the others.
    #[error("the samples do not tell column {0} from the others")]
    Collinear(usize),
}

impl Fit {
    /// Fits.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn of(rows: &[Row]) -> Result<Self, FitError> {
        let columns = rows.first().map_or(0, |row| row.parts.len());
        if columns == 0 || rows.len() <= columns {
            return Err(FitError::TooFew { have: rows.len(), columns });
        }
        let all: Vec<usize> = (0..columns).collect();
        let normal = normal_matrix(rows, &all);
        let inverse = invert(&normal).map_err(FitError::Collinear)?;
        // The length of a column times that of what the others leave of it.
        let inflation = |at: &usize| normal[*at][*at] * inverse[*at][*at];
        if let Some(at) = all.iter().copied().max_by(|a, b| inflation(a).total_cmp(&inflation(b)))
            && inflation(&at) > INFLATION_MAX
        {
            return Err(FitError::Collinear(at));
        }
        let costs = best_not_negative(rows, columns);
        let freedom = rows.len() - columns;
        let residual_factor = (residual(rows, &costs) / freedom as f64).sqrt();
        let t = T.get(freedom - 1).copied().unwrap_or(1.96 + 2.5 / freedom as f64);
        // Residuals smaller than expected are luck.
        let scale = residual_factor.max(1.0).powi(2);
        let covariance: Vec<Vec<f64>> =
            inverse.iter().map(|row| row.iter().map(|value| value * scale).collect()).collect();
        let margins = all.iter().map(|at| t * covariance[*at][*at].max(0.0).sqrt()).collect();
        Ok(Self { costs, margins, covariance, t, residual_factor })
    }

    /// What a sum of parts costs, and half of its 95% interval.
    #[must_use]
    pub fn predict(&self, parts: &[f64]) -> (f64, f64) {
        let cost = self.costs.iter().zip(parts).map(|(cost, part)| cost * part).sum();
        let pairs = self.covariance.iter().zip(parts);
        let variance: f64 = pairs
            .map(|(row, part)| part * row.iter().zip(parts).map(|(value, other)| value * other).sum::<f64>())
            .sum();
        (cost, self.t * variance.max(0.0).sqrt())
    }
}

/// Sum of squared residuals, each over its expected deviation.
fn residual(rows: &[Row], costs: &[f64]) -> f64 {
    let of = |row: &Row| {
        let sum: f64 = row.parts.iter().zip(costs).map(|(part, cost)| part * cost).sum();
        ((row.cost - sum) / row.deviation).powi(2)
    };
    rows.iter().map(of).sum()
}

fn best_not_negative(rows: &[Row], columns: usize) -> Vec<f64> {
    let subsets = (1_u32..1 << columns).map(|bits| (0..columns).filter(|at| bits >> at & 1 == 1).collect::<Vec<_>>());
    let fits = subsets.filter_map(|subset| {
        let inverse = invert(&normal_matrix(rows, &subset)).ok()?;
        let sums = weighted_sums(rows, &subset);
        let mut costs = vec![0.0; columns];
        for (place, at) in subset.iter().enumerate() {
            costs[*at] = inverse[place].iter().zip(&sums).map(|(value, sum)| value * sum).sum();
        }
        costs.iter().all(|cost| *cost >= 0.0).then(|| (residual(rows, &costs), costs))
    });
    fits.min_by(|a, b| a.0.total_cmp(&b.0)).map_or_else(|| vec![0.0; columns], |(_, costs)| costs)
}

fn normal_matrix(rows: &[Row], subset: &[usize]) -> Vec<Vec<f64>> {
    let entry = |one: usize, other: usize| {
        rows.iter().map(|row| row.parts[one] * row.parts[other] / row.deviation.powi(2)).sum::<f64>()
    };
    subset.iter().map(|one| subset.iter().map(|other| entry(*one, *other)).collect()).collect()
}

fn weighted_sums(rows: &[Row], subset: &[usize]) -> Vec<f64> {
    let sum = |at: usize| rows.iter().map(|row| row.parts[at] * row.cost / row.deviation.powi(2)).sum::<f64>();
    subset.iter().map(|at| sum(*at)).collect()
}

/// The inverse of a symmetric positive matrix (Gauss and Jordan, scaled to a unit diagonal); else the column that the ones
/// before it tell.
fn invert(matrix: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, usize> {
    let size = matrix.len();
    let scale: Vec<f64> = (0..size).map(|at| matrix[at][at].sqrt()).collect();
    if let Some(empty) = scale.iter().position(|scale| *scale <= 0.0 || !scale.is_finite()) {
        return Err(empty);
    }
    let mut left: Vec<Vec<f64>> =
        (0..size).map(|i| (0..size).map(|j| matrix[i][j] / (scale[i] * scale[j])).collect()).collect();
    let mut right: Vec<Vec<f64>> =
        (0..size).map(|i| (0..size).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for at in 0..size {
        let pivot = left[at][at];
        if pivot < 1e-9 {
            return Err(at);
        }
        left[at].iter_mut().chain(right[at].iter_mut()).for_each(|value| *value /= pivot);
        let (left_row, right_row) = (left[at].clone(), right[at].clone());
        for other in (0..size).filter(|other| *other != at) {
            let factor = left[other][at];
            left[other].iter_mut().zip(&left_row).for_each(|(value, pivot)| *value -= factor * pivot);
            right[other].iter_mut().zip(&right_row).for_each(|(value, pivot)| *value -= factor * pivot);
        }
    }
    Ok((0..size).map(|i| (0..size).map(|j| right[i][j] / (scale[i] * scale[j])).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Costs of `true_costs`, off by `errors` in turn.
    fn rows(parts: &[[f64; 3]], true_costs: [f64; 3], errors: &[f64]) -> Vec<Row> {
        let sum = |parts: &[f64; 3]| parts.iter().zip(true_costs).map(|(part, cost)| part * cost).sum::<f64>();
        let errors = errors.iter().cycle();
        let pairs = parts.iter().zip(errors);
        pairs.map(|(parts, error)| Row { parts: parts.to_vec(), cost: sum(parts) + error, deviation: 0.01 }).collect()
    }

    const PARTS: [[f64; 3]; 7] = [
        [1.0, 0.0, 0.0],
        [2.0, 0.0, 0.0],
        [1.0, 5.0, 5.0],
        [1.0, 9.0, 9.0],
        [1.0, 1.0, 10.0],
        [2.0, 2.0, 20.0],
        [2.0, 1.0, 40.0],
    ];

    #[test]
    fn exact_samples_give_exact_costs() {
        let fit = Fit::of(&rows(&PARTS, [0.5, 0.2, 0.03], &[0.0])).unwrap();
        assert!(fit.costs.iter().zip([0.5, 0.2, 0.03]).all(|(found, cost)| (found - cost).abs() < 1e-9), "{fit:?}");
        let (cost, margin) = fit.predict(&[1.0, 3.0, 30.0]);
        assert!((cost - 2.0).abs() < 1e-9 && margin > 0.0 && margin < 0.1, "{cost} ± {margin}");
    }

    #[test]
    fn a_cost_is_never_negative() {
        let fit = Fit::of(&rows(&PARTS, [0.5, -0.2, 0.03], &[0.0])).unwrap();
        assert!(fit.costs[1] == 0.0 && fit.costs.iter().all(|cost| *cost >= 0.0), "{fit:?}");
    }

    #[test]
    fn columns_that_go_together_are_refused_and_named() {
        let together = [[1.0, 2.0, 4.0], [2.0, 3.0, 6.0], [3.0, 1.0, 2.0], [1.0, 7.0, 14.0], [2.0, 2.0, 4.0]];
        assert!(matches!(Fit::of(&rows(&together, [1.0; 3], &[0.0])), Err(FitError::Collinear(1 | 2))));
        let never = [[1.0, 0.0, 4.0], [2.0, 0.0, 1.0], [3.0, 0.0, 2.0], [1.0, 0.0, 14.0]];
        assert_eq!(Fit::of(&rows(&never, [1.0; 3], &[0.0])), Err(FitError::Collinear(1)));
        assert_eq!(Fit::of(&rows(&PARTS[..3], [1.0; 3], &[0.0])), Err(FitError::TooFew { have: 3, columns: 3 }));
    }

    proptest! {
        /// With errors as large as expected, the truth lies within three margins.
        #[test]
        fn intervals_hold_the_truth(
            costs in prop::array::uniform3(0.1_f64..1.0),
            errors in prop::collection::vec(-0.015_f64..0.015, 7),
        ) {
            let fit = Fit::of(&rows(&PARTS, costs, &errors)).unwrap();
            for (at, cost) in costs.iter().enumerate() {
                prop_assert!((fit.costs[at] - cost).abs() <= 3.0 * fit.margins[at], "{fit:?}");
            }
        }
    }
}
