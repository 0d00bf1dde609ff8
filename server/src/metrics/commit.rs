//! What the commit side counts: batches, their sizes and times, syncs.
//!
//! Owned by whoever commits (the commit thread, or a shard that writes its own batches).

use std::time::Duration;

use metrics::{Counter, counter, histogram};

use super::handles::Samples;
use super::names::{self, BATCH_BOUNDS, SECONDS_BOUNDS};

/// The counts of one committer.
pub struct CommitCounters {
    entries: u64,
    syncs: u64,
    batch_entries: Samples,
    seconds: Samples,
    queue_seconds: Samples,
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
            queue_seconds: Samples::new(histogram!(names::COMMIT_QUEUE_SECONDS), SECONDS_BOUNDS),
            entries_committed: counter!(names::ENTRIES_COMMITTED),
            commit_syncs: counter!(names::COMMIT_SYNCS),
        }
    }

    /// Counts a batch that became durable.
    pub fn committed(&mut self, entries: u64, time: Duration) {
        self.entries += entries;
        self.batch_entries.record(entries as f64);
        self.seconds.took(time);
    }

    /// Counts how long a shard's batches waited for the commit thread.
    pub fn queued(&mut self, time: Duration) {
        self.queue_seconds.took(time);
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
        self.queue_seconds.publish();
    }
}

impl std::fmt::Debug for CommitCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommitCounters").finish_non_exhaustive()
    }
}
