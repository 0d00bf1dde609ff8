//! What the store keeps, in domain terms: records, typed writes grouped in batches, reads and their answers.
//!
//! The core emits [`Batch`]es and [`Read`]s and knows nothing of keys and families; `hubbub-store` encodes them and
//! knows nothing of decisions. A batch belongs to one partition and carries everything that was decided, times and
//! ids included, so a replica applies it without re-running any logic.

mod devices;
mod history;
mod reads;

pub use devices::{OwnedDevice, OwnedDevices};
pub use history::{
    EDITS_MAX, EditRecord, Expired, ExpiryRequest, HistoryRecord, Purpose, REACTION_KINDS_MAX, REACTION_KINDS_SHOWN,
    REACTION_USERS_SHOWN, REACTIONS_PER_USER_MAX, ReactionCount, Retention, Target, TargetRequest, WalkRequest, Walked,
};
pub use reads::{
    FoundEntry, Page, PagePosition, PageRequest, Read, ReadResult, StoredConversation, StoredPresence, StoredUser,
};

use crate::ids::{Conversation, DeviceId, LogId, MessageId, MessageName, PartitionId, Seq, Timestamp, UserId};
use bytes::Bytes;

pub use crate::account::{AccountRecord, DeviceRecord, EmailRecord};

/// Most entries in one stored block.
pub const BLOCK_ENTRIES_MAX: usize = 64;
/// A block is closed once its entries reach this many bytes; one entry alone may be longer.
pub const BLOCK_BYTES_MAX: usize = 32 * 1024;

/// A run of entries of one conversation that were committed together, stored as one value under its first seq.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Seq of the first entry.
    pub first: Seq,
    /// How many entries, 1 to [`BLOCK_ENTRIES_MAX`].
    pub count: u16,
    /// `ordinal` of the last entry.
    pub last_ordinal: u64,
    /// The entries as `crate::entry` encodes them, one after the other.
    pub entries: Bytes,
}

impl Block {
    /// Seq of the last entry.
    #[must_use]
    pub fn last(&self) -> Seq {
        Seq(self.first.0 + u64::from(self.count) - 1)
    }
}

/// A conversation, apart from its log and members. The head is that of the last block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRecord {
    /// Name of a group; empty for a direct conversation.
    pub title: String,
    /// Owner of a group; `UserId(0)` for a direct conversation and for a group that has ended.
    pub owner: UserId,
    /// The name of the request that made a group.
    pub created_by: Option<MessageName>,
    /// When it was made.
    pub created: Timestamp,
    /// Identity of its log at creation; what clients see also depends on the store's log epoch.
    pub log_id: LogId,
    /// Highest seq no longer kept.
    pub floor: Seq,
    /// Highest seq about which push has been decided.
    pub notified_up_to: Seq,
    /// What few groups have and no direct conversation; `None`: nothing of it.
    pub group: Option<Box<GroupRecord>>,
    /// What log operations and retention have changed; `None`: nothing yet.
    pub history: Option<Box<HistoryRecord>>,
    /// Who has blocked whom, in a direct conversation where anybody ever has.
    pub blocks: Option<Box<DirectBlocks>>,
}

impl ConversationRecord {
    /// What log operations and retention have changed.
    #[must_use]
    pub fn history(&self) -> HistoryRecord {
        self.history.as_deref().copied().unwrap_or_default()
    }

    /// The same, to be changed.
    pub fn history_mut(&mut self) -> &mut HistoryRecord {
        self.history.get_or_insert_default()
    }
}

/// Who has blocked whom in a direct conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectBlocks {
    /// Whether the lower user has blocked the higher.
    pub by_low: BlockFlag,
    /// Whether the higher user has blocked the lower.
    pub by_high: BlockFlag,
    /// Delivered and read marks of the lower user, as the higher one last saw them.
    pub low_marks: (Seq, Seq),
    /// The same of the higher user.
    pub high_marks: (Seq, Seq),
}

