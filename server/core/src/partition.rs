//! One partition's order of commits: what is decided, what is durable, and what waits for which.
//!
//! Effects that reveal state are gated: stamped with the last batch decided, they leave when it is committed, in the
//! order in which they were stamped. Nothing else in the core decides when something may be seen.

use crate::ids::{MessageId, PartitionId, ShardId, Timestamp};
use crate::machine::ReadToken;
use crate::message::{Message, ReceiptsPush, Run};
use crate::records::{Batch, PartitionState, Read, Write};
use std::collections::VecDeque;

/// Something that leaves once the batch it was stamped with is durable.
#[derive(Debug)]
pub(crate) enum Gated {
    /// A message for one shard.
    Send(ShardId, Message),
    /// Entries for the shards that follow the conversation (by its index) at that moment, and its new ordinal.
    Run(usize, Run, u64),
    /// Marks for the shards that follow the conversation at that moment.
    Receipts(usize, ReceiptsPush),
    /// A read that must see what was decided before it.
    Read(ReadToken, Read),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Partition {
    id: PartitionId,
    sealed: u64,
    committed: u64,
    last_id: MessageId,
    open: Vec<Write>,
    open_bytes: usize,
    /// Conversations (by index) with entries in the open batch.
    touched: Vec<usize>,
    gated: VecDeque<(u64, Gated)>,
    /// Bytes of each sealed batch that is not committed yet.
    in_flight: VecDeque<(u64, usize)>,
}

const COUNTER_BITS: u32 = 14;
const PARTITION_BITS: u32 = 8;

impl Partition {
    pub(crate) fn new(id: PartitionId, state: PartitionState) -> Partition {
        Partition {
            id,
            sealed: state.position,
            committed: state.position,
            last_id: state.last_id,
            open: Vec::new(),
            open_bytes: 0,
            touched: Vec::new(),
            gated: VecDeque::new(),
            in_flight: VecDeque::new(),
        }
    }

    /// A new id: later than every one before it, whatever the clock says.
    pub(crate) fn next_id(&mut self, now: Timestamp) -> MessageId {
        const COUNTER_MAX: u64 = (1 << COUNTER_BITS) - 1;
        let (last_ms, last_counter) = (self.last_id.0 >> (COUNTER_BITS + PARTITION_BITS), self.last_id.0 & COUNTER_MAX);
        let (ms, counter) = if now.millis() > last_ms {
            (now.millis(), 0)
        } else if last_counter < COUNTER_MAX {
            (last_ms, last_counter + 1)
        } else {
            (last_ms + 1, 0)
        };
        let id = ms << (COUNTER_BITS + PARTITION_BITS) | u64::from(self.id.0) << COUNTER_BITS | counter;
        self.last_id = MessageId(id);
        self.last_id
    }

    /// Adds a change to the open batch.
    pub(crate) fn write(&mut self, write: Write) {
        self.open.push(write);
    }

    /// Notes that a conversation has entries in the open batch.
    pub(crate) fn touch(&mut self, conversation: usize) {
        self.touched.push(conversation);
    }

    /// Counts bytes towards the open batch.
    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.open_bytes += bytes;
    }

    /// Conversations with entries in the open batch; the caller closes their blocks before [`Partition::seal`].
    pub(crate) fn take_touched(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.touched)
    }

    /// Gives the list back, for its memory.
    pub(crate) fn return_touched(&mut self, mut touched: Vec<usize>) {
        touched.clear();
        if self.touched.is_empty() {
            self.touched = touched;
        }
    }

    /// Whether there is anything to commit.
    pub(crate) fn has_open(&self) -> bool {
        !self.open.is_empty() || !self.touched.is_empty()
    }

    /// Closes the open batch.
    pub(crate) fn seal(&mut self, now: Timestamp) -> Option<Batch> {
        if self.open.is_empty() {
            return None;
        }
        self.sealed += 1;
        self.in_flight.push_back((self.sealed, std::mem::take(&mut self.open_bytes)));
        let capacity = self.open.len();
        Some(Batch {
            partition: self.id,
            position: self.sealed,
            last_id: self.last_id,
            time: now,
            writes: std::mem::replace(&mut self.open, Vec::with_capacity(capacity.min(64))),
        })
    }

    /// Gates an item behind everything decided so far. `None` takes it; `Some` gives it back to leave at once.
    pub(crate) fn gate(&mut self, item: Gated) -> Option<Gated> {
        let stamp = self.sealed + u64::from(self.has_open());
        if stamp <= self.committed && self.gated.is_empty() {
            return Some(item);
        }
        self.gated.push_back((stamp, item));
        None
    }

    /// Takes note of a commit; returns the bytes that it took off what is pending.
    ///
    /// # Panics
    /// When commits come out of order: memory and disk would disagree.
    pub(crate) fn committed(&mut self, position: u64) -> usize {
        assert_eq!(position, self.committed + 1, "commits of {:?} out of order", self.id);
        self.committed = position;
        let (sealed, bytes) = self.in_flight.pop_front().expect("a commit follows a seal");
        assert_eq!(sealed, position, "commits of {:?} out of order", self.id);
        bytes
    }

    /// The next item whose batch is durable.
    pub(crate) fn pop_released(&mut self) -> Option<Gated> {
        let (stamp, _) = self.gated.front()?;
        (*stamp <= self.committed).then(|| self.gated.pop_front().expect("there is a front").1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;
    use crate::records::AccountRecord;

    fn partition() -> Partition {
        Partition::new(PartitionId(3), PartitionState::default())
    }

    #[test]
    fn ids_rise_when_the_clock_steps_back() {
        let mut partition = partition();
        let first = partition.next_id(Timestamp(5_000_000));
        let second = partition.next_id(Timestamp(1_000_000));
        assert!(second > first);
    }

    #[test]
    fn a_full_counter_carries_into_the_milliseconds() {
        let mut partition = partition();
        let mut last = partition.next_id(Timestamp(5_000_000));
        for _ in 0..40_000 {
            let id = partition.next_id(Timestamp(5_000_000));
            assert!(id > last);
            assert_eq!(id.0 >> COUNTER_BITS & 0xff, 3);
            last = id;
        }
    }

    #[test]
    fn gated_items_leave_in_order_when_their_batch_is_durable() {
        let mut partition = partition();
        let read = |n| Gated::Read(ReadToken(n), Read::User(UserId(1)));
        assert!(partition.gate(read(0)).is_some(), "nothing is decided: leaves at once");
        partition.write(Write::PutAccount(UserId(1), AccountRecord::bare(Timestamp(0))));
        assert!(partition.gate(read(1)).is_none());
        partition.seal(Timestamp(0)).unwrap();
        partition.write(Write::PutAccount(UserId(2), AccountRecord::bare(Timestamp(0))));
        assert!(partition.gate(read(2)).is_none());
        partition.seal(Timestamp(0)).unwrap();
        assert!(partition.pop_released().is_none());
        partition.committed(1);
        assert!(matches!(partition.pop_released(), Some(Gated::Read(ReadToken(1), _))));
        assert!(partition.pop_released().is_none());
        partition.committed(2);
        assert!(matches!(partition.pop_released(), Some(Gated::Read(ReadToken(2), _))));
    }
}
