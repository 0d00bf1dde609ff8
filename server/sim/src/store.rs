//! A store in plain maps of domain records, which answers reads as `hubbub-store` does.
//!
//! It knows no bytes and no keys, so that a simulated world can be copied, crashed and compared cheaply. It promises
//! what the real stores promise: batches are applied whole, and those of a partition without a gap.

use bytes::BytesMut;
use hubbub_core::entry::{Entries, EntryHeader};
use hubbub_core::ids::{Conversation, DeviceId, MessageId, MessageName, PartitionId, Seq, Timestamp, UserId};
use hubbub_core::records::{
    AccountRecord, Batch, Block, ConversationRecord, CursorRecord, FoundEntry, MemberRecord, MembershipRecord,
    OutboxRow, Owner, Page, PagePosition, PageRequest, PartitionState, Read, ReadResult, StoredConversation,
    StoredUser, Write,
};
use std::collections::BTreeMap;
use std::ops::Bound;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Store {
    partitions: BTreeMap<PartitionId, PartitionState>,
    conversations: BTreeMap<Conversation, Stored>,
    accounts: BTreeMap<UserId, AccountRecord>,
    memberships: BTreeMap<(UserId, Conversation), MembershipRecord>,
    outbox: BTreeMap<(Owner, MessageId), OutboxRow>,
}

#[derive(Clone, Debug, Default)]
struct Stored {
    record: Option<ConversationRecord>,
    members: BTreeMap<UserId, MemberRecord>,
    cursors: BTreeMap<(UserId, DeviceId), CursorRecord>,
    blocks: BTreeMap<Seq, Block>,
}

impl Store {
    /// Makes a batch durable.
    ///
    /// # Panics
    /// When it is not the next one of its partition.
    pub fn apply(&mut self, batch: &Batch) {
        let state = self.partitions.entry(batch.partition).or_default();
        assert_eq!(batch.position, state.position + 1, "batches of {:?} are dense", batch.partition);
        assert!(batch.last_id >= state.last_id, "ids of {:?} rise", batch.partition);
        *state = PartitionState { position: batch.position, last_id: batch.last_id };
        for write in &batch.writes {
            self.write(write);
        }
    }

    fn write(&mut self, write: &Write) {
        match write {
            Write::PutBlock(conversation, block) => {
                let stored = self.conversations.entry(*conversation).or_default();
                let head = stored.blocks.last_key_value().map_or(Seq(0), |(_, last)| last.last());
                assert_eq!(block.first, head.next(), "{conversation:?} has no gap");
                stored.blocks.insert(block.first, block.clone());
            }
            Write::PutConversation(conversation, record) => {
                self.conversations.entry(*conversation).or_default().record = Some(record.clone());
            }
            Write::PutMember(conversation, user, member) => {
                self.conversations.entry(*conversation).or_default().members.insert(*user, member.clone());
            }
            Write::PutCursor(conversation, user, device, cursor) => {
                let cursors = &mut self.conversations.entry(*conversation).or_default().cursors;
                let known = cursors.insert((*user, *device), *cursor).unwrap_or_default();
                assert!(cursor.delivered >= known.delivered && cursor.read >= known.read, "marks only rise");
            }
            Write::PutMembership(user, conversation, membership) => {
                let known = self.memberships.entry((*user, *conversation)).or_insert(*membership);
                if known.version <= membership.version {
                    *known = *membership;
                }
            }
            Write::PutAccount(user, account) => {
                self.accounts.insert(*user, *account);
            }
            Write::PutOutbox(row) => {
                self.outbox.insert((row.owner(), row.n), row.clone());
            }
            Write::DeleteOutbox(owner, n) => {
                self.outbox.remove(&(*owner, *n));
            }
        }
    }

    /// Sabotage: takes the newest block of a log away.
    pub(crate) fn lose_block(&mut self, conversation: &Conversation) -> Option<Block> {
        Some(self.conversations.get_mut(conversation)?.blocks.pop_last()?.1)
    }

    /// Where partitions stand, by id.
    #[must_use]
    pub fn partition_states(&self, partitions: u16) -> Vec<PartitionState> {
        (0..partitions).map(|p| self.partitions.get(&PartitionId(p)).copied().unwrap_or_default()).collect()
    }

    /// Facts that were not confirmed, in the order in which they were decided.
    #[must_use]
    pub fn outbox(&self) -> Vec<OutboxRow> {
        let mut rows: Vec<OutboxRow> = self.outbox.values().cloned().collect();
        rows.sort_by_key(|row| row.n);
        rows
    }

    /// Headers of a conversation's durable entries, ascending.
    pub fn headers(&self, conversation: &Conversation) -> impl Iterator<Item = EntryHeader> {
        let blocks = self.conversations.get(conversation).into_iter().flat_map(|stored| stored.blocks.values());
        blocks.flat_map(|block| Entries::new(&block.entries)).map(|entry| EntryHeader::decode(entry).expect("an entry"))
    }