impl DirectBlocks {
    /// Whether either has blocked the other.
    #[must_use]
    pub fn in_force(&self) -> bool {
        self.by_low.blocked || self.by_high.blocked
    }
}

/// Whether one user has blocked the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockFlag {
    /// It is so.
    pub blocked: bool,
    /// Of the decision; 0: there was none.
    pub version: MessageId,
}

/// What a group has beyond every conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRecord {
    /// What its members may do.
    pub settings: GroupSettings,
    /// Invitations that were not used up or revoked, the oldest first; at most [`INVITES_MAX`].
    pub invites: Vec<InviteRecord>,
    /// The owner has deleted the group: every span that is open in its members' rows ends before this seq.
    pub ended: Option<Seq>,
}

/// Most invitations of a group at a time.
pub const INVITES_MAX: usize = 32;

/// What the members of a group may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// Only the owner and admins may write.
    pub announcement_only: bool,
    /// Every member may add members and make invitations.
    pub members_may_add: bool,
}

/// An invitation to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteRecord {
    /// Recognises it; the secret itself is nowhere.
    pub hash: InviteHash,
    /// It cannot be used from then on.
    pub expires: Timestamp,
    /// How many more may join by it; 0: no limit.
    pub uses_left: u32,
    /// Who made it.
    pub by: UserId,
}

/// SHA-256 of an invitation's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteHash(pub [u8; 32]);

/// What a member may do; a greater role may do all that a smaller one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads and writes.
    Member,
    /// Also adds, removes and mutes members, and changes title and settings.
    Admin,
    /// Also gives roles, and deletes the group. A group has one.
    Owner,
}

/// Until when a member may not write: a time in microseconds, [`MutedUntil::NO`] or [`MutedUntil::UNTIL_LIFTED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MutedUntil(pub i64);

impl MutedUntil {
    /// The member may write.
    pub const NO: MutedUntil = MutedUntil(0);
    /// Until somebody lifts it.
    pub const UNTIL_LIFTED: MutedUntil = MutedUntil(-1);

    /// A mute of so many seconds that begins now.
    #[must_use]
    pub fn after_seconds(now: Timestamp, seconds: u32) -> MutedUntil {
        MutedUntil(now.0 + i64::from(seconds) * 1_000_000)
    }

    /// For how many milliseconds yet, rounded up; `None` when the member may write, `Some(0)` until it is lifted.
    #[must_use]
    pub fn remaining_ms(self, now: Timestamp) -> Option<u64> {
        match self {
            MutedUntil::UNTIL_LIFTED => Some(0),
            MutedUntil(until) if until > now.0 => Some((until - now.0).unsigned_abs().div_ceil(1_000)),
            _ => None,
        }
    }
}

/// A stretch of a log that a member may see: `[joined, left)`, open while they are a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First visible seq.
    pub joined: Seq,
    /// First seq that is not visible any more.
    pub left: Option<Seq>,
}

/// A member of a conversation, past or present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// Role in the open span; [`Role::Member`] when there is none.
    pub role: Role,
    /// Outlives leaving, so that nobody gets their word back by leaving and joining.
    pub muted_until: MutedUntil,
    /// Ascending and disjoint; never empty.
    pub spans: Vec<Span>,
}

/// One device's marks in one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CursorRecord {
    /// Highest seq that the device holds.
    pub delivered: Seq,
    /// Highest seq that the person has seen.
    pub read: Seq,
    /// When the device last moved a mark.
    pub last_seen: Timestamp,
}

/// A user's side of a membership: what lists and syncs start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembershipRecord {
    /// First visible seq of the last span.
    pub joined: Seq,
    /// Seq of the entry that brought the membership to this state; a lower one never overwrites a higher.
    pub version: Seq,
    /// Whether it is open.
    pub member: bool,
}

/// How a user wants to be seen, and when they were last there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceRecord {
    /// When a device was last active; 0: never.
    pub last_active: Timestamp,
    /// Shown to nobody.
    pub invisible: bool,
    /// What the user says of themselves.
    pub status: Box<str>,
}

