//! A log in memory, in front of a store: for tests and simulations.

use super::{Ack, CommitLog, LoggedBatch, Outcome, TailError};
use crate::Store;
use crate::commit::{CommitError, Sync};
use hubbub_core::ids::PartitionId;
use hubbub_core::records::Batch;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A log that keeps the last batches of each partition. Clones are the same log.
#[derive(Clone)]
pub struct MemoryLog {
    store: Store,
    batches_max: usize,
    kept: Arc<Mutex<HashMap<PartitionId, VecDeque<LoggedBatch>>>>,
}

impl MemoryLog {
    /// A log that commits to `store` and keeps `batches_max` batches of each partition.
    #[must_use]
    pub fn new(store: Store, batches_max: usize) -> MemoryLog {
        MemoryLog { store, batches_max, kept: Arc::default() }
    }

    /// The store that it writes to.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }
}

impl CommitLog for MemoryLog {
    fn append(&mut self, batches: &[Batch], acks: &mut Vec<Ack>) -> Result<(), CommitError> {
        let partitions = self.store.partitions();
        let logged: Vec<_> = batches.iter().map(|b| LoggedBatch::of(partitions, b)).collect::<Result<_, _>>()?;
        // Held over the commit, so that the log has batches in the order of their commits.
        let mut kept = self.kept.lock();
        self.store.commit(batches, Sync::No)?;
        for batch in logged {
            let kept = kept.entry(batch.partition).or_default();
            kept.push_back(batch);
            if kept.len() > self.batches_max {
                kept.pop_front();
            }
        }
        acks.extend(batches.iter().map(|batch| Ack::of(batch, Outcome::Committed)));
        Ok(())
    }

    fn poll(&mut self, _: &mut Vec<Ack>) {}

    fn tail(&self, partition: PartitionId, from: u64, batches_max: usize) -> Result<Vec<LoggedBatch>, TailError> {
        let kept = self.kept.lock();
        let head = self.store.partition_state(partition).position;
        if from > head {
            return if from == head + 1 { Ok(Vec::new()) } else { Err(TailError::Ahead { head }) };
        }
        let kept = kept.get(&partition).map(|kept| kept.iter()).into_iter().flatten();
        let oldest = kept.clone().next().map_or(head + 1, |batch| batch.position);
        if from < oldest {
            return Err(TailError::Trimmed { oldest });
        }
        Ok(kept.skip_while(|batch| batch.position < from).take(batches_max.max(1)).cloned().collect())
    }

    fn trim(&mut self, partition: PartitionId, up_to: u64) {
        if let Some(kept) = self.kept.lock().get_mut(&partition) {
            kept.retain(|batch| batch.position > up_to);
        }
    }
}
