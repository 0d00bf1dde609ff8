//! Reading RocksDB's write-ahead log back as batches.
//!
//! A commit merges batches into one record of the log; each ends with its partition's state row, and rows that belong
//! to no batch (how runs began and ended) are passed over.

use super::operations::{Operation, Operations};
use super::{Db, Rocks, handle};
use crate::commit_log::{Change, LoggedBatch, TailError};
use crate::family::Family;
use crate::{keys, stored};
use bytes::Bytes;
use hubbub_core::ids::PartitionId;
use rocksdb::{DBWALIterator, ErrorKind, WriteBatch};

const READ_TRIES: usize = 8;

/// What was read, and after which sequence number to look for the batch that follows.
pub(crate) struct LogRead {
    pub(crate) batches: Vec<LoggedBatch>,
    pub(crate) after_sequence: u64,
    /// Position of the batch that ended the run.
    pub(crate) oldest: Option<u64>,
}

impl Rocks {
    /// A dense run of a partition's batches that starts at position `from`; none when the log does not hold it.
    pub(crate) fn read_log(
        &self,
        partition: PartitionId,
        from: u64,
        batches_max: usize,
        after_sequence: u64,
    ) -> Result<LogRead, TailError> {
        // A flush may drop a log file between RocksDB's look at the directory and at the file.
        let read = || self.try_read_log(partition, from, batches_max, after_sequence);
        (1..READ_TRIES).find_map(|_| read().ok()).map_or_else(read, Ok)
    }

    fn try_read_log(
        &self,
        partition: PartitionId,
        from: u64,
        batches_max: usize,
        after_sequence: u64,
    ) -> Result<LogRead, TailError> {
        let mut read = LogRead { batches: Vec::new(), after_sequence, oldest: None };
        let mut split = Split::new(&self.db, partition);
        let mut records = Records::after(&self.db, after_sequence)?;
        while let Some(rows) = records.next()? {
            for batch in split.record(&rows)? {
                let next = from + read.batches.len() as u64;
                if batch.position < next {
                    continue;
                }
                if batch.position > next || read.batches.len() == batches_max {
                    read.oldest.get_or_insert(batch.position);
                    return Ok(read);
                }
                read.batches.push(batch);
            }
            read.after_sequence = records.last_sequence;
        }
        Ok(read)
    }
}

/// The records of the log. Commits of a run without a log used sequence numbers too, so the numbers have gaps.
struct Records<'a> {
    db: &'a Db,
    log: DBWALIterator,
    /// The last number of the last record.
    last_sequence: u64,
}

impl<'a> Records<'a> {
    fn after(db: &'a Db, sequence: u64) -> Result<Records<'a>, TailError> {
        let log = db.get_updates_since(sequence).map_err(unreadable)?;
        Ok(Records { db, log, last_sequence: sequence })
    }

    fn next(&mut self) -> Result<Option<WriteBatch>, TailError> {
        let mut record = self.log.next();
        if record.is_none() && self.at_gap()? {
            // An iterator stops at a gap, and one that starts in the gap goes on behind it.
            self.log = self.db.get_updates_since(self.last_sequence + 1).map_err(unreadable)?;
            record = self.log.next();
        }
        let Some((sequence, rows)) = record.transpose().map_err(unreadable)? else { return Ok(None) };
        self.last_sequence = sequence + (rows.len() as u64).max(1) - 1;
        Ok(Some(rows))
    }

    fn at_gap(&self) -> Result<bool, TailError> {
        match self.log.status() {
            Ok(()) => Ok(false),
            // The log ends, though the numbers do not.
            Err(error) if error.kind() == ErrorKind::TryAgain => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(unreadable(error)),
        }
    }
}

fn unreadable(error: rocksdb::Error) -> TailError {
    TailError::Io(error.into_string())
}

/// Splits records of the log into one partition's batches.
struct Split {
    partition: PartitionId,
    /// RocksDB's number of each family.
    numbers: Vec<(u32, Family)>,
    changes: Vec<Change>,
    batches: Vec<LoggedBatch>,
}

impl Split {
    fn new(db: &Db, partition: PartitionId) -> Split {
        Split { partition, numbers: family_numbers(db), changes: Vec::new(), batches: Vec::new() }
    }

    fn record(&mut self, rows: &WriteBatch) -> Result<Vec<LoggedBatch>, TailError> {
        for operation in Operations::of(rows.data()) {
            self.operation(operation.map_err(|error| TailError::Io(error.to_string()))?);
        }
        self.changes.clear();
        Ok(std::mem::take(&mut self.batches))
    }

    fn operation(&mut self, operation: Operation<'_>) {
        let (Operation::Put(number, ..) | Operation::Delete(number, _) | Operation::DeleteRange(number, ..)) =
            operation;
        let Some(family) = self.family(number) else { return };
        let copy = Bytes::copy_from_slice;
        match operation {
            Operation::Put(_, key, value) if family == Family::Meta => {
                if let Some(partition) = keys::partition_of(key) {
                    self.end_batch(partition, value);
                }
            }
            Operation::Put(_, key, value) => {
                self.changes.push(Change::Put { family, key: copy(key), value: copy(value) });
            }
            Operation::Delete(_, key) => self.changes.push(Change::Delete { family, key: copy(key) }),
            Operation::DeleteRange(_, lower, upper) => {
                self.changes.push(Change::DeleteRange { family, lower: copy(lower), upper: copy(upper) });
            }
        }
    }

    fn family(&self, number: u32) -> Option<Family> {
        self.numbers.iter().find(|(known, _)| *known == number).map(|&(_, family)| family)
    }

    /// A state row: what came before it is a batch.
    fn end_batch(&mut self, partition: PartitionId, value: &[u8]) {
        let changes = std::mem::take(&mut self.changes);
        if partition != self.partition {
            return;
        }
        if let Some((state, time)) = stored::decode_partition(value) {
            let (position, last_id) = (state.position, state.last_id);
            self.batches.push(LoggedBatch { partition, position, last_id, time, changes });
        }
    }
}

/// RocksDB numbers families as it makes them and does not tell; a batch that names each does.
fn family_numbers(db: &Db) -> Vec<(u32, Family)> {
    let mut named = WriteBatch::default();
    for family in Family::ALL {
        named.delete_cf(handle(db, family), []);
    }
    let number = |operation| match operation {
        Ok(Operation::Delete(number, _)) => number,
        other => unreachable!("the batch holds deletions: {other:?}"),
    };
    Operations::of(named.data()).map(number).zip(Family::ALL).collect()
}
