//! What the core asks of the store, and what it is answered.

use super::{
    AccountRecord, BlockRecord, ConversationRecord, CursorRecord, DeviceRecord, EmailRecord, Expired, ExpiryRequest,
    MemberRecord, MembershipRecord, OwnedDevices, PresenceRecord, Target, TargetRequest, WalkRequest, Walked,
};
use crate::account::Email;
use crate::ids::{Conversation, DeviceId, MessageId, MessageName, Seq, Timestamp, UserId};
use bytes::Bytes;

/// Something that the core wants to know from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A conversation with its members, marks and head.
    Conversation(Conversation),
    /// A user with their devices and memberships.
    User(UserId),
    /// A user's account alone.
    Account(UserId),
    /// Whom an address belongs to.
    Email(Email),
    /// A part of a log.
    Page(PageRequest),
    /// Who wrote the messages (USER entries) among the last `entries_max` entries up to a seq, as far as they are kept.
    Authors {
        /// Where to look.
        conversation: Conversation,
        /// The last entry to look at.
        up_to: Seq,
        /// How many entries to look at, at most.
        entries_max: usize,
    },
    /// Which of these users have no account.
    MissingUsers(Vec<UserId>),
    /// How these users, of one partition, are seen by a watcher.
    Presence {
        /// Who.
        users: Vec<UserId>,
        /// By whom.
        watcher: UserId,
    },
    /// Whether a user exists, and has blocked another.
    Acquaintance {
        /// Who.
        user: UserId,
        /// Whom.
        peer: UserId,
    },
    /// Which devices these users have.
    Devices(Vec<UserId>),
    /// The entry of a name with `after < seq <= up_to`.
    FindName {
        /// Where to look.
        conversation: Conversation,
        /// Search above this seq.
        after: Seq,
        /// Search up to this seq.
        up_to: Seq,
        /// What to look for.
        name: MessageName,
    },
    /// An entry that something is to be done to.
    Target(Box<TargetRequest>),
    /// What retention may take away.
    Expired(Box<ExpiryRequest>),
    /// A part of a slot's conversations.
    Walk(WalkRequest),
}

/// A part of a log: up to `entries_max` entries and about `bytes_max` bytes (one entry at least).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Whose log.
    pub conversation: Conversation,
    /// From where, and in which direction.
    pub position: PagePosition,
    /// No entry above this seq is returned.
    pub up_to: Seq,
    /// Most entries.
    pub entries_max: usize,
    /// The page ends before the entry that would exceed it, unless that entry is the only one.
    pub bytes_max: usize,
    /// Also tell the ordinal of the entry at this seq (0 gives 0).
    pub ordinal_at: Option<Seq>,
    /// Show entries in their newest form, with their reactions.
    pub overlay: bool,
}

/// Where a page lies. Entries are returned in ascending order either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagePosition {
    /// The entries nearest above this seq.
    After(Seq),
    /// The entries nearest below this seq.
    Before(Seq),
}

/// A part of a log: the entries `after + 1 ..= last`; empty when `after == last`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Page {
    /// The seq before the first entry.
    pub after: Seq,
    /// The seq of the last entry.
    pub last: Seq,
    /// The entries as `crate::entry` encodes them, one after the other.
    pub entries: Bytes,
    /// The answer to [`PageRequest::ordinal_at`].
    pub ordinal: Option<u64>,
}

/// A conversation as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConversation {
    /// The record.
    pub record: ConversationRecord,
    /// Past and present members.
    pub members: Vec<(UserId, MemberRecord)>,
    /// Marks of all devices.
    pub cursors: Vec<(UserId, DeviceId, CursorRecord)>,
    /// Seq of the last entry; 0 when there is none.
    pub head: Seq,
    /// Ordinal of the last entry.
    pub head_ordinal: u64,
}

/// A user as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUser {
    /// The account.
    pub account: AccountRecord,
    /// Devices and tombstones, by id.
    pub devices: Vec<(DeviceId, DeviceRecord)>,
    /// Open and ended memberships, by conversation key.
    pub memberships: Vec<(Conversation, MembershipRecord)>,
    /// How the user is seen.
    pub presence: PresenceRecord,
    /// Whom the user has blocked, by id.
    pub blocked: Vec<(UserId, BlockRecord)>,
}

impl StoredUser {
    /// A user who has nothing but an account.
    #[must_use]
    pub fn new(account: AccountRecord) -> StoredUser {
        StoredUser {
            account,
            devices: Vec::new(),
            memberships: Vec::new(),
            presence: PresenceRecord::default(),
            blocked: Vec::new(),
        }
    }
}

/// How a user is seen, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPresence {
    /// Who.
    pub user: UserId,
    /// Empty when nothing is stored.
    pub record: PresenceRecord,
    /// Whether they have blocked whoever asks.
    pub blocks: bool,
}

/// An entry found by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundEntry {
    /// Where it stands.
    pub seq: Seq,
    /// Its id.
    pub message_id: MessageId,
    /// When it was decided.
    pub time: Timestamp,
}

/// The answer to a [`Read`], of the same shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadResult {
    /// To [`Read::Conversation`]; `None` when there is no such conversation.
    Conversation(Option<Box<StoredConversation>>),
    /// To [`Read::User`]; `None` when there is no such account.
    User(Option<Box<StoredUser>>),
    /// To [`Read::Account`]; `None` when there is no such account.
    Account(Option<AccountRecord>),
    /// To [`Read::Email`]; `None` when it belongs to nobody. A record of another address has the same hash.
    Email(Option<EmailRecord>),
    /// To [`Read::Page`].
    Page(Page),
    /// To [`Read::Authors`]: ascending.
    Authors(Vec<(Seq, UserId)>),
    /// To [`Read::MissingUsers`].
    MissingUsers(Vec<UserId>),
    /// To [`Read::Presence`].
    Presence(Vec<StoredPresence>),
    /// To [`Read::Acquaintance`].
    Acquaintance {
        /// There is such an account.
        exists: bool,
        /// It has blocked the other.
        blocks: bool,
    },
    /// To [`Read::Devices`]: one for each who was asked about, in that order.
    Devices(Vec<OwnedDevices>),
    /// To [`Read::FindName`].
    FindName {
        /// The entry, if it is there.
        found: Option<FoundEntry>,
        /// Time of the first entry above `after`, if there is one.
        oldest: Option<Timestamp>,
    },
    /// To [`Read::Target`]; `None` when there is no such entry.
    Target(Option<Box<Target>>),
    /// To [`Read::Expired`].
    Expired(Box<Expired>),
    /// To [`Read::Walk`], in the store's order; fewer than asked for at the slot's end.
    Walk(Vec<Walked>),
}
