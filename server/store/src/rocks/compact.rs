//! Getting rid of bodies for good: after this, no file holds what was revoked, expired or replaced before.

use super::tuning::BODIES;
use super::{Rocks, failure, handle};
use crate::commit::CommitError;
use crate::family::Family;
use rocksdb::{BottommostLevelCompaction, CompactOptions, FlushOptions};

impl Rocks {
    /// Writes what is in memory to files, which lets go of the write-ahead log, and rewrites the files of the families
    /// that hold bodies down to the last level.
    pub(crate) fn compact(&self) -> Result<(), CommitError> {
        let families = Family::ALL.map(|family| handle(&self.db, family));
        let mut flush = FlushOptions::default();
        flush.set_wait(true);
        self.db.flush_cfs_opt(&families, &flush).map_err(|error| failure(&error))?;
        let mut compact = CompactOptions::default();
        // Without this a file on the last level stays as it is.
        compact.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        compact.set_exclusive_manual_compaction(false);
        for family in BODIES {
            self.db.compact_range_cf_opt(handle(&self.db, family), None::<&[u8]>, None::<&[u8]>, &compact);
        }
        Ok(())
    }
}
