//! The store's twin in memory, with a shadow of what it must hold.
//!
//! Batches go to the real `hubbub-store`, which answers the reads of the shards; beside it stands what the checks want
//! to know, in plain maps. A copy applies the same batches again, as a replica would.

use hubbub_core::entry::{Entries, EntryHeader};
use hubbub_core::ids::{Conversation, DeviceId, MessageId, Seq, UserId};
use hubbub_core::records::{
    Batch, BlockRecord, ConversationRecord, CursorRecord, MemberRecord, MembershipRecord, OutboxRow, PagePosition,
    PageRequest, PartitionState, PresenceRecord, Read, ReadResult, Span, Write,
};
use hubbub_store::{Sync, Tier};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub struct Store {
    rows: hubbub_store::Store,
    partitions: u16,
    /// Everything that was committed, in order.
    journal: Vec<Batch>,
    last_ids: BTreeMap<u16, MessageId>,
    conversations: BTreeMap<Conversation, Stored>,
    accounts: BTreeSet<UserId>,
    memberships: BTreeMap<(UserId, Conversation), MembershipRecord>,
    /// Blocks that have lost bodies so far.
    rewritten: usize,
    presence: BTreeMap<UserId, PresenceRecord>,
    blocked: BTreeMap<(UserId, UserId), BlockRecord>,
}

#[derive(Debug, Default)]
struct Stored {
    record: Option<ConversationRecord>,
    members: BTreeMap<UserId, MemberRecord>,
    cursors: BTreeMap<(UserId, DeviceId), CursorRecord>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("conversations", &self.conversations).finish_non_exhaustive()
    }
}

impl Clone for Store {
    fn clone(&self) -> Store {
        Store::replayed(self.partitions, self.journal.clone())
    }
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(partitions: u16) -> Store {
        Store {
            rows: hubbub_store::Store::memory(partitions),
            partitions,
            journal: Vec::new(),
            last_ids: BTreeMap::new(),
            conversations: BTreeMap::new(),
            accounts: BTreeSet::new(),
            memberships: BTreeMap::new(),
            rewritten: 0,
            presence: BTreeMap::new(),
            blocked: BTreeMap::new(),
        }
    }

    fn replayed(partitions: u16, journal: Vec<Batch>) -> Store {
        let mut store = Store::new(partitions);
        for batch in journal {
            store.apply(batch);
        }
        store
    }

    /// Makes a batch durable.
    ///
    /// # Panics
    /// When it is not the next one of its partition, or changes what never changes.
    pub fn apply(&mut self, batch: Batch) {
        let last_id = self.last_ids.entry(batch.partition.0).or_default();
        assert!(batch.last_id >= *last_id, "ids of {:?} rise", batch.partition);
        *last_id = batch.last_id;
        batch.writes.iter().for_each(|write| self.shadow(write));
        if let Err(error) = self.rows.commit(std::slice::from_ref(&batch), Sync::Yes) {
            panic!("the store refuses a batch: {error}");
        }
        self.journal.push(batch);
    }