    /// The stored conversations.
    pub fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.keys()
    }

    /// A member of a conversation, past or present.
    #[must_use]
    pub fn member(&self, conversation: &Conversation, user: UserId) -> Option<&MemberRecord> {
        self.conversations.get(conversation)?.members.get(&user)
    }

    /// A user's side of a membership.
    #[must_use]
    pub fn membership(&self, user: UserId, conversation: &Conversation) -> Option<&MembershipRecord> {
        self.memberships.get(&(user, *conversation))
    }

    /// A user's durable marks `(delivered, read)`, over all devices.
    #[must_use]
    pub fn marks(&self, conversation: &Conversation, user: UserId) -> (Seq, Seq) {
        let cursors = self.conversations.get(conversation).into_iter().flat_map(|stored| &stored.cursors);
        cursors.filter(|((of, _), _)| *of == user).fold((Seq(0), Seq(0)), |(delivered, read), (_, cursor)| {
            (delivered.max(cursor.delivered), read.max(cursor.read))
        })
    }

    /// Answers a read.
    #[must_use]
    pub fn read(&self, read: &Read) -> ReadResult {
        match read {
            Read::Conversation(conversation) => ReadResult::Conversation(self.read_conversation(conversation)),
            Read::User(user) => ReadResult::User(self.read_user(*user)),
            Read::Page(request) => ReadResult::Page(self.read_page(request)),
            Read::MissingUsers(users) => {
                let missing = users.iter().copied().filter(|user| !self.accounts.contains_key(user));
                ReadResult::MissingUsers(missing.collect())
            }
            Read::FindName { conversation, after, up_to, name } => {
                let (found, oldest) = self.find_name(conversation, *after, *up_to, name);
                ReadResult::FindName { found, oldest }
            }
        }
    }

    fn read_conversation(&self, conversation: &Conversation) -> Option<Box<StoredConversation>> {
        let stored = self.conversations.get(conversation)?;
        let last = stored.blocks.last_key_value().map(|(_, block)| block);
        Some(Box::new(StoredConversation {
            record: stored.record.clone().expect("whatever is stored has a record"),
            members: stored.members.iter().map(|(user, member)| (*user, member.clone())).collect(),
            cursors: stored.cursors.iter().map(|((user, device), cursor)| (*user, *device, *cursor)).collect(),
            head: last.map_or(Seq(0), Block::last),
            head_ordinal: last.map_or(0, |block| block.last_ordinal),
        }))
    }

    fn read_user(&self, user: UserId) -> Option<Box<StoredUser>> {
        let account = *self.accounts.get(&user)?;
        let memberships = self.memberships.iter().filter(|((of, _), _)| *of == user);
        let memberships = memberships.map(|((_, conversation), record)| (*conversation, *record)).collect();
        Some(Box::new(StoredUser { account, memberships }))
    }

    fn find_name(
        &self,
        conversation: &Conversation,
        after: Seq,
        up_to: Seq,
        name: &MessageName,
    ) -> (Option<FoundEntry>, Option<Timestamp>) {
        let in_range = || self.headers(conversation).filter(|header| header.seq > after && header.seq <= up_to);
        let found = in_range().find(|header| header.name.as_ref() == Some(name));
        let found =
            found.map(|header| FoundEntry { seq: header.seq, message_id: header.message_id, time: header.time });
        (found, in_range().next().map(|header| header.time))
    }

    fn read_page(&self, request: &PageRequest) -> Page {
        let ordinal = request.ordinal_at.map(|seq| self.ordinal_at(&request.conversation, seq));
        let (lower, upper) = match request.position {
            PagePosition::After(after) => (after.next(), request.up_to),
            PagePosition::Before(before) => (Seq(1), Seq(before.0.saturating_sub(1)).min(request.up_to)),
        };
        let mut taken = self.encoded(&request.conversation, lower, upper);
        if let PagePosition::Before(_) = request.position {
            taken.reverse();
        }
        let mut bytes = 0;
        let fits = taken.iter().take(request.entries_max).take_while(|(seq, entry)| {
            bytes += entry.len();
            bytes <= request.bytes_max || *seq == taken[0].0
        });
        let count = fits.count();
        taken.truncate(count);
        taken.sort_by_key(|(seq, _)| *seq);
        let start = match request.position {
            PagePosition::After(after) => after,
            PagePosition::Before(_) => upper,
        };
        let mut entries = BytesMut::new();
        taken.iter().for_each(|(_, entry)| entries.extend_from_slice(entry));
        let after = taken.first().map_or(start, |(seq, _)| Seq(seq.0 - 1));
        let last = taken.last().map_or(start, |(seq, _)| *seq);
        Page { after, last, entries: entries.freeze(), ordinal }
    }

    fn encoded(&self, conversation: &Conversation, lower: Seq, upper: Seq) -> Vec<(Seq, &[u8])> {
        let Some(stored) = self.conversations.get(conversation) else { return Vec::new() };
        let first = stored.blocks.range(..=lower).next_back().map_or(lower, |(first, _)| *first);
        let blocks = stored.blocks.range((Bound::Included(first), Bound::Unbounded));
        let blocks = blocks.take_while(|(first, _)| **first <= upper).map(|(_, block)| block);
        let entries = blocks.flat_map(|block| (block.first.0..).map(Seq).zip(Entries::new(&block.entries)));
        entries.filter(|(seq, _)| (lower..=upper).contains(seq)).collect()
    }

    fn ordinal_at(&self, conversation: &Conversation, seq: Seq) -> u64 {
        self.headers(conversation).take_while(|header| header.seq <= seq).last().map_or(0, |header| header.ordinal)
    }
}
