//! A metrics page in Prometheus' text format, as far as a server of ours writes it: sums over labels, values by a label,
//! and histograms, of which only differences between two looks mean anything.

use std::collections::BTreeMap;

/// A page.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a>(pub &'a str);

impl<'a> Page<'a> {
    /// The labels (as they are written) and the value of each line of a metric.
    fn lines(self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, number) = match rest.strip_prefix('{') {
                Some(labelled) => labelled.rsplit_once('}')?,
                None => ("", rest.strip_prefix(' ')?),
            };
            Some((labels, number.split_ascii_whitespace().next()?.parse().ok()?))
        })
    }

    /// The sum of a metric over its labels; `None` when the page does not have it.
    #[must_use]
    pub fn sum(self, name: &'a str) -> Option<f64> {
        self.lines(name).map(|(_, value)| value).reduce(|sum, value| sum + value)
    }

    /// The same, of a metric that counts whole things.
    #[must_use]
    pub fn whole(self, name: &'a str) -> Option<u64> {
        self.sum(name).map(|value| value as u64)
    }

    /// A metric by shard, in the order of the shards.
    #[must_use]
    pub fn by_shard(self, name: &'a str) -> Vec<f64> {
        let values =
            self.lines(name).filter_map(|(labels, value)| Some((label(labels, "shard")?.parse().ok()?, value)));
        values.collect::<BTreeMap<u32, f64>>().into_values().collect()
    }

    /// The labels of a metric's first line.
    #[must_use]
    pub fn labels(self, name: &'a str) -> Option<BTreeMap<String, String>> {
        let (labels, _) = self.lines(name).next()?;
        Some(pairs(labels).map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// A histogram, summed over all labels but `le`.
    #[must_use]
    pub fn histogram(self, name: &str) -> Option<Buckets> {
        let mut counts: Vec<(f64, f64)> = Vec::new();
        let bucket = format!("{name}_bucket");
        for (labels, count) in Page(self.0).lines(&bucket) {
            let bound = label(labels, "le")?.parse::<f64>().ok()?;
            match counts.iter_mut().find(|(known, _)| *known == bound) {
                Some((_, sum)) => *sum += count,
                None => counts.push((bound, count)),
            }
        }
        counts.sort_by(|a, b| a.0.total_cmp(&b.0));
        let sum = Page(self.0).sum(&format!("{name}_sum"))?;
        (!counts.is_empty()).then_some(Buckets { counts, sum })
    }
}

fn pairs(labels: &str) -> impl Iterator<Item = (&str, &str)> {
    labels.split(',').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some((key.trim(), value.trim().trim_matches('"')))
    })
}

fn label<'a>(labels: &'a str, wanted: &str) -> Option<&'a str> {
    pairs(labels).find_map(|(key, value)| (key == wanted).then_some(value))
}

/// A histogram by its buckets.
#[derive(Debug, Clone, PartialEq)]
pub struct Buckets {
    /// Upper bounds, ascending, the last one infinite; and how many values were at or below each.
    counts: Vec<(f64, f64)>,
    sum: f64,
}

impl Buckets {
    /// What was recorded since `earlier`; `None` when that was another histogram, or one that began anew since.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        let same = self.counts.len() == earlier.counts.len();
        let pairs = self.counts.iter().zip(&earlier.counts);
        let counts: Vec<_> = pairs.map(|(now, before)| (now.0, now.1 - before.1)).collect();
        (same && counts.iter().all(|(_, count)| *count >= 0.0)).then_some(Self { counts, sum: self.sum - earlier.sum })
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.counts.last().map_or(0.0, |(_, count)| *count)
    }

    /// Their mean; `None` without values.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count() > 0.0).then(|| self.sum / self.count())
    }

    /// The value at a quantile from 0 to 1, evenly spread within its bucket, as Prometheus' `histogram_quantile` has it; as
    /// exact as the buckets are narrow. Above the last finite bound it is that bound. `None` without values.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let wanted = quantile * self.count();
        let at = self.counts.iter().position(|(_, count)| *count >= wanted && *count > 0.0)?;
        let (low, below) = at.checked_sub(1).map_or((0.0, 0.0), |before| self.counts[before]);
        let (high, upto) = self.counts[at];
        if high.is_infinite() {
            return Some(low);
        }
        Some(low + (high - low) * ((wanted - below) / (upto - below)).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "commit_bucket{le=\"0.001\"} 10\ncommit_bucket{le=\"0.002\"} 10\ncommit_bucket{le=\"+Inf\"} 10\n\
        commit_sum 0.005\ncommit_count 10\n";
    const AFTER: &str = "commit_bucket{le=\"0.001\"} 15\ncommit_bucket{le=\"0.002\"} 20\ncommit_bucket{le=\"+Inf\"} 20\n\
        commit_sum 0.016\ncommit_count 20\n\
        depth{shard=\"10\"} 3\ndepth{shard=\"9\"} 4\ndepth_other{shard=\"1\"} 100\n";

    #[test]
    fn quantiles_are_those_of_what_was_recorded_between_two_looks() {
        let between =
            Page(AFTER).histogram("commit").unwrap().since(&Page(BEFORE).histogram("commit").unwrap()).unwrap();
        assert_eq!(between.count(), 10.0);
        assert_eq!((between.quantile(0.5), between.quantile(1.0)), (Some(0.001), Some(0.002)));
        assert!((between.quantile(0.75).unwrap() - 0.0015).abs() < 1e-9);
        assert!((between.mean().unwrap() - 0.0011).abs() < 1e-9);
    }

    #[test]
    fn a_histogram_that_began_anew_has_no_difference() {
        let (before, after) = (Page(BEFORE).histogram("commit").unwrap(), Page(AFTER).histogram("commit").unwrap());
        assert_eq!(before.since(&after), None);
        assert_eq!(before.since(&before).unwrap().quantile(0.5), None);
    }

    #[test]
    fn shards_are_in_their_order_and_longer_names_are_others() {
        assert_eq!(Page(AFTER).by_shard("depth"), [4.0, 3.0]);
        assert_eq!(Page(AFTER).sum("depth"), Some(7.0));
        assert!(Page(AFTER).histogram("depth").is_none());
    }

    #[test]
    fn values_above_the_last_bound_are_at_least_that() {
        let page = Page("h_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 5\nh_sum 50\n");
        assert_eq!(page.histogram("h").unwrap().quantile(0.5), Some(1.0));
    }
}
