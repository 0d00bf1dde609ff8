//! What belongs to the whole process: who it is, its disk, what the kernel says of it, and how long its shards have let
//! others wait.

use std::time::Duration;

use metrics::{Gauge, gauge};

use super::names;
use crate::config::Config;
use crate::disk_space::FreeSpace;
use crate::process::{self, Usage};

/// The handles of the process's own metrics.
pub struct NodeMetrics {
    ready: Gauge,
    disk_size_bytes: Gauge,
    disk_free_bytes: Gauge,
    storage_full: Gauge,
    cpu_seconds: Gauge,
    resident_bytes: Gauge,
    open_fds: Gauge,
    virtual_bytes: Gauge,
    threads: Gauge,
    start_time: Gauge,
    mailbox_ages: Vec<Gauge>,
}

impl NodeMetrics {
    /// Registers the metrics with the recorder of this process, and says who this is.
    pub fn register(config: &Config) -> Self {
        gauge!(
            names::INFO,
            "version" => env!("CARGO_PKG_VERSION"),
            "durability" => config.durability.name(),
            "shards" => config.shards_count().to_string(),
        )
        .set(1.0);
        process::memory_limit_bytes()
            .into_iter()
            .for_each(|limit| gauge!(names::PROCESS_MEMORY_LIMIT).set(limit as f64));
        gauge!(names::PROCESS_PID).set(f64::from(std::process::id()));
        Self {
            ready: gauge!(names::READY),
            disk_size_bytes: gauge!(names::DISK_SIZE_BYTES),
            disk_free_bytes: gauge!(names::DISK_FREE_BYTES),
            storage_full: gauge!(names::STORAGE_FULL),
            cpu_seconds: gauge!(names::PROCESS_CPU_SECONDS),
            resident_bytes: gauge!(names::PROCESS_RESIDENT_BYTES),
            open_fds: gauge!(names::PROCESS_OPEN_FDS),
            virtual_bytes: gauge!(names::PROCESS_VIRTUAL_BYTES),
            threads: gauge!(names::PROCESS_THREADS),
            start_time: gauge!(names::PROCESS_START_TIME),
            mailbox_ages: (0..config.shards_count())
                .map(|shard| gauge!(names::MAILBOX_AGE, "shard" => shard.to_string()))
                .collect(),
        }
    }

    /// Shows whether clients are served.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(f64::from(u8::from(ready)));
    }

    /// Shows the state of the disk.
    pub fn set_disk(&self, disk: &FreeSpace) {
        self.disk_size_bytes.set(disk.size_bytes() as f64);
        self.disk_free_bytes.set(disk.free_bytes() as f64);
        self.storage_full.set(f64::from(u8::from(disk.is_full())));
    }

    /// Shows how long what was sent to each shard has waited by now. A shard that hangs cannot say this itself.
    pub fn set_mailbox_ages(&self, ages: impl IntoIterator<Item = Duration>) {
        self.mailbox_ages.iter().zip(ages).for_each(|(gauge, age)| gauge.set(age.as_secs_f64()));
    }

    /// Shows what the kernel says of this process.
    pub fn set_usage(&self, usage: &Usage) {
        self.cpu_seconds.set(usage.cpu_seconds);
        self.resident_bytes.set(usage.resident_bytes as f64);
        self.virtual_bytes.set(usage.virtual_bytes as f64);
        self.threads.set(usage.threads as f64);
        self.open_fds.set(usage.open_fds as f64);
        self.start_time.set(usage.start_time_seconds);
    }
}

/// Shows until when the TLS certificate is valid, in seconds since the Unix epoch; 0: it does not say.
pub fn certificate_until(not_after_seconds: u64) {
    gauge!(names::TLS_CERTIFICATE_UNTIL).set(not_after_seconds as f64);
}

impl std::fmt::Debug for NodeMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NodeMetrics").finish_non_exhaustive()
    }
}
