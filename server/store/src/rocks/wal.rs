//! Reading RocksDB's write-ahead log back as batches.
//!
//! A commit merges batches into one record of the log; each ends with its partition's state row, and rows that belong
//! to no batch (how runs began and ended) are passed over.

use super::{Db, Rocks, handle};
use crate::commit_log::{Change, LoggedBatch, TailError};
use crate::family::Family;
use crate::{keys, stored};
use bytes::Bytes;
use hubbub_core::ids::PartitionId;
use rocksdb::{WriteBatch, WriteBatchIteratorCf};

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
        let io = |error: rocksdb::Error| TailError::Io(error.into_string());
        let mut read = LogRead { batches: Vec::new(), after_sequence, oldest: None };
        let mut records = Records::new(&self.db, partition);
        let mut log = self.db.get_updates_since(after_sequence).map_err(io)?;
        for record in log.by_ref() {
            let (sequence, rows) = record.map_err(io)?;
            for batch in records.split(&rows) {
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
            read.after_sequence = sequence;
        }
        log.status().map_err(io)?;
        Ok(read)
    }
}

/// Splits records of the log into one partition's batches.
struct Records {
    partition: PartitionId,
    /// RocksDB's number of each family.
    numbers: Vec<(u32, Family)>,
    changes: Vec<Change>,
    batches: Vec<LoggedBatch>,
}

impl Records {
    fn new(db: &Db, partition: PartitionId) -> Records {
        Records { partition, numbers: family_numbers(db), changes: Vec::new(), batches: Vec::new() }
    }

    fn split(&mut self, rows: &WriteBatch) -> Vec<LoggedBatch> {
        rows.iterate_cf(self);
        self.changes.clear();
        std::mem::take(&mut self.batches)
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

impl WriteBatchIteratorCf for Records {
    fn put_cf(&mut self, number: u32, key: &[u8], value: &[u8]) {
        let Some(family) = self.family(number) else { return };
        if family != Family::Meta {
            let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            self.changes.push(Change::Put { family, key, value });
        } else if let Some(partition) = keys::partition_of(key) {
            self.end_batch(partition, value);
        }
    }

    fn delete_cf(&mut self, number: u32, key: &[u8]) {
        if let Some(family) = self.family(number) {
            self.changes.push(Change::Delete { family, key: Bytes::copy_from_slice(key) });
        }
    }

    fn merge_cf(&mut self, _: u32, _: &[u8], _: &[u8]) {}
}

/// RocksDB numbers families as it makes them and does not tell; a batch that names each does.
fn family_numbers(db: &Db) -> Vec<(u32, Family)> {
    struct Numbers(Vec<u32>);
    impl WriteBatchIteratorCf for Numbers {
        fn put_cf(&mut self, _: u32, _: &[u8], _: &[u8]) {}
        fn delete_cf(&mut self, number: u32, _: &[u8]) {
            self.0.push(number);
        }
        fn merge_cf(&mut self, _: u32, _: &[u8], _: &[u8]) {}
    }
    let mut named = WriteBatch::default();
    for family in Family::ALL {
        named.delete_cf(handle(db, family), []);
    }
    let mut numbers = Numbers(Vec::new());
    named.iterate_cf(&mut numbers);
    numbers.0.into_iter().zip(Family::ALL).collect()
}
