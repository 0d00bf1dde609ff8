//! RocksDB's settings, with their reasons.

use crate::family::Family;
use crate::options::{Durability, Options};
use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, CompactionPri, DBCompressionType, Env, LogLevel};

/// Rows of one conversation or user lie together, so a read wants several; 16 KiB also compresses better than 4.
const ENTRIES_BLOCK_BYTES: usize = 16 << 10;
const BLOCK_BYTES: usize = 4 << 10;
/// 1% of the lookups of absent keys reach a block.
const BLOOM_BITS: f64 = 10.0;
/// The write buffer is several memtables, merged when they are written to one file: most of a put is the walk through
/// the memtable, and one that fits the processor's cache halves it (1.7 instead of 2.8 µs, measured), for a little more
/// work per read.
const MEMTABLES: usize = 8;
const FILES_MIN: u32 = 64;

/// Families that hold what people wrote.
pub(super) const BODIES: [Family; 3] = [Family::Entries, Family::Edits, Family::Reactions];
/// No file of those stays as it is for longer than this: what was revoked or has expired sinks one level with each
/// rewriting, and is gone with the last. A week costs as much writing as the store's size in a week.
const BODIES_COMPACTED_S: u64 = 7 * 24 * 3_600;

pub(super) fn database(options: &Options) -> rocksdb::Options {
    let mut db = rocksdb::Options::default();
    db.create_if_missing(true);
    db.create_missing_column_families(true);
    db.set_max_open_files(options.files_max.max(FILES_MIN).min(i32::MAX as u32) as i32);
    db.set_max_background_jobs(i32::from(options.background_jobs.max(2)));
    // Flushes stay at normal priority: writers wait for them. Compactions only use what is left.
    if let Ok(mut env) = Env::new() {
        env.lower_thread_pool_cpu_priority();
        db.set_env(&env);
    }
    // Writers come one at a time, by design; making the memtable fit for several costs each of them.
    db.set_allow_concurrent_memtable_write(false);
    db.set_enable_pipelined_write(false);
    // Data flows to the device steadily, so that no sync meets a mountain of it.
    db.set_bytes_per_sync(1 << 20);
    if options.durability != Durability::Fsync {
        db.set_wal_bytes_per_sync(1 << 20);
    }
    // Without a log, the families must reach files together, or a crash would lose something in the middle.
    db.set_atomic_flush(options.durability == Durability::None);
    // A small family must not keep old logs alive for long: they are what a start has to read again.
    db.set_max_total_wal_size(4 * options.write_buffer_bytes as u64);
    db.set_db_write_buffer_size(3 * options.write_buffer_bytes);
    db.set_wal_size_limit_mb(options.wal_keep_bytes.div_ceil(1 << 20));
    db.set_log_level(LogLevel::Warn);
    db.set_keep_log_file_num(4);
    db.set_max_log_file_size(16 << 20);
    db.set_stats_dump_period_sec(0);
    db.set_stats_persist_period_sec(0);
    db
}

pub(super) fn families(options: &Options, cache: &Cache) -> Vec<ColumnFamilyDescriptor> {
    let named = |family: Family| ColumnFamilyDescriptor::new(family.name(), self::family(family, options, cache));
    Family::ALL.into_iter().map(named).collect()
}

fn family(family: Family, options: &Options, cache: &Cache) -> rocksdb::Options {
    let entries = family == Family::Entries;
    let mut cf = rocksdb::Options::default();
    // With atomic flushes RocksDB does not merge.
    let tables = if options.durability == Durability::None { 1 } else { MEMTABLES };
    cf.set_write_buffer_size(
        if entries { options.write_buffer_bytes } else { options.write_buffer_bytes / 4 } / tables,
    );
    cf.set_min_write_buffer_number_to_merge(tables as i32);
    cf.set_max_write_buffer_number(4 * tables as i32);
    cf.set_max_bytes_for_level_base(4 * options.write_buffer_bytes as u64);
    if options.compression {
        cf.set_compression_type(DBCompressionType::Lz4);
        cf.set_bottommost_compression_type(DBCompressionType::Zstd);
    } else {
        cf.set_compression_type(DBCompressionType::None);
    }
    cf.set_compaction_pri(CompactionPri::MinOverlappingRatio);
    if BODIES.contains(&family) {
        cf.set_periodic_compaction_seconds(BODIES_COMPACTED_S);
        cf.set_ttl(BODIES_COMPACTED_S);
    }
    cf.set_block_based_table_factory(&table(if entries { ENTRIES_BLOCK_BYTES } else { BLOCK_BYTES }, cache));
    cf
}

fn table(block_bytes: usize, cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(block_bytes);
    table.set_bloom_filter(BLOOM_BITS, false);
    table.set_whole_key_filtering(true);
    // Indexes and filters count against the cache, so that memory stays bounded whatever the store's size.
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_format_version(6);
    table
}
