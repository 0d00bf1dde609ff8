//! How runs end: the clean mark, and the rule that raises the log epoch when acked entries may be missing.

use super::{Rocks, failure, handle};
use crate::commit::CommitError;
use crate::family::Family;
use crate::options::Durability;
use crate::stored::{self, RunRecord};
use crate::{keys, options::Options};
use rocksdb::{FlushOptions, WriteOptions};

/// Whether acked entries may be missing, given how the last run promised and ended, and the kernel's boot id now.
pub(super) fn may_have_lost(last: &RunRecord, boot_id: &str) -> bool {
    // An unknown boot id may be any.
    let same_boot = !boot_id.is_empty() && last.boot_id == boot_id;
    match last.durability {
        _ if last.clean => false,
        Durability::Fsync => false,
        Durability::Os => !same_boot,
        Durability::None => true,
    }
}

/// What names the time since the kernel was started; empty when nothing tells.
pub(super) fn boot_id(options: &Options) -> String {
    match &options.boot_id {
        Some(id) => id.clone(),
        None => std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned(),
    }
}

/// A write that is durable whatever the durability of commits.
pub(super) fn durable() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

impl Rocks {
    /// Makes everything durable that was committed.
    pub(crate) fn flush(&self) -> Result<(), CommitError> {
        let flushed = match self.durability {
            Durability::None => {
                let families = Family::ALL.map(|family| handle(&self.db, family));
                let mut options = FlushOptions::default();
                options.set_wait(true);
                self.db.flush_cfs_opt(&families, &options)
            }
            Durability::Fsync | Durability::Os => self.db.flush_wal(true),
        };
        flushed.map_err(|error| failure(&error))
    }

    /// Ends the run: nothing is committed any more, everything is durable, and then the clean mark is.
    pub(crate) fn close(&self) -> Result<(), CommitError> {
        let mut closed = self.closed.write();
        if *closed {
            return Ok(());
        }
        *closed = true;
        self.flush()?;
        let run = RunRecord { durability: self.durability, boot_id: self.boot_id.clone(), clean: true };
        let mut value = Vec::new();
        stored::encode_run(&run, &mut value);
        let marked = self.db.put_cf_opt(handle(&self.db, Family::Meta), keys::RUN, &value, &durable());
        marked.map_err(|error| failure(&error))
    }
}
