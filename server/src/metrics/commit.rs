//! What the commit side counts: batches, their sizes and times, syncs.
//!
//! Owned by whoever commits (the commit thread, or a shard that writes its own batches). Samples are gathered by
//! bucket and published as the mean of each bucket: counts and sums stay exact, and no sample is kept.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use super::names::{self, BATCH_BOUNDS, SECONDS_BOUNDS};

/// The counts of one committer.
pub struct CommitCounters {
    entries: u64,
    syncs: u64,
    batch_entries: Samples,
    seconds: Samples,
    entries_committed: Counter,
    commit_syncs: Counter,
}

impl CommitCounters {
    /// Registers the metrics with the recorder of this process.
    pub fn register() -> Self {
        Self {
            entries: 0,
            syncs: 0,
            batch_entries: Samples::new(histogram!(names::COMMIT_BATCH_ENTRIES), BATCH_BOUNDS),
            seconds: Samples::new(histogram!(names::COMMIT_SECONDS), SECONDS_BOUNDS),
            entries_committed: counter!(names::ENTRIES_COMMITTED),
            commit_syncs: counter!(names::COMMIT_SYNCS),
        }
    }

    /// Counts a batch that became durable.
    pub fn committed(&mut self, entries: u64, time: Duration) {
        self.entries += entries;
        self.batch_entries.record(entries as f64);
        self.seconds.record(time.as_secs_f64());
    }

    /// Counts a sync of the write-ahead log.
    pub fn synced(&mut self) {
        self.syncs += 1;
    }

    /// Shows the counts to the recorder. Call it about once a second and at the end.
    pub fn publish(&mut self) {
        self.entries_committed.increment(std::mem::take(&mut self.entries));
        self.commit_syncs.increment(std::mem::take(&mut self.syncs));
        self.batch_entries.publish();
        self.seconds.publish();
    }
}

impl std::fmt::Debug for CommitCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommitCounters").finish_non_exhaustive()
    }
}

/// Samples since the last publishing, by bucket.
struct Samples {
    histogram: Histogram,
    bounds: &'static [f64],
    /// Number and sum of the samples in each bucket; the last one is above all bounds.
    buckets: Vec<(usize, f64)>,
}

impl Samples {
    fn new(histogram: Histogram, bounds: &'static [f64]) -> Self {
        Self { histogram, bounds, buckets: vec![(0, 0.0); bounds.len() + 1] }
    }

    fn record(&mut self, value: f64) {
        let (count, sum) = &mut self.buckets[self.bounds.partition_point(|bound| *bound < value)];
        *count += 1;
        *sum += value;
    }

    fn publish(&mut self) {
        for (count, sum) in self.buckets.iter_mut().filter(|(count, _)| *count > 0) {
            self.histogram.record_many(*sum / *count as f64, *count);
            (*count, *sum) = (0, 0.0);
        }
    }
}
