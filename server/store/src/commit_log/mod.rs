//! The seam where decided batches become durable: on this machine today, replicated one day.
//!
//! A log takes batches and says of each what became of it; it can be read back from a position, which is how a
//! replica follows and how an owner learns the fate of a batch whose outcome is unknown. It carries rows as bytes, so
//! a reader applies them and re-runs no logic. Batches of one call may be merged into one write, but are ordered,
//! acknowledged and fenced one by one.

#[cfg(feature = "faulty")]
mod faulty;
mod local;
mod memory;

#[cfg(feature = "faulty")]
pub use faulty::{Faults, Faulty};
pub use local::Local;
pub use memory::MemoryLog;

use crate::commit::{self, CommitError, Sink};
use crate::family::Family;
use crate::partitions::Partitions;
use bytes::Bytes;
use hubbub_core::ids::{MessageId, PartitionId, Timestamp};
use hubbub_core::records::Batch;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log, as durably as the log is.
    Committed,
    /// It is not, and never will be: somebody else owns the partition now.
    Fenced,
    /// It may be in the log, or may still arrive there. Read the log back from its position, then resend the same
    /// bytes or stop.
    Unknown,
}

/// The outcome of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Whose batch.
    pub partition: PartitionId,
    /// Which.
    pub position: u64,
    /// What became of it.
    pub outcome: Outcome,
}

impl Ack {
    fn of(batch: &Batch, outcome: Outcome) -> Ack {
        Ack { partition: batch.partition, position: batch.position, outcome }
    }
}

/// One changed row, as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The row has this value now.
    Put {
        /// Its family.
        family: Family,
        /// Its key.
        key: Bytes,
        /// Its value.
        value: Bytes,
    },
    /// The row is no more.
    Delete {
        /// Its family.
        family: Family,
        /// Its key.
        key: Bytes,
    },
    /// The rows from one key on, as far as another, are no more.
    DeleteRange {
        /// Their family.
        family: Family,
        /// The first key.
        lower: Bytes,
        /// The key behind the last one.
        upper: Bytes,
    },
}

/// A batch as the log carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedBatch {
    /// Whose.
    pub partition: PartitionId,
    /// Dense, from 1.
    pub position: u64,
    /// The last id that the partition had given out.
    pub last_id: MessageId,
    /// When it was decided.
    pub time: Timestamp,
    /// The rows, in the order of the batch's writes; the partition's own state row is not among them.
    pub changes: Vec<Change>,
}

/// Why a log cannot be read from a position.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TailError {
    /// The log does not reach back so far; a snapshot does.
    #[error("the log was trimmed and starts at {oldest}")]
    Trimmed {
        /// The first position that can be read.
        oldest: u64,
    },
    /// The log does not reach so far; whoever asks has seen another log.
    #[error("the log ends at {head}")]
    Ahead {
        /// Position of the last batch.
        head: u64,
    },
    /// It cannot be read at all.
    #[error("the log cannot be read: {0}")]
    Io(String),
}

/// An append-only log of batches for each partition.
pub trait CommitLog {
    /// Appends batches, which are the next of their partitions. Outcomes are added to `acks`, now or in a later
    /// [`CommitLog::poll`]; those of one partition in no particular order.
    ///
    /// # Errors
    /// When none of them was appended or the log is broken, see [`CommitError`]; then no acks follow.
    fn append(&mut self, batches: &[Batch], acks: &mut Vec<Ack>) -> Result<(), CommitError>;

    /// Adds the outcomes that have become known.
    fn poll(&mut self, acks: &mut Vec<Ack>);

    /// Up to `batches_max` (at least one) batches of a partition, from position `from` on; none when `from` is the next one.
    ///
    /// # Errors
    /// See [`TailError`].
    fn tail(&self, partition: PartitionId, from: u64, batches_max: usize) -> Result<Vec<LoggedBatch>, TailError>;

    /// Forgets a partition's batches up to and including `up_to`.
    fn trim(&mut self, partition: PartitionId, up_to: u64);
}

/// Collects the rows of one batch.
#[derive(Debug, Default)]
struct Changes(Vec<Change>);

impl Sink for Changes {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        self.0.push(Change::Put { family, key, value });
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.0.push(Change::Delete { family, key: Bytes::copy_from_slice(key) });
    }

    fn delete_range(&mut self, family: Family, lower: &[u8], upper: &[u8]) {
        let (lower, upper) = (Bytes::copy_from_slice(lower), Bytes::copy_from_slice(upper));
        self.0.push(Change::DeleteRange { family, lower, upper });
    }
}

impl LoggedBatch {
    /// What a log carries of a batch.
    fn of(partitions: &Partitions, batch: &Batch) -> Result<LoggedBatch, CommitError> {
        let mut changes = Changes::default();
        commit::encode(partitions, batch, &mut Vec::new(), &mut changes)?;
        // The state row is what the other fields say.
        changes.0.pop();
        let Batch { partition, position, last_id, time, .. } = *batch;
        Ok(LoggedBatch { partition, position, last_id, time, changes: changes.0 })
    }
}
