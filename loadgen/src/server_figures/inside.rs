//! What a server says about its inside: commits, shards, mailboxes, sessions. Counters and histograms mean something only
//! as the difference of two looks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exposition::{Buckets, Page};

/// The inside of a server at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inside {
    commit_seconds: Option<Buckets>,
    commit_entries: Option<Buckets>,
    shard_busy_s: Vec<f64>,
    mailbox_depth: Vec<f64>,
    sessions: Option<u64>,
    lagging: Option<u64>,
    refusals: Option<u64>,
    resyncs: Option<u64>,
    store_bytes: Option<u64>,
    wal_bytes: Option<u64>,
}

/// The inside of a server over one second (or over the time since the last look that succeeded).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServerSecond {
    /// For each shard: the part of the time in which its thread did not wait, 0 to 1.
    pub shard_busy: Vec<f64>,
    /// Batches that were made durable, per second.
    pub commits_per_s: Option<f64>,
    /// Time to make a batch durable, in microseconds: half of them. From the server's buckets, so about as exact as those.
    pub commit_us_p50: Option<f64>,
    /// 99% of them.
    pub commit_us_p99: Option<f64>,
    /// Entries of a batch: the mean.
    pub commit_entries_mean: Option<f64>,
    /// 99% of the batches hold at most so many.
    pub commit_entries_p99: Option<f64>,
    /// Messages in the deepest mailbox of a shard, at the moment of the look.
    pub mailbox_depth_max: Option<u64>,
    /// Devices logged in, at the moment of the look.
    pub sessions: Option<u64>,
    /// Connections that read too slowly, at the moment of the look.
    pub lagging: Option<u64>,
    /// Requests and connections answered with an error, per second.
    pub refusals_per_s: Option<f64>,
    /// Sessions that fell behind and continued from the log, per second.
    pub resyncs_per_s: Option<f64>,
    /// The store's files, in bytes.
    pub store_bytes: Option<u64>,
    /// Its write-ahead log, in bytes.
    pub wal_bytes: Option<u64>,
}

impl Inside {
    pub(super) fn of(page: Page<'_>) -> Self {
        Self {
            commit_seconds: page.histogram("hubbub_commit_seconds"),
            commit_entries: page.histogram("hubbub_commit_batch_entries"),
            shard_busy_s: page.by_shard("hubbub_shard_busy_seconds_total"),
            mailbox_depth: page.by_shard("hubbub_mailbox_depth"),
            sessions: page.whole("hubbub_devices_logged_in"),
            lagging: page.whole("hubbub_connections_lagging"),
            refusals: page.whole("hubbub_refusals_total"),
            resyncs: page.whole("hubbub_resyncs_total"),
            store_bytes: page.whole("hubbub_store_bytes"),
            wal_bytes: page.whole("hubbub_store_wal_bytes"),
        }
    }

    /// What happened since `earlier`, `elapsed_s` ago.
    pub(super) fn since(&self, earlier: &Self, elapsed_s: f64) -> ServerSecond {
        let between = |now: &Option<Buckets>, before: &Option<Buckets>| now.as_ref()?.since(before.as_ref()?);
        let rate = |now: Option<u64>, before: Option<u64>| Some(now?.checked_sub(before?)? as f64 / elapsed_s);
        let seconds = between(&self.commit_seconds, &earlier.commit_seconds);
        let entries = between(&self.commit_entries, &earlier.commit_entries);
        let commit_us = |quantile| seconds.as_ref()?.quantile(quantile).map(|seconds| seconds * 1e6);
        ServerSecond {
            shard_busy: self.busy_since(earlier, elapsed_s),
            commits_per_s: seconds.as_ref().map(|seconds| seconds.count() / elapsed_s),
            commit_us_p50: commit_us(0.5),
            commit_us_p99: commit_us(0.99),
            commit_entries_mean: entries.as_ref().and_then(Buckets::mean),
            commit_entries_p99: entries.as_ref().and_then(|entries| entries.quantile(0.99)),
            mailbox_depth_max: self.mailbox_depth.iter().copied().reduce(f64::max).map(|depth| depth as u64),
            sessions: self.sessions,
            lagging: self.lagging,
            refusals_per_s: rate(self.refusals, earlier.refusals),
            resyncs_per_s: rate(self.resyncs, earlier.resyncs),
            store_bytes: self.store_bytes,
            wal_bytes: self.wal_bytes,
        }
    }

    /// Nothing when the shards are not the same ones, or began anew.
    fn busy_since(&self, earlier: &Self, elapsed_s: f64) -> Vec<f64> {
        let pairs = self.shard_busy_s.iter().zip(&earlier.shard_busy_s);
        let busy: Vec<_> = pairs.map(|(now, before)| (now - before) / elapsed_s).collect();
        match self.shard_busy_s.len() == earlier.shard_busy_s.len() && busy.iter().all(|part| *part >= 0.0) {
            // The counter and the clock are read one after the other.
            true => busy.into_iter().map(|part| part.min(1.0)).collect(),
            false => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(busy: f64, refusals: u64, commits: u64) -> Inside {
        let text = format!(
            "hubbub_shard_busy_seconds_total{{shard=\"0\"}} {busy}\nhubbub_refusals_total{{reason=\"muted\"}} {refusals}\n\
             hubbub_mailbox_depth{{shard=\"0\"}} 3\nhubbub_mailbox_depth{{shard=\"1\"}} 17\n\
             hubbub_commit_seconds_bucket{{le=\"0.001\"}} {commits}\nhubbub_commit_seconds_bucket{{le=\"+Inf\"}} {commits}\n\
             hubbub_commit_seconds_sum 1\nhubbub_commit_seconds_count {commits}\n"
        );
        Inside::of(Page(&text))
    }

    #[test]
    fn counters_become_rates_and_gauges_stay() {
        let second = inside(11.0, 30, 400).since(&inside(10.0, 10, 200), 2.0);
        assert_eq!((second.shard_busy.as_slice(), second.refusals_per_s), ([0.5].as_slice(), Some(10.0)));
        assert_eq!((second.commits_per_s, second.mailbox_depth_max), (Some(100.0), Some(17)));
        assert_eq!(second.commit_us_p50, Some(500.0));
        assert_eq!((second.store_bytes, second.commit_entries_mean), (None, None));
    }

    #[test]
    fn a_server_that_began_anew_has_no_differences() {
        let second = inside(0.5, 0, 3).since(&inside(10.0, 10, 200), 1.0);
        assert_eq!((second.shard_busy.len(), second.refusals_per_s, second.commits_per_s), (0, None, None));
        assert_eq!(second.mailbox_depth_max, Some(17));
    }
}
