//! Medians, and how sure they are, without assuming a distribution.

/// The median of some values; `None` when there are none.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// An interval that holds the median of the distribution with at least 95% confidence: the order statistics whose
/// binomial tails are at most 2.5% each. With fewer than six values there is none, and the range of all is returned.
#[must_use]
pub fn interval(values: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(values);
    let cut = tail_rank(sorted.len());
    Some((*sorted.get(cut)?, *sorted.get(sorted.len() - 1 - cut)?))
}

/// How many values may be left out at each end.
fn tail_rank(n: usize) -> usize {
    let mut probability = 0.5_f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut tail = probability;
    let mut rank = 0;
    while tail <= 0.025 && rank < n / 2 {
        rank += 1;
        probability *= (n - rank + 1) as f64 / rank as f64;
        tail += probability;
    }
    rank.saturating_sub(1)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    /// The known table of distribution-free intervals: of 10 values the 2nd and 9th, of 20 the 6th and 15th.
    #[test]
    fn intervals_are_those_of_the_sign_test() {
        let values = |n: u32| (1..=n).map(f64::from).collect::<Vec<_>>();
        assert_eq!(interval(&values(5)), Some((1.0, 5.0)));
        assert_eq!(interval(&values(6)), Some((1.0, 6.0)));
        assert_eq!(interval(&values(10)), Some((2.0, 9.0)));
        assert_eq!(interval(&values(20)), Some((6.0, 15.0)));
        assert_eq!(interval(&[]), None);
    }
}
