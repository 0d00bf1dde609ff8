//! Histograms of a run: recorded in microseconds up to [`CEILING_US`], merged by adding counts, never by averaging.
//!
//! A value above the ceiling is recorded as the ceiling and counted as saturated, so that it can be neither lost nor
//! mistaken for a small one.

use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The highest value told apart: ten minutes.
pub const CEILING_US: u64 = 600_000_000;

/// Three significant digits: a recorded value is within 0.1% of the true one.
const DIGITS: u8 = 3;

/// A histogram of times in microseconds. It takes memory (170 KiB) from its first value on.
#[derive(Debug, Clone, Default)]
pub struct Times {
    recorded: Option<Box<Histogram<u64>>>,
    saturated: u64,
}

impl Times {
    fn histogram(&mut self) -> &mut Histogram<u64> {
        self.recorded.get_or_insert_with(|| {
            Box::new(Histogram::new_with_bounds(1, CEILING_US, DIGITS).expect("constant bounds are valid"))
        })
    }

    /// Records one value.
    pub fn record(&mut self, value_us: u64) {
        self.saturated += u64::from(value_us > CEILING_US);
        self.histogram().saturating_record(value_us.min(CEILING_US));
    }

    fn filled(&self) -> Option<&Histogram<u64>> {
        self.recorded.as_deref().filter(|histogram| !histogram.is_empty())
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.filled().map_or(0, Histogram::len)
    }

    /// The value at a quantile from 0 to 1; `None` without values.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        self.filled().map(|histogram| histogram.value_at_quantile(quantile))
    }

    /// Adds all values of `other`.
    pub fn add(&mut self, other: &Self) {
        if let Some(histogram) = other.filled() {
            self.histogram().add(histogram).expect("all histograms have the same bounds");
            self.saturated += other.saturated;
        }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        if let Some(histogram) = &mut self.recorded {
            histogram.reset();
        }
        self.saturated = 0;
    }

    /// What a report shows; `None` without values.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let histogram = self.filled()?;
        Some(Summary {
            p50: self.quantile(0.5)?,
            p90: self.quantile(0.9)?,
            p99: self.quantile(0.99)?,
            p999: self.quantile(0.999)?,
            max: histogram.max(),
            mean: histogram.mean(),
            count: self.count(),
            saturated: self.saturated,
        })
    }

    /// Points of the percentile curve: `(quantile, microseconds)`, closer together towards the tail, ending at the
    /// largest value.
    #[must_use]
    pub fn curve(&self) -> Vec<(f64, u64)> {
        let Some(histogram) = self.filled() else {
            return Vec::new();
        };
        let smallest_tail = 1.0 / self.count() as f64;
        let tails = (0..).map(|step| 10_f64.powf(-f64::from(step) / 12.0));
        tails
            .take_while(|tail| *tail >= smallest_tail)
            .map(|tail| (1.0 - tail, histogram.value_at_quantile(1.0 - tail)))
            .chain([(1.0 - smallest_tail, histogram.max())])
            .collect()
    }
}

/// The key figures of a histogram, all in microseconds but `count` and `saturated`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Half of the values are at or below this.
    pub p50: u64,
    /// 90% are.
    pub p90: u64,
    /// 99% are.
    pub p99: u64,
    /// 99.9% are.
    pub p999: u64,
    /// The largest.
    pub max: u64,
    /// The arithmetic mean.
    pub mean: f64,
    /// How many values there were.
    pub count: u64,
    /// How many of them were above the ceiling of ten minutes.
    pub saturated: u64,
}

/// A histogram as it travels between processes: its recorded values and their counts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sparse {
    counts: Vec<(u64, u64)>,
    saturated: u64,
}

impl From<&Times> for Sparse {
    fn from(times: &Times) -> Self {
        let recorded = times.filled().into_iter().flat_map(Histogram::iter_recorded);
        let counts = recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        Self { counts, saturated: times.saturated }
    }
}

impl Sparse {
    /// Adds these counts to a histogram.
    pub fn add_to(&self, times: &mut Times) {
        for &(value, count) in &self.counts {
            times.histogram().saturating_record_n(value.min(CEILING_US), count);
        }
        times.saturated += self.saturated;
    }
}

impl Serialize for Times {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Sparse::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut times = Self::default();
        Sparse::deserialize(deserializer)?.add_to(&mut times);
        Ok(times)
    }
}

