//! A conversation at its home: head, members, marks, and the block of entries that is being decided.
//!
//! State only; which request does what to it is in `shard/`.

mod cursors;
mod members;
mod shard_set;

pub(crate) use cursors::Cursors;
pub(crate) use members::Members;
pub(crate) use shard_set::ShardSet;

use crate::entry::{Content, Entry};
use crate::ids::{Conversation, LogId, MessageId, MessageName, PartitionId, Seq, Timestamp, UserId};
use crate::message::{ConversationMessage, Removed, Run};
use crate::recent::Recent;
use crate::records::{
    BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX, Block, ConversationRecord, FoundEntry, Span, StoredConversation,
};
use crate::request::Refusal;
use crate::sweep::Sweep;
use bytes::BytesMut;
use std::collections::VecDeque;

/// A conversation that is in memory, or about to be.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) id: Conversation,
    pub(crate) partition: PartitionId,
    pub(crate) state: HomeState,
    /// What the request at the front of `parked` waits for.
    pub(crate) busy: Option<Busy>,
    /// Requests that wait, in order of arrival.
    pub(crate) parked: VecDeque<ConversationMessage>,
    /// Shards that get runs.
    pub(crate) followers: ShardSet,
    /// Gated items that name this conversation.
    pub(crate) gated: u32,
    pub(crate) used: Timestamp,
}

/// Whether the conversation exists.
#[derive(Debug)]
pub(crate) enum HomeState {
    /// Not known yet.
    Loading,
    /// It does not.
    Absent,
    /// It does.
    Ready(Box<Log>),
}

/// What a request waits for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Busy {
    /// The store's answer about the conversation.
    Loading,
    /// The search for a name.
    Searching,
    /// A look at the entry that it is about.
    Looking,
    /// Answers of so many partitions about its users, and who is missing so far.
    Checking { waiting: usize, missing: Vec<UserId> },
    /// Confirmations of these outbox rows.
    Creating { waiting: Vec<MessageId> },
    /// Answers of so many homes of its users, and why it is refused so far.
    Acquainting { waiting: usize, refusal: Option<Refusal> },
}

/// The log and everything that belongs to it.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) record: ConversationRecord,
    pub(crate) log_id: LogId,
    /// Last seq decided.
    pub(crate) head: Seq,
    /// Last seq that is durable: nothing above it is shown.
    pub(crate) committed: Seq,
    /// USER entries up to `head`.
    pub(crate) ordinal: u64,
    /// USER entries up to `committed`.
    pub(crate) committed_ordinal: u64,
    pub(crate) members: Members,
    pub(crate) cursors: Cursors,
    /// Of a group: its newest messages.
    pub(crate) recent: Option<Box<Recent>>,
    pub(crate) sweep: Sweep,
    block: OpenBlock,
    uncommitted: VecDeque<(MessageName, FoundEntry)>,
}

#[derive(Debug, Default)]
struct OpenBlock {
    entries: BytesMut,
    count: u16,
    removed: Option<Removed>,
}

impl Home {
    pub(crate) fn loading(id: Conversation, partition: PartitionId, now: Timestamp) -> Home {
        Home {
            id,
            partition,
            state: HomeState::Loading,
            busy: Some(Busy::Loading),
            parked: VecDeque::new(),
            followers: ShardSet::default(),
            gated: 0,
            used: now,
        }
    }

    pub(crate) fn log(&self) -> Option<&Log> {
        match &self.state {
            HomeState::Ready(log) => Some(log),
            _ => None,
        }
    }

    pub(crate) fn log_mut(&mut self) -> Option<&mut Log> {
        match &mut self.state {
            HomeState::Ready(log) => Some(log),
            _ => None,
        }
    }

    /// Whether the memory copy says nothing that the store does not.
    pub(crate) fn is_settled(&self) -> bool {
        self.busy.is_none()
            && self.parked.is_empty()
            && self.gated == 0
            && self.log().is_none_or(|log| {
                let pushed = log.recent.as_ref().is_none_or(|recent| !recent.queued);
                pushed && !log.sweep.under_way && log.head == log.committed && log.block.count == 0
            })
    }
}

impl Log {
    /// A conversation that begins now.
    pub(crate) fn new(record: ConversationRecord, epoch: u32) -> Log {
        let recent = record.created_by.is_some().then(|| Box::new(Recent::new()));
        Log {
            log_id: effective_log_id(record.log_id, epoch),
            record,
            head: Seq(0),
            committed: Seq(0),
            ordinal: 0,
            committed_ordinal: 0,
            members: Members::default(),
            cursors: Cursors::default(),
            recent,
            sweep: Sweep::new(),
            block: OpenBlock::default(),
            uncommitted: VecDeque::new(),
        }
    }

    /// A conversation as the store has it.
    pub(crate) fn from_stored(stored: StoredConversation, epoch: u32) -> Log {
        let mut log = Log::new(stored.record, epoch);
        (log.head, log.committed) = (stored.head, stored.head);
        (log.ordinal, log.committed_ordinal) = (stored.head_ordinal, stored.head_ordinal);
        log.members = Members::from_stored(stored.members);
        if let Some(ended) = log.record.group.as_deref().and_then(|group| group.ended) {
            log.members.leave_all(ended);
        }
        log.cursors = Cursors::from_stored(stored.cursors);
        log.recent = log.recent.map(|_| Box::new(Recent::of_stored()));
        log
    }