/// That a user has blocked another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// Since when.
    pub since: Timestamp,
    /// Of the decision; a lower one never overwrites a higher.
    pub version: MessageId,
}

/// A fact that another partition must learn, kept until it confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Ascending within the partition of the fact's owner.
    pub n: MessageId,
    /// What is to be learned.
    pub fact: Fact,
}

impl OutboxRow {
    /// Whose home decided it; the row lives in the owner's slot.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.fact.owner()
    }
}

/// Whose home decides a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A conversation's.
    Conversation(Conversation),
    /// A user's.
    User(UserId),
}

/// What one partition has decided and another must learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// For the home of `user`: their membership as the conversation's home has decided it.
    Membership {
        /// Of what.
        conversation: Conversation,
        /// Whose.
        user: UserId,
        /// What it is now.
        membership: MembershipRecord,
    },
    /// For the home of their direct conversation: `user` has blocked `peer`, or not any more.
    Block {
        /// Who.
        user: UserId,
        /// Whom.
        peer: UserId,
        /// Whether it is so.
        blocked: bool,
        /// Of the decision; a lower one never overwrites a higher.
        version: MessageId,
    },
}

impl Fact {
    /// Whose home decides it.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match *self {
            Fact::Membership { conversation, .. } => Owner::Conversation(conversation),
            Fact::Block { user, .. } => Owner::User(user),
        }
    }
}

/// One decided change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Appends a block to a conversation's log.
    PutBlock(Conversation, Block),
    /// Replaces a block by one of the same entries, of which some have no bodies any more.
    RewriteBlock(Conversation, Block),
    /// Removes the blocks that start at these seqs or between them.
    DropBlocks(Conversation, Seq, Seq),
    /// Gives an entry a new form.
    PutEdit(Conversation, Seq, Box<EditRecord>),
    /// A user's reactions to an entry; none removes the row.
    PutReactions(Conversation, Seq, UserId, Vec<String>),
    /// How many people reacted to an entry with what; none removes the row.
    PutReactionCounts(Conversation, Seq, Vec<ReactionCount>),
    /// Removes edits and reactions of the entries at these seqs and between them.
    DropOverlays(Conversation, Seq, Seq),
    /// Makes or changes a conversation.
    PutConversation(Conversation, ConversationRecord),
    /// Makes or changes a member.
    PutMember(Conversation, UserId, MemberRecord),
    /// Moves a device's marks.
    PutCursor(Conversation, UserId, DeviceId, CursorRecord),
    /// Makes or changes a user's side of a membership.
    PutMembership(UserId, Conversation, MembershipRecord),
    /// Makes or changes an account.
    PutAccount(UserId, AccountRecord),
    /// Gives an address to somebody.
    PutEmail(EmailRecord),
    /// Makes or changes a device.
    PutDevice(UserId, DeviceId, DeviceRecord),
    /// Forgets a device.
    DeleteDevice(UserId, DeviceId),
    /// Changes how a user is seen.
    PutPresence(UserId, PresenceRecord),
    /// A user blocks another.
    PutBlocked(UserId, UserId, BlockRecord),
    /// A user blocks another no more.
    DeleteBlocked(UserId, UserId),
    /// Remembers a fact for another partition.
    PutOutbox(OutboxRow),
    /// Forgets a confirmed fact.
    DeleteOutbox(Owner, MessageId),
}

/// The decided changes of one partition that become durable together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The partition, whose slots are the only ones the writes touch.
    pub partition: PartitionId,
    /// Dense, from 1, in each partition; stored as the applied position in the same commit.
    pub position: u64,
    /// The last id that the partition gave out, so that a clock that steps back repeats none.
    pub last_id: MessageId,
    /// When it was decided.
    pub time: Timestamp,
    /// The changes, applied in order.
    pub writes: Vec<Write>,
}

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PartitionState {
    /// Position of the last applied batch; 0 before the first.
    pub position: u64,
    /// Last id given out.
    pub last_id: MessageId,
}