    fn shadow(&mut self, write: &Write) {
        match write {
            Write::PutConversation(conversation, record) => {
                let known = &mut self.conversations.entry(*conversation).or_default().record;
                let floor = known.as_ref().map_or(Seq(0), |known| known.floor);
                assert!(record.floor >= floor, "the floor of {conversation:?} only rises");
                *known = Some(record.clone());
            }
            Write::PutMember(conversation, user, member) => {
                let members = &mut self.conversations.entry(*conversation).or_default().members;
                if let Some(known) = members.insert(*user, member.clone()) {
                    check_spans(&known, member);
                }
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
            Write::PutAccount(user, _) => {
                self.accounts.insert(*user);
            }
            Write::RewriteBlock(..) => self.rewritten += 1,
            Write::PutPresence(user, presence) => {
                let known = self.presence.insert(*user, presence.clone()).unwrap_or_default();
                assert!(presence.last_active >= known.last_active, "{user:?} was not active earlier than before");
            }
            Write::PutBlocked(user, peer, block) => {
                let known = self.blocked.insert((*user, *peer), *block);
                assert!(known.is_none_or(|known| known.version < block.version), "versions of blocks rise");
            }
            Write::DeleteBlocked(user, peer) => {
                self.blocked.remove(&(*user, *peer));
            }
            _ => {}
        }
    }

    /// How many blocks have lost bodies since the beginning.
    #[must_use]
    pub fn rewritten(&self) -> usize {
        self.rewritten
    }

    /// Where partitions stand, by id.
    #[must_use]
    pub fn partition_states(&self) -> Vec<PartitionState> {
        (0..self.partitions).map(|p| self.rows.partition_state(hubbub_core::ids::PartitionId(p))).collect()
    }

    /// Facts that were not confirmed, of each partition in the order in which they were decided.
    #[must_use]
    pub fn outbox(&self) -> Vec<OutboxRow> {
        let rows = |p| self.rows.outbox(hubbub_core::ids::PartitionId(p)).expect("memory can be read");
        (0..self.partitions).flat_map(rows).collect()
    }

    /// The stored conversations.
    pub fn conversations(&self) -> impl Iterator<Item = &Conversation> {
        self.conversations.keys()
    }

    /// A conversation's record.
    #[must_use]
    pub fn record(&self, conversation: &Conversation) -> Option<&ConversationRecord> {
        self.conversations.get(conversation)?.record.as_ref()
    }

    /// Members of a conversation, past and present.
    pub fn members(&self, conversation: &Conversation) -> impl Iterator<Item = (UserId, &MemberRecord)> {
        let members = self.conversations.get(conversation).into_iter().flat_map(|stored| &stored.members);
        members.map(|(user, member)| (*user, member))
    }

    /// A member of a conversation, past or present.
    #[must_use]
    pub fn member(&self, conversation: &Conversation, user: UserId) -> Option<&MemberRecord> {
        self.conversations.get(conversation)?.members.get(&user)
    }

    /// The stretches of a log that a user may see, as far as is durable: those of the member's row, which the end of
    /// the group ends, too.
    #[must_use]
    pub fn spans(&self, conversation: &Conversation, user: UserId) -> Vec<Span> {
        let ended = self.record(conversation).and_then(|record| record.group.as_ref()?.ended);
        let spans = self.member(conversation, user).map_or(&[][..], |member| &member.spans).iter();
        spans.map(|span| Span { joined: span.joined, left: span.left.or(ended) }).collect()
    }

    /// Whether a user is a member now.
    #[must_use]
    pub fn is_present(&self, conversation: &Conversation, user: UserId) -> bool {
        self.spans(conversation, user).last().is_some_and(|span| span.left.is_none())
    }

    /// Whether a user has an account.
    #[must_use]
    pub fn has_account(&self, user: UserId) -> bool {
        self.accounts.contains(&user)
    }

    /// A user's side of a membership.
    #[must_use]
    pub fn membership(&self, user: UserId, conversation: &Conversation) -> Option<&MembershipRecord> {
        self.memberships.get(&(user, *conversation))
    }

    /// How a user is seen.
    #[must_use]
    pub fn presence(&self, user: UserId) -> PresenceRecord {
        self.presence.get(&user).cloned().unwrap_or_default()
    }

    /// Whether a user has blocked another.
    #[must_use]
    pub fn has_blocked(&self, user: UserId, peer: UserId) -> bool {
        self.blocked.contains_key(&(user, peer))
    }

    /// Whom a user has blocked, ascending.
    pub fn blocked_by(&self, user: UserId) -> impl Iterator<Item = UserId> {
        let pairs = self.blocked.range((user, UserId(0))..=(user, UserId(u64::MAX)));
        pairs.map(|((_, peer), _)| *peer)
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
        self.rows.read(read, Tier::Any).expect("memory can be read").expect("the disk has everything")
    }

    /// A conversation's whole log as it is stored, or in its newest form.
    #[must_use]
    pub fn log(&self, conversation: &Conversation, overlay: bool) -> Vec<u8> {
        let all = PageRequest {
            conversation: *conversation,
            position: PagePosition::After(Seq(0)),
            up_to: Seq(u64::MAX),
            entries_max: usize::MAX,
            bytes_max: usize::MAX,
            ordinal_at: None,
            overlay,
        };
        match self.read(&Read::Page(all)) {
            ReadResult::Page(page) => page.entries.to_vec(),
            other => unreachable!("{other:?} to a request for a page"),
        }
    }

    /// The headers of a conversation's entries, in order.
    pub fn headers(&self, conversation: &Conversation) -> impl Iterator<Item = EntryHeader> {
        let decode = |encoded| EntryHeader::decode(encoded).expect("what is stored are entries");
        Entries::new(&self.log(conversation, false)).map(decode).collect::<Vec<EntryHeader>>().into_iter()
    }

    /// Sabotage: the newest block of a log was never written. Tells where it began.
    pub fn lose_block(&mut self, conversation: &Conversation) -> Option<Seq> {
        let is_block = |write: &Write| matches!(write, Write::PutBlock(of, _) if of == conversation);
        let mut journal = std::mem::take(&mut self.journal);
        let batch = journal.iter_mut().rev().find(|batch| batch.writes.iter().any(is_block));
        let lost = batch.and_then(|batch| {
            let at = batch.writes.iter().rposition(is_block)?;
            match batch.writes.remove(at) {
                Write::PutBlock(_, block) => Some(block.first),
                _ => None,
            }
        });
        *self = Store::replayed(self.partitions, journal);
        lost
    }
}

/// What a member may see was decided for good, save that an open span may end and another may follow.
fn check_spans(known: &MemberRecord, member: &MemberRecord) {
    let kept = known
        .spans
        .iter()
        .zip(&member.spans)
        .all(|(old, new)| old.joined == new.joined && (old.left == new.left || old.left.is_none()));
    assert!(kept && member.spans.len() >= known.spans.len(), "spans only grow: {known:?}, then {member:?}");
    let apart = member.spans.windows(2).all(|two| two[0].left.is_some_and(|left| left <= two[1].joined));
    assert!(apart, "spans ascend: {member:?}");
}
