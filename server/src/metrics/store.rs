//! What RocksDB tells of itself, sampled once a second whoever scrapes: its answers cost more than a scrape may.

use hubbub_store::{Family, LEVELS, Sizes};
use metrics::{Counter, Gauge, counter, gauge};

use super::names;

/// The handles of the store's metrics.
pub struct StoreMetrics {
    families: [FamilyGauges; Family::COUNT],
    files: [Gauge; LEVELS],
    wal_bytes: Gauge,
    cache_bytes: Gauge,
    cache_bytes_max: Gauge,
    flushes: Gauge,
    compactions: Gauge,
    compaction_pending_bytes: Gauge,
    writes_stopped: Gauge,
    delayed_write_rate: Gauge,
    stall_seconds: Gauge,
    counters: [Counter; COUNTERS],
}

struct FamilyGauges {
    file_bytes: Gauge,
    memory_bytes: Gauge,
    keys: Gauge,
}

const COUNTERS: usize = 8;

impl StoreMetrics {
    /// Registers the metrics with the recorder of this process.
    pub fn register() -> Self {
        Self {
            families: Family::ALL.map(|family| FamilyGauges {
                file_bytes: gauge!(names::STORE_BYTES, "family" => family.name()),
                memory_bytes: gauge!(names::STORE_MEMTABLE_BYTES, "family" => family.name()),
                keys: gauge!(names::STORE_KEYS, "family" => family.name()),
            }),
            files: std::array::from_fn(|level| gauge!(names::STORE_FILES, "level" => level.to_string())),
            wal_bytes: gauge!(names::STORE_WAL_BYTES),
            cache_bytes: gauge!(names::STORE_CACHE_BYTES),
            cache_bytes_max: gauge!(names::STORE_CACHE_MAX_BYTES),
            flushes: gauge!(names::STORE_FLUSHES),
            compactions: gauge!(names::STORE_COMPACTIONS),
            compaction_pending_bytes: gauge!(names::STORE_COMPACTION_PENDING),
            writes_stopped: gauge!(names::STORE_WRITES_STOPPED),
            delayed_write_rate: gauge!(names::STORE_DELAYED_WRITE_RATE),
            stall_seconds: gauge!(names::STORE_STALL_SECONDS),
            counters: [
                counter!(names::STORE_STALLS),
                counter!(names::STORE_CACHE_HITS),
                counter!(names::STORE_CACHE_MISSES),
                counter!(names::STORE_WAL_WRITTEN),
                counter!(names::STORE_FLUSH_WRITTEN),
                counter!(names::STORE_COMPACTION_READ),
                counter!(names::STORE_COMPACTION_WRITTEN),
                counter!(names::STORE_BACKGROUND_ERRORS),
            ],
        }
    }

    /// Shows what the store says.
    pub fn set(&self, sizes: &Sizes) {
        for (gauges, size) in self.families.iter().zip(&sizes.families) {
            gauges.file_bytes.set(size.file_bytes as f64);
            gauges.memory_bytes.set(size.memory_bytes as f64);
            gauges.keys.set(size.keys as f64);
        }
        self.files.iter().zip(sizes.files).for_each(|(gauge, files)| gauge.set(files as f64));
        self.wal_bytes.set(sizes.wal_bytes as f64);
        self.cache_bytes.set(sizes.cache_bytes as f64);
        self.cache_bytes_max.set(sizes.cache_bytes_max as f64);
        self.flushes.set(sizes.flushes as f64);
        self.compactions.set(sizes.compactions as f64);
        self.compaction_pending_bytes.set(sizes.compaction_debt_bytes as f64);
        self.writes_stopped.set(f64::from(u8::from(sizes.stopped)));
        self.delayed_write_rate.set(sizes.slowed_to_bytes as f64);
        self.set_totals(sizes);
    }

    fn set_totals(&self, sizes: &Sizes) {
        let totals = &sizes.totals;
        self.stall_seconds.set(totals.stall_us as f64 / 1e6);
        let values: [u64; COUNTERS] = [
            sizes.stalls,
            totals.cache_hits,
            totals.cache_misses,
            totals.wal_bytes,
            totals.flush_bytes,
            totals.compaction_read_bytes,
            totals.compaction_write_bytes,
            totals.background_errors,
        ];
        self.counters.iter().zip(values).for_each(|(counter, value)| counter.absolute(value));
    }
}

impl std::fmt::Debug for StoreMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreMetrics").finish_non_exhaustive()
    }
}