    /// Decides the next entry. True when it is the first of an open block.
    pub(crate) fn append(&mut self, id: MessageId, name: MessageName, now: Timestamp, content: Content) -> (Seq, bool) {
        self.head = self.head.next();
        if content.is_user() {
            self.ordinal += 1;
            if let Some(recent) = &mut self.recent {
                recent.push(self.head, name.sender);
            }
        }
        let entry = Entry { seq: self.head, message_id: id, name, time: now, ordinal: self.ordinal, content };
        entry.encode(&mut self.block.entries);
        self.block.count += 1;
        self.uncommitted.push_back((name, FoundEntry { seq: self.head, message_id: id, time: now }));
        (self.head, self.block.count == 1)
    }

    /// The first seq that is not visible to whoever the next entry removes.
    pub(crate) fn after_next(&self) -> Seq {
        self.head.next().next()
    }

    /// Says whom the next entry removes. It must be the last of its block.
    pub(crate) fn note_removed_by_next(&mut self, removed: Removed) {
        self.block.removed = Some(removed);
    }

    /// Whether the open block must be closed before an entry of up to so many bytes.
    pub(crate) fn block_lacks_room(&self, entry_bytes_max: usize) -> bool {
        self.block.count > 0 && self.block.entries.len() + entry_bytes_max > BLOCK_BYTES_MAX
    }

    /// Whether the open block must be closed before another entry.
    pub(crate) fn block_is_full(&self) -> bool {
        usize::from(self.block.count) >= BLOCK_ENTRIES_MAX || self.block.entries.len() >= BLOCK_BYTES_MAX
    }

    /// Bytes in the open block.
    pub(crate) fn block_bytes(&self) -> usize {
        self.block.entries.len()
    }

    /// Closes the open block: what is stored, and what followers are sent.
    pub(crate) fn close_block(&mut self, conversation: Conversation) -> Option<(Block, Run)> {
        if self.block.count == 0 {
            return None;
        }
        let entries = self.block.entries.split().freeze();
        let count = std::mem::take(&mut self.block.count);
        let removed = self.block.removed.take();
        let first = Seq(self.head.0 + 1 - u64::from(count));
        let block = Block { first, count, last_ordinal: self.ordinal, entries: entries.clone() };
        let run = Run { conversation, log_id: self.log_id, first, last: self.head, entries, removed };
        Some((block, run))
    }

    /// Takes note that everything up to `last` is durable.
    pub(crate) fn commit_up_to(&mut self, last: Seq, ordinal: u64) {
        (self.committed, self.committed_ordinal) = (last, ordinal);
        while self.uncommitted.front().is_some_and(|(_, entry)| entry.seq <= last) {
            self.uncommitted.pop_front();
        }
    }

    /// The decided but uncommitted entry of a name.
    pub(crate) fn find_uncommitted(&self, name: &MessageName, after: Seq) -> Option<FoundEntry> {
        self.uncommitted.iter().find(|(n, entry)| n == name && entry.seq > after).map(|(_, entry)| *entry)
    }

    /// The stretches that a past or present member may see, as far as their beginning is durable. `None` when there
    /// are none. A direct conversation is its users' before it has an entry.
    pub(crate) fn visible_spans(&self, user: UserId) -> Option<&[Span]> {
        let begun = if self.record.created_by.is_none() { self.committed.max(Seq(1)) } else { self.committed };
        let spans = &self.members.get(user)?.spans;
        let count = spans.partition_point(|span| span.joined <= begun);
        (count > 0).then(|| &spans[..count])
    }

    /// Whether the last of these spans goes on, as far as is durable.
    pub(crate) fn is_open(&self, spans: &[Span]) -> bool {
        spans.last().is_some_and(|span| span.left.is_none_or(|left| left > self.committed.next()))
    }

    /// What a member may read after `from`: `(after, up_to)`; entries in between, if any, are the next to send.
    /// `None` when nothing is left, now or later.
    pub(crate) fn visible_after(&self, spans: &[Span], from: Seq) -> Option<(Seq, Seq)> {
        let span = spans.iter().find(|span| span.left.is_none_or(|left| left.0 > from.0 + 1))?;
        let up_to = span.left.map_or(self.committed, |left| Seq(left.0 - 1).min(self.committed));
        let after = from.max(Seq(span.joined.0 - 1)).max(self.record.floor).min(up_to.max(from));
        Some((after, up_to.max(after)))
    }

    /// What a member may read before `before`: `(lowest, below)`, the nearest visible stretch.
    pub(crate) fn visible_before(&self, spans: &[Span], before: Seq) -> Option<(Seq, Seq)> {
        let span = spans.iter().rev().find(|span| span.joined < before)?;
        let end = span.left.unwrap_or(Seq(u64::MAX)).min(self.committed.next());
        let lowest = span.joined.max(self.record.floor.next());
        Some((lowest, before.min(end))).filter(|(lowest, below)| lowest < below)
    }

    /// Whether a present member may see the entry at `seq`, decided or durable.
    pub(crate) fn shows(&self, user: UserId, seq: Seq) -> bool {
        let kept = seq > self.record.floor && seq <= self.head;
        let sees = |span: &Span| span.joined <= seq && span.left.is_none_or(|left| seq < left);
        kept && self.members.present(user).is_some_and(|member| member.spans.iter().any(sees))
    }

    /// Highest seq that a member may see.
    pub(crate) fn visible_head(&self, spans: &[Span]) -> Seq {
        let left = spans.last().and_then(|span| span.left);
        left.map_or(self.committed, |left| Seq(left.0 - 1).min(self.committed))
    }
}

/// The log id that clients see.
pub(crate) fn effective_log_id(stored: LogId, epoch: u32) -> LogId {
    // A odd multiplier is a bijection: two epochs never agree.
    LogId(stored.0.wrapping_add(epoch.wrapping_mul(0x9e37_79b1)))
}
