//! What belongs to the whole process: who it is, its disk, its store, what the kernel says of it.

use metrics::{Gauge, gauge};

use super::names;
use crate::config::Config;
use crate::process::Usage;

/// The handles of the process's own metrics.
pub struct NodeMetrics {
    disk_free_bytes: Gauge,
    storage_full: Gauge,
    store_wal_bytes: Gauge,
    cpu_seconds: Gauge,
    resident_bytes: Gauge,
    open_fds: Gauge,
    start_time: Gauge,
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
        gauge!(names::PROCESS_PID).set(f64::from(std::process::id()));
        Self {
            disk_free_bytes: gauge!(names::DISK_FREE_BYTES),
            storage_full: gauge!(names::STORAGE_FULL),
            store_wal_bytes: gauge!(names::STORE_WAL_BYTES),
            cpu_seconds: gauge!(names::PROCESS_CPU_SECONDS),
            resident_bytes: gauge!(names::PROCESS_RESIDENT_BYTES),
            open_fds: gauge!(names::PROCESS_OPEN_FDS),
            start_time: gauge!(names::PROCESS_START_TIME),
        }
    }

    /// Shows the size of a column family's files. Families are a closed list, so their number is bounded.
    pub fn set_store_bytes(&self, family: &'static str, bytes: u64) {
        gauge!(names::STORE_BYTES, "family" => family).set(bytes as f64);
    }

    /// Shows the size of the write-ahead log.
    pub fn set_store_wal_bytes(&self, bytes: u64) {
        self.store_wal_bytes.set(bytes as f64);
    }

    /// Shows the state of the disk.
    pub fn set_disk(&self, free_bytes: u64, full: bool) {
        self.disk_free_bytes.set(free_bytes as f64);
        self.storage_full.set(f64::from(u8::from(full)));
    }

    /// Shows what the kernel says of this process.
    pub fn set_usage(&self, usage: &Usage) {
        self.cpu_seconds.set(usage.cpu_seconds);
        self.resident_bytes.set(usage.resident_bytes as f64);
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