/// All that a run times, over its steady phase (logins and syncs: over the whole run).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Latencies {
    /// From the intended send to the sender's `Sent`.
    pub ack: Times,
    /// From the intended send to each recipient other than the sender.
    pub delivery: Times,
    /// Groups: to the first recipient of each message.
    pub fanout_first: Times,
    /// Groups: to the recipient in the middle.
    pub fanout_median: Times,
    /// Groups: to the last recipient.
    pub fanout_last: Times,
    /// The same by the size of the group: [`SIZE_CLASSES`].
    #[serde(default)]
    pub fanout_by_size: [FanoutTimes; SIZE_CLASSES.len()],
    /// From the start of connecting to `LoggedIn`.
    pub login: Times,
    /// From the start of connecting until every conversation had reached its head.
    pub synced: Times,
    /// From the intended send to the moment at which the harness got round to it: its own lateness.
    pub slip: Times,
    /// How late turns of the generator's loops came. What arrives waits for a turn, so this is part of every latency.
    #[serde(default)]
    pub turn_lag: Times,
    /// From the moment at which a user began to connect until a watcher was told.
    #[serde(default)]
    pub presence: Times,
    /// From the moment at which a user's last device went until a watcher was told.
    #[serde(default)]
    pub presence_away: Times,
    /// From the intended moment of a typing signal until another device had it.
    #[serde(default)]
    pub typing: Times,
    /// Those whose connections dropped in the storm.
    #[serde(default)]
    pub storm: ComebackTimes,
    /// Those who were away and came back together.
    #[serde(default)]
    pub offline: ComebackTimes,
    /// Deliveries to those who stayed in the storm, of messages before it.
    #[serde(default)]
    pub stayed_before: Times,
    /// Deliveries to those who stayed in the storm, of messages under it.
    #[serde(default)]
    pub stayed: Times,
}

/// Classes of group sizes: the smallest size of each; a class ends before the next one.
pub const SIZE_CLASSES: [u32; 5] = [2, 10, 100, 1_000, 10_000];

/// The class of a group of so many users.
#[must_use]
pub fn size_class(users: u32) -> usize {
    SIZE_CLASSES.partition_point(|from| *from <= users).saturating_sub(1)
}

/// Fan-outs to groups of one class of sizes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FanoutTimes {
    /// To the first recipient of each message.
    pub first: Times,
    /// To the recipient in the middle.
    pub median: Times,
    /// To the last recipient.
    pub last: Times,
}

/// How long it took clients to come back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ComebackTimes {
    /// From the start of connecting to `LoggedIn`.
    pub login: Times,
    /// From the moment at which the connection dropped, or at which the scenario brought the client back, until every
    /// conversation had reached its head.
    pub synced: Times,
}

impl Latencies {
    /// Adds all values of `other`.
    pub fn add(&mut self, other: &Self) {
        self.ack.add(&other.ack);
        self.delivery.add(&other.delivery);
        self.fanout_first.add(&other.fanout_first);
        self.fanout_median.add(&other.fanout_median);
        self.fanout_last.add(&other.fanout_last);
        self.fanout_by_size.iter_mut().zip(&other.fanout_by_size).for_each(|(own, other)| own.add(other));
        self.login.add(&other.login);
        self.synced.add(&other.synced);
        self.slip.add(&other.slip);
        self.turn_lag.add(&other.turn_lag);
        self.presence.add(&other.presence);
        self.presence_away.add(&other.presence_away);
        self.typing.add(&other.typing);
        self.storm.add(&other.storm);
        self.offline.add(&other.offline);
        self.stayed_before.add(&other.stayed_before);
        self.stayed.add(&other.stayed);
    }
}

impl FanoutTimes {
    fn add(&mut self, other: &Self) {
        self.first.add(&other.first);
        self.median.add(&other.median);
        self.last.add(&other.last);
    }
}

impl ComebackTimes {
    fn add(&mut self, other: &Self) {
        self.login.add(&other.login);
        self.synced.add(&other.synced);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_above_the_ceiling_are_counted_and_not_lost() {
        let mut times = Times::default();
        times.record(CEILING_US + 1);
        times.record(10);
        let summary = times.summary().unwrap();
        assert_eq!((summary.count, summary.saturated), (2, 1));
        assert!(summary.max >= CEILING_US);
    }

    #[test]
    fn an_empty_histogram_has_no_summary() {
        assert_eq!(Times::default().summary(), None);
        assert!(Times::default().curve().is_empty());
    }

    #[test]
    fn every_group_has_a_class_of_sizes() {
        let classes = [2, 9, 10, 99, 100, 999, 1_000, 9_999, 10_000, 100_000].map(size_class);
        assert_eq!(classes, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_curve_rises_and_ends_at_the_largest_value() {
        let mut times = Times::default();
        (1..=5_000).for_each(|value| times.record(value));
        let curve = times.curve();
        assert!(curve.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1));
        assert!(curve.last().is_some_and(|point| point.1 >= 5_000));
    }

    proptest! {
        #[test]
        fn merging_travelled_parts_equals_recording_all_in_one(
            left in prop::collection::vec(0..2 * CEILING_US, 0..200),
            right in prop::collection::vec(0..2 * CEILING_US, 0..200),
        ) {
            let (mut whole, mut part, mut other) = (Times::default(), Times::default(), Times::default());
            left.iter().for_each(|value| { whole.record(*value); part.record(*value); });
            right.iter().for_each(|value| { whole.record(*value); other.record(*value); });
            let travelled: Times = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
            part.add(&travelled);
            for quantile in [0.0, 0.5, 0.9, 0.99, 0.999, 1.0] {
                prop_assert_eq!(part.quantile(quantile), whole.quantile(quantile));
            }
            prop_assert_eq!(part.count(), whole.count());
            prop_assert_eq!(part.saturated, whole.saturated);
        }
    }
}
