//! How large and how busy a store is, for metrics. Cheap enough to ask every few seconds, not per message.

use crate::family::Family;

/// Size of one family, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilySize {
    /// Which.
    pub family: Family,
    /// In files, dead rows included.
    pub file_bytes: u64,
    /// Not yet in files (for a store in memory: all of it).
    pub memory_bytes: u64,
}

/// Size and state of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// By [`Family::index`].
    pub families: [FamilySize; Family::COUNT],
    /// Write-ahead log, the part kept for `tail` included.
    pub wal_bytes: u64,
    /// Block cache in use.
    pub cache_bytes: u64,
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
}

impl Sizes {
    pub(crate) fn empty() -> Sizes {
        Sizes {
            families: Family::ALL.map(|family| FamilySize { family, file_bytes: 0, memory_bytes: 0 }),
            wal_bytes: 0,
            cache_bytes: 0,
            flushes: 0,
            compactions: 0,
            compaction_debt_bytes: 0,
            stopped: false,
            slowed_to_bytes: 0,
            stalls: 0,
        }
    }
}
