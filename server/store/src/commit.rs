//! From decided changes to rows: what a commit writes, the same for both stores, and how it may fail.
//!
//! Each batch becomes the rows of its writes, in order, followed by its partition's state row, which therefore also
//! marks the end of the batch wherever batches are merged.

use crate::family::Family;
use crate::keys::{self, Key};
use crate::partitions::Partitions;
use crate::{block, stored};
use hubbub_core::ids::{Conversation, PartitionId, Seq, Slot};
use hubbub_core::records::{Batch, Write};

/// Whether a commit waits for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// It does (unless the store keeps no write-ahead log).
    Yes,
    /// It returns once the kernel has the write.
    No,
}

/// Why nothing was committed. After `Full` and `Io` it is unknown whether a restart will find the batches, so the
/// process must stop; after the others nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The write would have waited for flushes or compactions.
    #[error("the store is behind with flushes or compactions")]
    Stalled,
    /// The file system has no space left.
    #[error("no space left for the store: {0}")]
    Full(String),
    /// Anything else that RocksDB says.
    #[error("the store cannot write: {0}")]
    Io(String),
    /// The batch is not the next of its partition.
    #[error("batch {position} of partition {partition} is not the next, {expected}")]
    OutOfOrder {
        /// Whose.
        partition: PartitionId,
        /// What came.
        position: u64,
        /// What must come.
        expected: u64,
    },
    /// A write touches a slot of another partition.
    #[error("a batch of partition {partition} writes to slot {slot}, which it does not own")]
    Misplaced {
        /// Whose batch.
        partition: PartitionId,
        /// Where it writes.
        slot: Slot,
    },
    /// There is no such partition.
    #[error("there is no partition {0}")]
    UnknownPartition(PartitionId),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Where rows go.
pub(crate) trait Sink {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]);
    fn delete(&mut self, family: Family, key: &[u8]);
    /// Deletes the keys from `lower` on, as far as `upper`, which stays.
    fn delete_range(&mut self, family: Family, lower: &[u8], upper: &[u8]);
}

/// Writes the rows of a batch. `value` is scratch.
pub(crate) fn encode(
    partitions: &Partitions,
    batch: &Batch,
    value: &mut Vec<u8>,
    sink: &mut impl Sink,
) -> Result<(), CommitError> {
    for write in &batch.writes {
        let (family, key) = place(write);
        partitions.check_slot(batch.partition, key.slot())?;
        match write {
            Write::DropBlocks(conversation, first, last) => {
                delete_seqs(Family::Entries, conversation, *first, *last, sink);
            }
            Write::DropOverlays(conversation, first, last) => {
                delete_seqs(Family::Edits, conversation, *first, *last, sink);
                delete_seqs(Family::Reactions, conversation, *first, *last, sink);
            }
            write if is_deletion(write) => sink.delete(family, key.as_ref()),
            write => {
                encode_value(write, value);
                sink.put(family, key.as_ref(), value);
            }
        }
    }
    stored::encode_partition(batch, value);
    sink.put(Family::Meta, keys::partition(batch.partition).as_ref(), value);
    Ok(())
}

fn is_deletion(write: &Write) -> bool {
    match write {
        Write::DeleteOutbox(..) | Write::DeleteDevice(..) | Write::DeleteBlocked(..) => true,
        Write::PutReactions(_, _, _, emojis) => emojis.is_empty(),
        Write::PutReactionCounts(_, _, counts) => counts.is_empty(),
        _ => false,
    }
}

/// Deletes a conversation's rows of the seqs `first ..= last`.
fn delete_seqs(family: Family, conversation: &Conversation, first: Seq, last: Seq, sink: &mut impl Sink) {
    // No log ever gets as far as the last number that there is.
    let end = Seq(last.0.saturating_add(1));
    if first < end {
        sink.delete_range(family, keys::block(conversation, first).as_ref(), keys::block(conversation, end).as_ref());
    }
}

