//! What a store is opened with.

use std::fmt;
use std::path::PathBuf;

/// Which failures an acked write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Power loss: a commit with [`crate::Sync::Yes`] returns after the device has it.
    Fsync,
    /// A killed process: a commit returns after the kernel has it.
    Os,
    /// Nothing but a clean stop: a crash loses a suffix of the commits, and nothing in the middle.
    None,
}

/// Identity of a data directory, chosen at random when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a store is opened with; see the fields for defaults and ranges.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory; made when it does not exist.
    pub path: PathBuf,
    /// Which failures an acked write survives. Default: [`Durability::Fsync`].
    pub durability: Durability,
    /// Into how many partitions a new store is divided, 1 to 256; an existing store keeps its own. Default: 16.
    pub partitions: u16,
    /// Most files that RocksDB keeps open, at least 64. Default: 512.
    pub files_max: u32,
    /// Size of the cache of blocks read, shared by all families. Default: 256 MiB.
    pub cache_bytes: usize,
    /// Size at which the entries in memory are written to a file. Default: 32 MiB.
    pub write_buffer_bytes: usize,
    /// How much of the write-ahead log is kept after its rows are in files, for `tail`. Default: 0.
    pub wal_keep_bytes: u64,
    /// Whether files are compressed. Default: yes.
    pub compression: bool,
    /// Threads for flushes and compactions, at least 2. Default: 2.
    pub background_jobs: u16,
    /// Refuse a store of another node. Default: any.
    pub node_id: Option<NodeId>,
    /// The kernel's boot id, which tells a killed process from a lost machine. Default: what Linux says.
    pub boot_id: Option<String>,
}

impl Options {
    /// The defaults, for a store at `path`.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Options {
        Options {
            path: path.into(),
            durability: Durability::Fsync,
            partitions: 16,
            files_max: 512,
            cache_bytes: 256 << 20,
            write_buffer_bytes: 32 << 20,
            wal_keep_bytes: 0,
            compression: true,
            background_jobs: 2,
            node_id: None,
            boot_id: None,
        }
    }
}
