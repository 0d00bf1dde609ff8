//! The memory twin: the same rows in ordered maps, for tests and simulations. It loses everything when it is dropped,
//! and is the measure of what the RocksDB store must answer.

use crate::commit::{self, CommitError, Sink};
use crate::family::Family;
use crate::partitions::Partitions;
use crate::read;
use crate::rows::{Missed, ReadError, Row, Rows};
use crate::sizes::{FamilySize, Sizes};
use hubbub_core::ids::PartitionId;
use hubbub_core::records::{Batch, OutboxRow, PartitionState, Read, ReadResult};
use hubbub_core::slots::SlotTable;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};

type Table = BTreeMap<Box<[u8]>, Box<[u8]>>;

/// All rows, by family.
#[derive(Debug, Default)]
pub(crate) struct Tables([Table; Family::COUNT]);

impl Tables {
    pub(crate) fn get(&self, family: Family, key: &[u8]) -> Option<&[u8]> {
        self.0[family.index()].get(key).map(|value| &**value)
    }

    pub(crate) fn cursor(&self, family: Family, lower: &[u8], upper: &[u8]) -> MemoryCursor<'_> {
        let table = &self.0[family.index()];
        MemoryCursor { table, lower: lower.into(), upper: upper.into(), item: None }
    }
}

impl Sink for Tables {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.0[family.index()].insert(key.into(), value.into());
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.0[family.index()].remove(key);
    }

    fn delete_range(&mut self, family: Family, lower: &[u8], upper: &[u8]) {
        let table = &mut self.0[family.index()];
        let keys = table.range::<[u8], _>((Bound::Included(lower), Bound::Excluded(upper))).map(|(key, _)| key.clone());
        for key in keys.collect::<Vec<_>>() {
            table.remove(&key);
        }
    }
}

/// A position in `lower .. upper` of one table.
pub(crate) struct MemoryCursor<'a> {
    table: &'a Table,
    lower: Box<[u8]>,
    upper: Box<[u8]>,
    item: Option<Row<'a>>,
}

impl<'a> MemoryCursor<'a> {
    fn first(&self, from: Bound<&[u8]>) -> Option<Row<'a>> {
        let (key, value) = self.table.range::<[u8], _>((from, Bound::Unbounded)).next()?;
        (key < &self.upper).then_some((&**key, &**value))
    }

    fn last(&self, to: Bound<&[u8]>) -> Option<Row<'a>> {
        let (key, value) = self.table.range::<[u8], _>((Bound::Unbounded, to)).next_back()?;
        (key >= &self.lower).then_some((&**key, &**value))
    }

    pub(crate) fn seek(&mut self, key: &[u8]) {
        self.item = self.first(Bound::Included(key.max(&self.lower)));
    }

    pub(crate) fn seek_for_prev(&mut self, key: &[u8]) {
        let to = if key < &*self.upper { Bound::Included(key) } else { Bound::Excluded(&*self.upper) };
        self.item = self.last(to);
    }

    pub(crate) fn next(&mut self) {
        self.item = self.item.and_then(|(key, _)| self.first(Bound::Excluded(key)));
    }

    pub(crate) fn prev(&mut self) {
        self.item = self.item.and_then(|(key, _)| self.last(Bound::Excluded(key)));
    }

    pub(crate) fn item(&self) -> Option<Row<'_>> {
        self.item
    }
}

/// A store in memory.
#[derive(Debug)]
pub struct Memory {
    partitions: Partitions,
    /// Guards the rows: a commit holds it for as long as it applies, a read for as long as it looks.
    tables: RwLock<Tables>,
    closed: AtomicBool,
}

impl Memory {
    pub(crate) fn new(partitions: u16) -> Memory {
        let slots = *SlotTable::even(partitions, 1).slots();
        let states = (0..partitions).map(|_| PartitionState::default());
        let partitions = Partitions::new(slots, states);
        Memory { partitions, tables: RwLock::default(), closed: AtomicBool::new(false) }
    }

    pub(crate) fn partitions(&self) -> &Partitions {
        &self.partitions
    }

    pub(crate) fn commit(&self, batches: &[Batch]) -> Result<(), CommitError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(CommitError::Closed);
        }
        self.partitions.reserve(batches)?;
        let mut tables = self.tables.write();
        match self.check(batches) {
            Ok(()) => self.apply(batches, &mut tables),
            Err(error) => {
                self.partitions.release(batches);
                return Err(error);
            }
        }
        self.partitions.confirm(batches);
        Ok(())
    }

    /// Encodes without keeping anything, so that a refused batch leaves no rows.
    fn check(&self, batches: &[Batch]) -> Result<(), CommitError> {
        let mut value = Vec::new();
        batches.iter().try_for_each(|batch| commit::encode(&self.partitions, batch, &mut value, &mut Nowhere))
    }

    fn apply(&self, batches: &[Batch], tables: &mut Tables) {
        let mut value = Vec::new();
        for batch in batches {
            commit::encode(&self.partitions, batch, &mut value, tables).expect("checked before");
        }
    }

    pub(crate) fn read(&self, read: &Read) -> Result<ReadResult, Missed> {
        read::answer(&Rows::Memory(&self.tables.read()), read)
    }

    pub(crate) fn outbox(&self, partition: PartitionId) -> Result<Vec<OutboxRow>, ReadError> {
        match read::outbox(&Rows::Memory(&self.tables.read()), self.partitions.slots(), partition) {
            Ok(rows) => Ok(rows),
            Err(Missed::Failed(error)) => Err(error),
            Err(Missed::NotCached) => unreachable!("memory has everything"),
        }
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn sizes(&self) -> Sizes {
        let tables = self.tables.read();
        let memory_bytes = |table: &Table| table.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
        let families = Family::ALL.map(|family| FamilySize {
            family,
            file_bytes: 0,
            memory_bytes: memory_bytes(&tables.0[family.index()]),
            keys: tables.0[family.index()].len() as u64,
        });
        Sizes { families, ..Sizes::empty() }
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn put(&mut self, _: Family, _: &[u8], _: &[u8]) {}
    fn delete(&mut self, _: Family, _: &[u8]) {}
    fn delete_range(&mut self, _: Family, _: &[u8], _: &[u8]) {}
}