fn place(write: &Write) -> (Family, Key) {
    match write {
        Write::PutBlock(conversation, block) | Write::RewriteBlock(conversation, block) => {
            (Family::Entries, keys::block(conversation, block.first))
        }
        Write::DropBlocks(conversation, first, _) => (Family::Entries, keys::block(conversation, *first)),
        Write::PutEdit(conversation, seq, _) | Write::DropOverlays(conversation, seq, _) => {
            (Family::Edits, keys::edit(conversation, *seq))
        }
        Write::PutReactions(conversation, seq, user, _) => {
            (Family::Reactions, keys::reactions(conversation, *seq, *user))
        }
        Write::PutReactionCounts(conversation, seq, _) => {
            (Family::Reactions, keys::reactions(conversation, *seq, keys::EVERYBODY))
        }
        Write::PutConversation(conversation, _) => (Family::Conversations, keys::conversation(conversation)),
        Write::PutMember(conversation, user, _) => (Family::Members, keys::member(conversation, *user)),
        Write::PutCursor(conversation, user, device, _) => {
            (Family::Cursors, keys::cursor(conversation, *user, *device))
        }
        Write::PutMembership(user, conversation, _) => (Family::Memberships, keys::membership(*user, conversation)),
        Write::PutAccount(user, _) => (Family::Accounts, keys::account(*user)),
        Write::PutEmail(record) => (Family::Emails, keys::email(&record.email)),
        Write::PutDevice(user, device, _) | Write::DeleteDevice(user, device) => {
            (Family::Devices, keys::device(*user, *device))
        }
        Write::PutPresence(user, _) => (Family::Presence, keys::account(*user)),
        Write::PutBlocked(user, peer, _) | Write::DeleteBlocked(user, peer) => {
            (Family::Blocks, keys::blocked(*user, *peer))
        }
        Write::PutOutbox(row) => (Family::Outbox, keys::outbox(&row.owner(), row.n)),
        Write::DeleteOutbox(owner, n) => (Family::Outbox, keys::outbox(owner, *n)),
    }
}

fn encode_value(write: &Write, value: &mut Vec<u8>) {
    match write {
        Write::PutBlock(_, block) | Write::RewriteBlock(_, block) => block::encode(block, value),
        Write::PutEdit(_, _, edit) => stored::encode_edit(edit, value),
        Write::PutReactions(_, _, _, emojis) => stored::encode_reactions(emojis, value),
        Write::PutReactionCounts(_, _, counts) => stored::encode_reaction_counts(counts, value),
        Write::PutConversation(_, record) => stored::encode_conversation(record, value),
        Write::PutMember(_, _, record) => stored::encode_member(record, value),
        Write::PutCursor(_, _, _, record) => stored::encode_cursor(record, value),
        Write::PutMembership(_, _, record) => stored::encode_membership(record, value),
        Write::PutAccount(_, record) => stored::encode_account(record, value),
        Write::PutEmail(record) => stored::encode_email(record, value),
        Write::PutDevice(_, _, record) => stored::encode_device(record, value),
        Write::PutOutbox(row) => stored::encode_outbox(row, value),
        Write::PutPresence(_, record) => stored::encode_presence(record, value),
        Write::PutBlocked(_, _, record) => stored::encode_blocked(record, value),
        Write::DeleteOutbox(..)
        | Write::DeleteDevice(..)
        | Write::DeleteBlocked(..)
        | Write::DropBlocks(..)
        | Write::DropOverlays(..) => value.clear(),
    }
}

/// About how many bytes of rows a batch makes.
pub(crate) fn estimate_bytes(batch: &Batch) -> usize {
    const ROW_BYTES: usize = 64;
    let blocks = batch.writes.iter().map(|write| match write {
        Write::PutBlock(_, block) | Write::RewriteBlock(_, block) => block.entries.len(),
        Write::PutEdit(_, _, edit) => edit.body.len(),
        _ => 0,
    });
    (batch.writes.len() + 1) * ROW_BYTES + blocks.sum::<usize>()
}
