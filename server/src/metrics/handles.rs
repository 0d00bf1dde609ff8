//! Between plain numbers and the recorder: what is already published, and what is new since.
//!
//! Whoever counts does so in plain numbers of its own and publishes them about once a second, so that counting never
//! touches what threads share.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

/// A counter's handle with what of it is already published.
pub(super) struct Published {
    counter: Counter,
    value: u64,
}

impl Published {
    pub(super) fn new(counter: Counter) -> Self {
        Self { counter, value: 0 }
    }

    pub(super) fn raise_to(&mut self, value: u64) {
        if value != self.value {
            self.counter.increment(value - self.value);
            self.value = value;
        }
    }
}

/// One shard's part of a gauge that is summed over shards.
pub(super) struct Share {
    gauge: Gauge,
    value: u64,
}

impl Share {
    pub(super) fn new(gauge: Gauge) -> Self {
        Self { gauge, value: 0 }
    }

    pub(super) fn move_to(&mut self, value: u64) {
        if value != self.value {
            self.gauge.increment(value as f64 - self.value as f64);
            self.value = value;
        }
    }
}

/// One array of counts with the handles of its labels.
pub(super) struct Family<const N: usize> {
    pub(super) counts: [u64; N],
    handles: [Published; N],
}

impl<const N: usize> Family<N> {
    pub(super) fn new(register: impl Fn(usize) -> Counter) -> Self {
        Self { counts: [0; N], handles: std::array::from_fn(|i| Published::new(register(i))) }
    }

    pub(super) fn publish(&mut self) {
        self.handles.iter_mut().zip(self.counts).for_each(|(handle, count)| handle.raise_to(count));
    }
}

/// Samples of a distribution since the last publishing, by bucket. They are published as the mean of each bucket:
/// counts and sums stay exact, and no sample is kept.
pub struct Samples {
    histogram: Histogram,
    bounds: &'static [f64],
    /// Number and sum of the samples in each bucket; the last one is above all bounds.
    buckets: Vec<(usize, f64)>,
}

impl Samples {
    pub(super) fn new(histogram: Histogram, bounds: &'static [f64]) -> Self {
        Self { histogram, bounds, buckets: vec![(0, 0.0); bounds.len() + 1] }
    }

    /// Takes a sample in.
    pub fn record(&mut self, value: f64) {
        let (count, sum) = &mut self.buckets[self.bounds.partition_point(|bound| *bound < value)];
        *count += 1;
        *sum += value;
    }

    /// Takes a time in.
    pub fn took(&mut self, time: Duration) {
        self.record(time.as_secs_f64());
    }

    pub(super) fn publish(&mut self) {
        for (count, sum) in self.buckets.iter_mut().filter(|(count, _)| *count > 0) {
            self.histogram.record_many(*sum / *count as f64, *count);
            (*count, *sum) = (0, 0.0);
        }
    }
}

impl std::fmt::Debug for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Samples").finish_non_exhaustive()
    }
}
