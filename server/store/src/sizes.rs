//! How large and how busy a store is, for metrics. Cheap enough to ask every second, not per message.

use crate::family::Family;

/// Levels of the tree of files that are told apart; RocksDB's default number.
pub const LEVELS: usize = 7;

/// Size of one family, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilySize {
    /// Which.
    pub family: Family,
    /// In files, dead rows included.
    pub file_bytes: u64,
    /// Not yet in files (for a store in memory: all of it).
    pub memory_bytes: u64,
    /// Rows, about: what was replaced or deleted may count until it is compacted away.
    pub keys: u64,
}

/// Size and state of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// By [`Family::index`].
    pub families: [FamilySize; Family::COUNT],
    /// Files of all families by level; new files are at level 0, and many there mean that compactions are behind.
    pub files: [u64; LEVELS],
    /// Write-ahead log, the part kept for `tail` included.
    pub wal_bytes: u64,
    /// Block cache in use.
    pub cache_bytes: u64,
    /// What the block cache may use.
    pub cache_bytes_max: u64,
    /// Flushes running now.
    pub flushes: u64,
    /// Compactions running now.
    pub compactions: u64,
    /// Bytes that compactions are behind.
    pub compaction_debt_bytes: u64,
    /// Whether writes wait now.
    pub stopped: bool,
    /// To what rate writes are slowed down now, in bytes a second; 0 when they are not.
    pub slowed_to_bytes: u64,
    /// How often `commit_unless_stalled` was refused since the store was opened.
    pub stalls: u64,
    /// What happened since the store was opened.
    pub totals: Totals,
}

/// What happened in a store since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Blocks that were found in the cache.
    pub cache_hits: u64,
    /// Blocks that were read from files.
    pub cache_misses: u64,
    /// Time that commits waited for flushes and compactions, in microseconds.
    pub stall_us: u64,
    /// Bytes written to the log.
    pub wal_bytes: u64,
    /// Bytes written by flushes.
    pub flush_bytes: u64,
    /// Bytes read by compactions.
    pub compaction_read_bytes: u64,
    /// Bytes written by compactions.
    pub compaction_write_bytes: u64,
    /// Flushes and compactions that failed.
    pub background_errors: u64,
}

impl Sizes {
    pub(crate) fn empty() -> Sizes {
        Sizes {
            families: Family::ALL.map(|family| FamilySize { family, file_bytes: 0, memory_bytes: 0, keys: 0 }),
            files: [0; LEVELS],
            wal_bytes: 0,
            cache_bytes: 0,
            cache_bytes_max: 0,
            flushes: 0,
            compactions: 0,
            compaction_debt_bytes: 0,
            stopped: false,
            slowed_to_bytes: 0,
            stalls: 0,
            totals: Totals::default(),
        }
    }
}
