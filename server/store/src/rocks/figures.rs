//! What RocksDB tells of itself. What it does not tell counts as 0.
//!
//! Most figures are *properties*, of which some take the database's mutex for a moment; they are for somebody who asks
//! every second. The totals are RocksDB's *tickers*: counters that each core keeps for itself. Its timers and
//! histograms stay off, because they would cost every commit.

use super::{Rocks, handle};
use crate::family::Family;
use crate::sizes::{FamilySize, LEVELS, Sizes, Totals};
use rocksdb::properties::{self, PropName};
use rocksdb::statistics::{StatsLevel, Ticker};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Makes a database that is opened with the options count.
pub(super) fn count(options: &mut rocksdb::Options) {
    options.enable_statistics();
    options.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
}

impl Rocks {
    /// Size, state and totals now.
    pub(crate) fn sizes(&self) -> Sizes {
        let ask = |name: &PropName| self.db.property_int_value(name).ok().flatten().unwrap_or(0);
        Sizes {
            families: Family::ALL.map(|family| self.family_size(family)),
            files: self.files(),
            wal_bytes: wal_bytes(&self.path),
            cache_bytes: self.cache.get_usage() as u64,
            cache_bytes_max: self.cache_bytes_max as u64,
            flushes: ask(properties::NUM_RUNNING_FLUSHES),
            compactions: ask(properties::NUM_RUNNING_COMPACTIONS),
            compaction_debt_bytes: self.sum(properties::ESTIMATE_PENDING_COMPACTION_BYTES),
            stopped: ask(properties::IS_WRITE_STOPPED) != 0,
            slowed_to_bytes: ask(properties::ACTUAL_DELAYED_WRITE_RATE),
            stalls: self.stalls.load(Ordering::Relaxed),
            totals: self.totals(),
        }
    }

    fn totals(&self) -> Totals {
        let ticker = |ticker| self.statistics.get_ticker_count(ticker);
        Totals {
            cache_hits: ticker(Ticker::BlockCacheHit),
            cache_misses: ticker(Ticker::BlockCacheMiss),
            stall_us: ticker(Ticker::StallMicros),
            wal_bytes: ticker(Ticker::WalFileBytes),
            flush_bytes: ticker(Ticker::FlushWriteBytes),
            compaction_read_bytes: ticker(Ticker::CompactReadBytes),
            compaction_write_bytes: ticker(Ticker::CompactWriteBytes),
            background_errors: self.sum(properties::BACKGROUND_ERRORS),
        }
    }

    fn family_size(&self, family: Family) -> FamilySize {
        FamilySize {
            family,
            file_bytes: self.ask_family(family, properties::LIVE_SST_FILES_SIZE),
            memory_bytes: self.ask_family(family, properties::CUR_SIZE_ALL_MEM_TABLES),
            keys: self.ask_family(family, properties::ESTIMATE_NUM_KEYS),
        }
    }

    /// One question for each family: level by level would be seven.
    fn files(&self) -> [u64; LEVELS] {
        let mut files = [0; LEVELS];
        for family in Family::ALL {
            let text = self.db.property_value_cf(handle(&self.db, family), properties::LEVELSTATS).ok().flatten();
            add_level_files(&text.unwrap_or_default(), &mut files);
        }
        files
    }

    fn ask_family(&self, family: Family, name: &PropName) -> u64 {
        self.db.property_int_value_cf(handle(&self.db, family), name).ok().flatten().unwrap_or(0)
    }

    fn sum(&self, name: &PropName) -> u64 {
        Family::ALL.iter().map(|&family| self.ask_family(family, name)).sum()
    }
}

/// Reads RocksDB's table of levels: two lines of heading, then level, files and megabytes.
fn add_level_files(text: &str, files: &mut [u64; LEVELS]) {
    for line in text.lines() {
        let mut words = line.split_whitespace().map(str::parse::<u64>);
        if let (Some(Ok(level)), Some(Ok(count))) = (words.next(), words.next())
            && let Some(files) = files.get_mut(level as usize)
        {
            *files += count;
        }
    }
}

/// Size of all log files, archived ones included; RocksDB has no property for it.
fn wal_bytes(path: &Path) -> u64 {
    let logs_in = |path: &Path| -> u64 {
        let Ok(files) = std::fs::read_dir(path) else { return 0 };
        let logs = files.flatten().filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
        logs.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    };
    logs_in(path) + logs_in(&path.join("archive"))
}
