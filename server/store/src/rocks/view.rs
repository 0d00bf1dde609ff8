//! One consistent view of the database: gets and cursors, from memory alone or from the disk as well.

use super::Db;
use crate::family::Family;
use crate::rows::{Missed, ReadError, Row};
use rocksdb::{DBPinnableSlice, DBRawIteratorWithThreadMode, ErrorKind, ReadOptions, ReadTier, SnapshotWithThreadMode};

pub(crate) struct RocksView<'a> {
    db: &'a Db,
    /// None when one cursor or independent gets are all that is asked.
    snapshot: Option<SnapshotWithThreadMode<'a, Db>>,
    tier: ReadTier,
}

impl<'a> RocksView<'a> {
    pub(crate) fn new(db: &'a Db, tier: ReadTier, snapshot: bool) -> RocksView<'a> {
        RocksView { db, snapshot: snapshot.then(|| db.snapshot()), tier }
    }

    /// Whether only memory may be asked.
    pub(crate) fn is_cached(&self) -> bool {
        matches!(self.tier, ReadTier::BlockCache)
    }

    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_read_tier(self.tier);
        if let Some(snapshot) = &self.snapshot {
            options.set_snapshot(snapshot);
        }
        options
    }

    pub(crate) fn get(&self, family: Family, key: &[u8]) -> Result<Option<DBPinnableSlice<'_>>, Missed> {
        self.db.get_pinned_cf_opt(super::handle(self.db, family), key, &self.options()).map_err(missed)
    }

    /// A cursor over `lower .. upper`, as if nothing was written since the view was made (or, without a snapshot,
    /// since this call).
    pub(crate) fn cursor(&self, family: Family, lower: &[u8], upper: &[u8]) -> RocksCursor<'_> {
        let mut options = self.options();
        options.set_iterate_lower_bound(lower);
        options.set_iterate_upper_bound(upper);
        RocksCursor(self.db.raw_iterator_cf_opt(super::handle(self.db, family), options))
    }
}

pub(crate) struct RocksCursor<'a>(DBRawIteratorWithThreadMode<'a, Db>);

impl RocksCursor<'_> {
    pub(crate) fn seek(&mut self, key: &[u8]) {
        self.0.seek(key);
    }

    pub(crate) fn seek_for_prev(&mut self, key: &[u8]) {
        self.0.seek_for_prev(key);
    }

    pub(crate) fn next(&mut self) {
        if self.0.valid() {
            self.0.next();
        }
    }

    pub(crate) fn prev(&mut self) {
        if self.0.valid() {
            self.0.prev();
        }
    }

    pub(crate) fn item(&self) -> Result<Option<Row<'_>>, Missed> {
        match self.0.item() {
            Some(item) => Ok(Some(item)),
            None => self.0.status().map(|()| None).map_err(missed),
        }
    }
}

fn missed(error: rocksdb::Error) -> Missed {
    match error.kind() {
        ErrorKind::Incomplete => Missed::NotCached,
        _ => Missed::Failed(ReadError::Io(error.into_string())),
    }
}
