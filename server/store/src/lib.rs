//! Hubbub's store: conversations, members, marks, memberships, accounts and logs of entries, on RocksDB or in memory.
//!
//! It takes the core's decided changes as [`Batch`]es and answers its [`Read`]s. It promises that a batch is committed
//! whole or not at all, that each partition's batches are dense and in order, and that both stores answer alike. It
//! takes no decisions. This is the only crate that knows RocksDB.

mod block;
mod commit;
pub mod commit_log;
mod family;
mod keys;
mod log;
mod memory;
mod operations;
mod options;
mod overlay;
mod page;
mod partitions;
mod read;
mod retention;
mod rocks;
mod rows;
mod sizes;
mod stored;

pub use commit::{CommitError, Sync};
pub use family::Family;
pub use memory::Memory;
pub use options::{Durability, NodeId, Options};
pub use read::Tier;
pub use rocks::{OpenError, Rocks};
pub use rows::ReadError;
pub use sizes::{FamilySize, LEVELS, Sizes, Totals};

use hubbub_core::ids::PartitionId;
use hubbub_core::records::{Batch, OutboxRow, PartitionState, Read, ReadResult};
use hubbub_core::slots::SLOTS;
use partitions::Partitions;
use rows::Missed;
use std::sync::Arc;

/// A store. Clones are the same store; all calls may come from any thread, but one partition's commits must come one
/// after the other.
#[derive(Clone)]
pub enum Store {
    /// On disk.
    Rocks(Arc<Rocks>),
    /// In memory.
    Memory(Arc<Memory>),
}

impl Store {
    /// Opens the store in a directory, or makes one.
    ///
    /// If the last run may have lost acked entries, the log epoch has risen, durably, when this returns.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(options: Options) -> Result<Store, OpenError> {
        Ok(Store::Rocks(Arc::new(Rocks::open(options)?)))
    }

    /// Makes a store in memory, of 1 to 256 partitions.
    ///
    /// # Panics
    /// When `partitions` is out of its range.
    #[must_use]
    pub fn memory(partitions: u16) -> Store {
        Store::Memory(Arc::new(Memory::new(partitions)))
    }

    fn partitions(&self) -> &Partitions {
        match self {
            Store::Rocks(store) => store.partitions(),
            Store::Memory(store) => store.partitions(),
        }
    }

    /// The partition of each slot, by slot number.
    #[must_use]
    pub fn slots(&self) -> [PartitionId; SLOTS] {
        *self.partitions().slots()
    }

    /// Where a partition stands: its last committed batch.
    #[must_use]
    pub fn partition_state(&self, partition: PartitionId) -> PartitionState {
        self.partitions().state(partition)
    }

    /// Identity of the data directory; 0 in memory.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        match self {
            Store::Rocks(store) => store.node_id(),
            Store::Memory(_) => NodeId(0),
        }
    }

    /// From 1; higher than at the last start when acked entries may be missing since.
    #[must_use]
    pub fn log_epoch(&self) -> u32 {
        match self {
            Store::Rocks(store) => store.log_epoch(),
            Store::Memory(_) => 1,
        }
    }

    /// The facts that other partitions have not confirmed yet, in the order in which they were decided.
    ///
    /// # Errors
    /// When rows cannot be read.
    pub fn outbox(&self, partition: PartitionId) -> Result<Vec<OutboxRow>, ReadError> {
        match self {
            Store::Rocks(store) => store.outbox(partition),
            Store::Memory(store) => store.outbox(partition),
        }
    }

    /// Commits all of the batches in one write, or none of them. Waits while the store is behind.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(&self, batches: &[Batch], sync: Sync) -> Result<(), CommitError> {
        match self {
            Store::Rocks(store) => store.commit(batches, sync),
            Store::Memory(store) => store.commit(batches),
        }
    }

    /// As [`Store::commit`] without waiting for the device, but never waits for flushes and compactions.
    ///
    /// # Errors
    /// [`CommitError::Stalled`] instead of waiting; then nothing was written, and the same batches may come again.
    pub fn commit_unless_stalled(&self, batches: &[Batch]) -> Result<(), CommitError> {
        match self {
            Store::Rocks(store) => store.commit_unless_stalled(batches),
            Store::Memory(store) => store.commit(batches),
        }
    }

    /// Answers a read; `None` when [`Tier::Cached`] is asked and memory does not have it all.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&self, read: &Read, tier: Tier) -> Result<Option<ReadResult>, ReadError> {
        let answer = match self {
            Store::Rocks(store) => store.read(read, tier),
            Store::Memory(store) => store.read(read),
        };
        match answer {
            Ok(result) => Ok(Some(result)),
            Err(Missed::NotCached) => Ok(None),
            Err(Missed::Failed(error)) => Err(error),
        }
    }

    /// Makes everything that was committed durable.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn flush(&self) -> Result<(), CommitError> {
        match self {
            Store::Rocks(store) => store.flush(),
            Store::Memory(_) => Ok(()),
        }
    }

    /// Rewrites all files that hold what people wrote, so that what was revoked, has expired or was replaced is no longer
    /// on disk. It reads and writes all of them, and waits until that is done; commits and reads go on meanwhile.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn compact(&self) -> Result<(), CommitError> {
        match self {
            Store::Rocks(store) => store.compact(),
            Store::Memory(_) => Ok(()),
        }
    }

    /// A clean stop: makes everything durable and says so to the next start. Later commits are refused; reads are not.
    /// The directory is free for another process once the last clone is dropped.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn close(&self) -> Result<(), CommitError> {
        match self {
            Store::Rocks(store) => store.close(),
            Store::Memory(store) => {
                store.close();
                Ok(())
            }
        }
    }

    /// Sizes and state for metrics. For a store in memory it walks all rows.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        match self {
            Store::Rocks(store) => store.sizes(),
            Store::Memory(store) => store.sizes(),
        }
    }
}
