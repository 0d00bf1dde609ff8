//! Where each partition stands, in memory, and the rule that its positions are dense.
//!
//! Every commit passes here twice: `reserve` refuses a batch that is not the next of its partition before anything is
//! written, and `confirm` or `release` settles it. A lock guards one partition's state and is never held during a write.

use crate::commit::CommitError;
use hubbub_core::ids::{PartitionId, Slot};
use hubbub_core::records::{Batch, PartitionState};
use hubbub_core::slots::SLOTS;
use parking_lot::Mutex;

pub(crate) type Slots = [PartitionId; SLOTS];

#[derive(Debug)]
pub(crate) struct Partitions {
    slots: Box<Slots>,
    standings: Box<[Mutex<Standing>]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// Position of the last batch that was let through.
    reserved: u64,
    committed: PartitionState,
}

impl Partitions {
    /// `states` by partition number, one for each partition that `slots` names.
    pub(crate) fn new(slots: Slots, states: impl IntoIterator<Item = PartitionState>) -> Partitions {
        let standing = |committed: PartitionState| Mutex::new(Standing { reserved: committed.position, committed });
        Partitions { slots: Box::new(slots), standings: states.into_iter().map(standing).collect() }
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(crate) fn state(&self, partition: PartitionId) -> PartitionState {
        self.standings.get(partition.0 as usize).map(|s| s.lock().committed).unwrap_or_default()
    }

    /// Checks that a write to `slot` may be part of a batch of `partition`.
    pub(crate) fn check_slot(&self, partition: PartitionId, slot: Slot) -> Result<(), CommitError> {
        if self.slots[slot.0 as usize] != partition {
            return Err(CommitError::Misplaced { partition, slot });
        }
        Ok(())
    }

    /// Lets all of the batches through, or none.
    pub(crate) fn reserve(&self, batches: &[Batch]) -> Result<(), CommitError> {
        for (done, batch) in batches.iter().enumerate() {
            if let Err(error) = self.reserve_one(batch) {
                self.release(&batches[..done]);
                return Err(error);
            }
        }
        Ok(())
    }

    fn reserve_one(&self, batch: &Batch) -> Result<(), CommitError> {
        let Batch { partition, position, .. } = *batch;
        let standing = self.standings.get(partition.0 as usize).ok_or(CommitError::UnknownPartition(partition))?;
        let mut standing = standing.lock();
        let expected = standing.reserved + 1;
        if position != expected {
            return Err(CommitError::OutOfOrder { partition, position, expected });
        }
        standing.reserved = position;
        Ok(())
    }

    /// Takes back what [`Partitions::reserve`] let through.
    pub(crate) fn release(&self, batches: &[Batch]) {
        for batch in batches {
            self.standings[batch.partition.0 as usize].lock().reserved -= 1;
        }
    }

    /// Records that the batches are committed.
    pub(crate) fn confirm(&self, batches: &[Batch]) {
        for batch in batches {
            let state = PartitionState { position: batch.position, last_id: batch.last_id };
            self.standings[batch.partition.0 as usize].lock().committed = state;
        }
    }
}
