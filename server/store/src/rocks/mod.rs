//! The store on disk: one RocksDB database, and the only place that knows it.
//!
//! A commit is one write of one RocksDB batch, whatever it merges. Nothing here caches rows; RocksDB does.

mod compact;
mod figures;
mod open;
mod operations;
mod run;
mod tuning;
mod view;
mod wal;

pub use open::OpenError;
pub(crate) use view::{RocksCursor, RocksView};

use crate::commit::{self, CommitError, Sink, Sync};
use crate::family::Family;
use crate::options::{Durability, NodeId};
use crate::partitions::Partitions;
use crate::read::{self, Tier};
use crate::rows::{Missed, ReadError, Rows};
use hubbub_core::ids::PartitionId;
use hubbub_core::records::{Batch, OutboxRow, Read, ReadResult};
use parking_lot::RwLock;
use rocksdb::{Cache, ColumnFamily, DBWithThreadMode, ErrorKind, ReadTier, SingleThreaded, WriteBatch, WriteOptions};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Families never change while a database is open, so its handles need no lock.
pub(crate) type Db = DBWithThreadMode<SingleThreaded>;

pub(crate) fn handle(db: &Db, family: Family) -> &ColumnFamily {
    db.cf_handle(family.name()).expect("a store is opened with every family")
}

/// A store on disk.
pub struct Rocks {
    db: Db,
    path: PathBuf,
    durability: Durability,
    node_id: NodeId,
    log_epoch: u32,
    boot_id: String,
    partitions: Partitions,
    cache: Cache,
    cache_bytes_max: usize,
    /// The options that the database was opened with: RocksDB's counters hang on them.
    statistics: rocksdb::Options,
    writes: Writes,
    /// Whether the store was closed. Every commit holds it shared, so a close waits for those that are under way.
    closed: RwLock<bool>,
    stalls: AtomicU64,
}

/// RocksDB's options for each kind of commit.
struct Writes {
    plain: WriteOptions,
    synced: WriteOptions,
    unstalled: WriteOptions,
}

impl Writes {
    fn new(durability: Durability) -> Writes {
        let options = |sync, no_slowdown| {
            let mut options = WriteOptions::default();
            options.disable_wal(durability == Durability::None);
            options.set_sync(sync && durability != Durability::None);
            options.set_no_slowdown(no_slowdown);
            options
        };
        Writes { plain: options(false, false), synced: options(true, false), unstalled: options(false, true) }
    }
}

impl Rocks {
    pub(crate) fn partitions(&self) -> &Partitions {
        &self.partitions
    }

    pub(crate) fn node_id(&self) -> NodeId {
        self.node_id
    }

    pub(crate) fn log_epoch(&self) -> u32 {
        self.log_epoch
    }

    pub(crate) fn commit(&self, batches: &[Batch], sync: Sync) -> Result<(), CommitError> {
        match sync {
            Sync::Yes => self.write(batches, &self.writes.synced),
            Sync::No => self.write(batches, &self.writes.plain),
        }
    }

    pub(crate) fn commit_unless_stalled(&self, batches: &[Batch]) -> Result<(), CommitError> {
        let result = self.write(batches, &self.writes.unstalled);
        if result == Err(CommitError::Stalled) {
            self.stalls.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    fn write(&self, batches: &[Batch], options: &WriteOptions) -> Result<(), CommitError> {
        let closed = self.closed.read();
        if *closed {
            return Err(CommitError::Closed);
        }
        self.partitions.reserve(batches)?;
        let written =
            self.encode(batches).and_then(|rows| self.db.write_opt(rows, options).map_err(|error| failure(&error)));
        match written {
            Ok(()) => self.partitions.confirm(batches),
            Err(_) => self.partitions.release(batches),
        }
        written
    }

    fn encode(&self, batches: &[Batch]) -> Result<WriteBatch, CommitError> {
        let bytes = batches.iter().map(commit::estimate_bytes).sum();
        let mut sink = RocksSink::new(&self.db, bytes);
        let mut value = Vec::with_capacity(512);
        for batch in batches {
            commit::encode(&self.partitions, batch, &mut value, &mut sink)?;
        }
        Ok(sink.rows)
    }

    pub(crate) fn read(&self, read: &Read, tier: Tier) -> Result<ReadResult, Missed> {
        let tier = match tier {
            Tier::Cached => ReadTier::BlockCache,
            Tier::Any => ReadTier::All,
        };
        // These look at several families, which must agree.
        let snapshot = match read {
            Read::Conversation(_) | Read::User(_) | Read::Target(_) => true,
            Read::Page(request) => request.overlay,
            _ => false,
        };
        read::answer(&Rows::Rocks(RocksView::new(&self.db, tier, snapshot)), read)
    }

    pub(crate) fn outbox(&self, partition: PartitionId) -> Result<Vec<OutboxRow>, ReadError> {
        let rows = Rows::Rocks(RocksView::new(&self.db, ReadTier::All, true));
        read::outbox(&rows, self.partitions.slots(), partition).map_err(|missed| match missed {
            Missed::Failed(error) => error,
            Missed::NotCached => ReadError::Io("the disk was not asked".to_owned()),
        })
    }
}

/// Collects rows in a RocksDB batch; looks each family's handle up once.
struct RocksSink<'a> {
    db: &'a Db,
    handles: [Option<&'a ColumnFamily>; Family::COUNT],
    rows: WriteBatch,
}

impl<'a> RocksSink<'a> {
    fn new(db: &'a Db, bytes: usize) -> RocksSink<'a> {
        RocksSink { db, handles: [None; Family::COUNT], rows: WriteBatch::with_capacity_bytes(bytes) }
    }

    fn handle(&mut self, family: Family) -> &'a ColumnFamily {
        self.handles[family.index()].get_or_insert_with(|| handle(self.db, family))
    }
}

impl Sink for RocksSink<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        let handle = self.handle(family);
        self.rows.put_cf(handle, key, value);
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        let handle = self.handle(family);
        self.rows.delete_cf(handle, key);
    }

    fn delete_range(&mut self, family: Family, lower: &[u8], upper: &[u8]) {
        let handle = self.handle(family);
        self.rows.delete_range_cf(handle, lower, upper);
    }
}

fn failure(error: &rocksdb::Error) -> CommitError {
    let text = error.as_ref();
    if error.kind() == ErrorKind::Incomplete {
        CommitError::Stalled
    } else if says_full(text) {
        CommitError::Full(text.to_owned())
    } else {
        CommitError::Io(text.to_owned())
    }
}

/// RocksDB hands over the words of `strerror(ENOSPC)`, and "Max allowed space" when a limit of its own is reached.
fn says_full(text: &str) -> bool {
    text.contains("No space left on device")
        || text.contains("Disk quota exceeded")
        || text.contains("Max allowed space")
}
