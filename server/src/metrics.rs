//! Metrics: what an operator can see of a running server, in Prometheus' text format.
//!
//! `names` lists every metric with its help and unit; `shard`, `pressure` and `commit` count without touching the
//! recorder; `distributions` are its histograms; `node` holds what belongs to the whole process, `store` what RocksDB tells, `limits` what the configuration
//! allows. Labels come from closed lists, so their number is bounded: no user,
//! conversation or address is ever a label.

mod commit;
mod distributions;
mod document;
mod handles;
mod labels;
mod limits;
mod names;
mod node;
mod pressure;
mod shard;
mod store;

use std::io;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use self::distributions::Recorder;

pub use commit::CommitCounters;
pub use document::{document, labels_of};
pub use handles::Samples;
pub use labels::{
    AcceptFailure, CloseReason, FrameIn, FrameOut, HttpStatus, Limit, LoginMethod, ProxyHeader, Refusal, TlsFailure,
    TlsHandshake, Transport, UpgradeRefusal, WebsocketClose,
};
pub use limits::show_limits;
pub use names::{Kind, METRICS, Metric};
pub use node::{NodeMetrics, certificate_until};
pub use pressure::{Distributions, Levels, Pressure, Totals};
pub use shard::ShardCounters;
pub use store::StoreMetrics;

/// The recorder of this process, and the way to read it.
#[derive(Clone)]
pub struct Exporter {
    handle: PrometheusHandle,
    distributions: distributions::Distributions,
}

impl Exporter {
    /// Makes the recorder and installs it for the whole process.
    ///
    /// # Errors
    /// A recorder is already installed.
    pub fn install() -> io::Result<Self> {
        let recorder = recorder();
        let exporter = Self::of(&recorder);
        metrics::set_global_recorder(recorder)
            .map_err(|_| io::Error::other("a metrics recorder is already installed"))?;
        names::describe();
        Ok(exporter)
    }

    fn of(recorder: &Recorder) -> Self {
        Self { handle: recorder.exporter.handle(), distributions: recorder.distributions.clone() }
    }

    /// Everything in Prometheus' text format, version 0.0.4.
    pub fn render(&self) -> String {
        let fractional = METRICS.iter().filter(|metric| matches!(metric.kind, Kind::FractionalCounter));
        let mut page = fractional.fold(self.handle.render(), |text, metric| {
            let typed = |kind: &str| format!("# TYPE {} {kind}\n", metric.name);
            text.replacen(&typed("gauge"), &typed("counter"), 1)
        });
        self.distributions.render(&mut page);
        page
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

fn recorder() -> Recorder {
    Recorder { exporter: PrometheusBuilder::new().build_recorder(), distributions: Default::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::descriptors::Division;
    use crate::disk_space::FreeSpace;
    use crate::process::Usage;
    use std::time::Duration;

    /// The text of a recorder of its own after `record` ran under it.
    fn rendered(record: impl FnOnce()) -> String {
        let recorder = recorder();
        metrics::with_local_recorder(&recorder, || {
            names::describe();
            record();
        });
        Exporter::of(&recorder).render()
    }

    fn everything() {
        let config = Config { shards: 2, ..Config::default() };
        let node = NodeMetrics::register(&config);
        show_limits(&config, &Division::new(&config, 100_000).unwrap());
        StoreMetrics::register();
        node.set_disk(&FreeSpace::new(std::path::Path::new("/"), 1).unwrap());
        node.set_usage(&Usage::now().unwrap());
        certificate_until(1_900_000_000);
        ShardCounters::register(0).publish();
        let mut commits = CommitCounters::register();
        commits.committed(3, Duration::from_micros(250));
        commits.publish();
    }

    #[test]
    fn every_metric_is_described_and_appears() {
        let text = rendered(everything);
        for metric in METRICS {
            assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{}", metric.name);
            assert!(text.contains(&format!("# TYPE {} {}", metric.name, metric.kind.name())), "{}", metric.name);
            let sample = |end: &str| text.lines().any(|line| line.starts_with(&format!("{}{end}", metric.name)));
            assert!(sample(" ") || sample("{") || sample("_bucket{"), "{} has no sample", metric.name);
        }
    }

    #[test]
    fn nothing_appears_that_is_not_described() {
        let text = rendered(everything);
        let described = |name: &str| METRICS.iter().any(|metric| metric.name == name);
        for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
            let name = line.split(' ').nth(2).unwrap();
            assert!(described(name), "{name}");
        }
    }

    #[test]
    fn what_a_shard_counts_is_published_once() {
        let text = rendered(|| {
            let mut shard = ShardCounters::register(3);
            shard.frame_in(FrameIn::Send, 100);
            shard.frame_in(FrameIn::Send, 50);
            shard.frame_out(FrameOut::Entries, 7, 700);
            shard.refused(Refusal::StorageFull);
            shard.closed(CloseReason::Idle);
            shard.sends += 2;
            shard.connections = 5;
            shard.publish();
            shard.connections = 4;
            shard.publish();
            shard.publish();
        });
        for line in [
            "hubbub_frames_total{direction=\"in\",kind=\"send\"} 2",
            "hubbub_frame_bytes_total{direction=\"in\",kind=\"send\"} 150",
            "hubbub_frames_total{direction=\"out\",kind=\"entries\"} 7",
            "hubbub_frame_bytes_total{direction=\"out\",kind=\"entries\"} 700",
            "hubbub_refusals_total{reason=\"storage_full\"} 1",
            "hubbub_closes_total{reason=\"idle\"} 1",
            "hubbub_sends_total 2",
            "hubbub_connections 4",
            "hubbub_mailbox_depth{shard=\"3\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn shards_add_up() {
        let text = rendered(|| {
            let mut shards = [ShardCounters::register(0), ShardCounters::register(1)];
            shards.iter_mut().for_each(|shard| {
                shard.devices_logged_in = 10;
                shard.entries_delivered = 100;
                shard.publish();
            });
        });
        assert!(
            text.contains("hubbub_devices_logged_in 20\n") && text.contains("hubbub_entries_delivered_total 200\n")
        );
    }

    #[test]
    fn commits_fall_into_their_buckets_and_sum_exactly() {
        let text = rendered(|| {
            let mut commits = CommitCounters::register();
            (0..10).for_each(|_| commits.committed(1, Duration::from_micros(30)));
            commits.committed(100, Duration::from_millis(3));
            commits.synced();
            commits.publish();
            commits.publish();
        });
        for line in [
            "hubbub_commit_batch_entries_bucket{le=\"1\"} 10",
            "hubbub_commit_batch_entries_bucket{le=\"128\"} 11",
            "hubbub_commit_batch_entries_sum 110",
            "hubbub_commit_batch_entries_count 11",
            "hubbub_commit_seconds_count 11",
            "hubbub_entries_committed_total 110",
            "hubbub_commit_syncs_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
