//! The log of this machine: RocksDB's write-ahead log, which a commit writes anyway.
//!
//! Appending costs nothing beyond the commit. Reading back walks the log files that RocksDB still keeps
//! ([`crate::Options::wal_keep_bytes`]); what they no longer hold is answered with `Trimmed`, and so is everything of a
//! store that keeps no write-ahead log. RocksDB drops whole files by that bound alone: what was trimmed is only refused,
//! and that until a restart.

use super::{Ack, CommitLog, LoggedBatch, Outcome, TailError};
use crate::Store;
use crate::commit::{CommitError, Sync};
use hubbub_core::ids::PartitionId;
use hubbub_core::records::Batch;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The log of a store on this machine. Clones are the same log.
#[derive(Clone)]
pub struct Local {
    store: Store,
    sync: Sync,
    readers: Arc<Mutex<HashMap<PartitionId, Reader>>>,
}

/// What is remembered for a partition that is read.
#[derive(Clone, Copy, Debug, Default)]
struct Reader {
    trimmed: u64,
    /// The position that a reader who continues asks for.
    next: u64,
    /// After which of RocksDB's sequence numbers to look for it.
    after_sequence: u64,
}

impl Local {
    /// The log of `store`, whose appends wait for the device or not.
    #[must_use]
    pub fn new(store: Store, sync: Sync) -> Local {
        Local { store, sync, readers: Arc::default() }
    }

    /// The store that it writes to.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Appends without waiting for the device, and refuses rather than wait for flushes and compactions.
    ///
    /// # Errors
    /// [`CommitError::Stalled`] instead of waiting; then nothing was written, and the same batches may come again.
    #[inline]
    pub fn append_unless_stalled(&mut self, batches: &[Batch], acks: &mut Vec<Ack>) -> Result<(), CommitError> {
        self.store.commit_unless_stalled(batches)?;
        acks.extend(batches.iter().map(|batch| Ack::of(batch, Outcome::Committed)));
        Ok(())
    }

    fn reader(&self, partition: PartitionId) -> Reader {
        self.readers.lock().get(&partition).copied().unwrap_or_default()
    }

    /// Remembers where a reader who continues must look.
    fn remember(&self, partition: PartitionId, next: u64, after_sequence: u64) {
        let mut readers = self.readers.lock();
        let reader = readers.entry(partition).or_default();
        (reader.next, reader.after_sequence) = (next, after_sequence);
    }
}

impl CommitLog for Local {
    #[inline]
    fn append(&mut self, batches: &[Batch], acks: &mut Vec<Ack>) -> Result<(), CommitError> {
        self.store.commit(batches, self.sync)?;
        acks.extend(batches.iter().map(|batch| Ack::of(batch, Outcome::Committed)));
        Ok(())
    }

    #[inline]
    fn poll(&mut self, _: &mut Vec<Ack>) {}

    fn tail(&self, partition: PartitionId, from: u64, batches_max: usize) -> Result<Vec<LoggedBatch>, TailError> {
        let head = self.store.partition_state(partition).position;
        let reader = self.reader(partition);
        if from <= reader.trimmed {
            return Err(TailError::Trimmed { oldest: reader.trimmed + 1 });
        }
        if from > head {
            return if from == head + 1 { Ok(Vec::new()) } else { Err(TailError::Ahead { head }) };
        }
        let Store::Rocks(store) = &self.store else { return Err(TailError::Trimmed { oldest: head + 1 }) };
        let after_sequence = if reader.next == from { reader.after_sequence } else { 0 };
        let read = store.read_log(partition, from, batches_max.max(1), after_sequence)?;
        if read.batches.is_empty() {
            return Err(TailError::Trimmed { oldest: read.oldest.unwrap_or(head + 1) });
        }
        self.remember(partition, from + read.batches.len() as u64, read.after_sequence);
        Ok(read.batches)
    }

    fn trim(&mut self, partition: PartitionId, up_to: u64) {
        let head = self.store.partition_state(partition).position;
        let mut readers = self.readers.lock();
        let reader = readers.entry(partition).or_default();
        reader.trimmed = reader.trimmed.max(up_to.min(head));
    }
}
