//! What edits, reactions, revocations and retention keep, write and read.
//!
//! An edit or a reaction never changes the entry that it is about: what `History` shows besides the entry is an overlay
//! of rows of its own. Only what takes bodies away (a revocation, retention) rewrites blocks.

use super::Block;
use crate::entry::EntryHeader;
use crate::ids::{Conversation, Seq, Slot, Timestamp, UserId};
use bytes::Bytes;

/// Most edits of one message.
pub const EDITS_MAX: usize = 100;
/// Most different emojis of one user at one message.
pub const REACTIONS_PER_USER_MAX: usize = 8;
/// Most different emojis at one message.
pub const REACTION_KINDS_MAX: usize = 100;
/// Users that a reaction's count names.
pub const REACTION_USERS_SHOWN: usize = 3;
/// Kinds of reactions that `History` shows.
pub const REACTION_KINDS_SHOWN: usize = 20;

/// How long a conversation keeps the bodies of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// For ever.
    Forever,
    /// For so many seconds after they were decided.
    Ttl {
        /// How many.
        seconds: u32,
    },
    /// Until every device of every member holds them.
    UntilDelivered,
}

/// What log operations and retention have changed about a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryRecord {
    /// What its members chose; `None`: the server's default.
    pub retention: Option<Retention>,
    /// USER entries up to the floor.
    pub floor_ordinal: u64,
    /// Blocks up to here are removed; those between here and the floor have no bodies any more.
    pub dropped: Seq,
    /// Whether any entry was ever edited or reacted to. While it is not, pages look for no overlay.
    pub overlaid: bool,
}

/// The newest form of an edited entry.
#[derive(Clone, PartialEq, Eq)]
pub struct EditRecord {
    /// The entries that record its edits, ascending; never empty, at most [`EDITS_MAX`].
    pub seqs: Vec<Seq>,
    /// When the last one was decided.
    pub time: Timestamp,
    /// The body now.
    pub body: Bytes,
    /// Its media type.
    pub content_type: String,
}

// Bodies are nobody's business but their readers'.
impl std::fmt::Debug for EditRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("EditRecord");
        shown.field("seqs", &self.seqs).field("time", &self.time).field("body_bytes", &self.body.len()).finish()
    }
}

/// How many people reacted to an entry with an emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReactionCount {
    /// With which.
    pub emoji: String,
    /// How many; never 0.
    pub count: u32,
    /// Some of them, by ascending id; at most [`REACTION_USERS_SHOWN`].
    pub users: Vec<UserId>,
}

impl ReactionCount {
    /// Counts one more user, who is not among those counted.
    pub fn add(counts: &mut Vec<ReactionCount>, emoji: &str, user: UserId) {
        let at = counts.iter().position(|count| count.emoji == emoji).unwrap_or_else(|| {
            counts.push(ReactionCount { emoji: emoji.to_owned(), count: 0, users: Vec::new() });
            counts.len() - 1
        });
        let count = &mut counts[at];
        count.count += 1;
        count.users.push(user);
        count.users.sort_unstable();
        count.users.truncate(REACTION_USERS_SHOWN);
    }

    /// Counts a user no longer; `others` are the first of those who remain.
    pub fn remove(counts: &mut Vec<ReactionCount>, emoji: &str, user: UserId, others: &[UserId]) {
        let Some(at) = counts.iter().position(|count| count.emoji == emoji) else { return };
        let count = &mut counts[at];
        count.count = count.count.saturating_sub(1);
        if count.users.contains(&user) {
            count.users = others.iter().copied().take(REACTION_USERS_SHOWN).collect();
        }
        if count.count == 0 {
            counts.remove(at);
        }
    }
}

/// Asks for an entry that something is to be done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRequest {
    /// In which log.
    pub conversation: Conversation,
    /// Which entry.
    pub seq: Seq,
    /// To do what.
    pub purpose: Purpose,
}

/// What is to be done to an entry, which decides what must be known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Give it a new body.
    Edit,
    /// React to it.
    React(UserId),
    /// Take a reaction back.
    TakeBack(UserId, String),
    /// Take it back: all blocks that hold its body or one of its edits'.
    Revoke,
}

/// An entry that something is to be done to. Parts that its purpose does not need are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its header.
    pub header: EntryHeader,
    /// What it is.
    pub kind: crate::entry::EntryKind,
    /// The entries that record its edits, ascending.
    pub edits: Vec<Seq>,
    /// With what the user has reacted.
    pub own: Vec<String>,
    /// With what everybody has, in the order in which the emojis came.
    pub counts: Vec<ReactionCount>,
    /// The first of the other users with the emoji that is taken back.
    pub others: Vec<UserId>,
    /// The blocks that hold the entry and its edits, ascending, each once.
    pub blocks: Vec<Block>,
}

/// Asks what retention may take away from a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryRequest {
    /// Whose log.
    pub conversation: Conversation,
    /// Blocks up to here are removed.
    pub dropped: Seq,
    /// Bodies up to here are gone.
    pub floor: Seq,
    /// An entry expires up to this seq ...
    pub up_to: Seq,
    /// ... when it was decided before this time.
    pub before: Timestamp,
    /// The header of an expired entry is not needed any more when it was decided before this time.
    pub headers_before: Timestamp,
    /// Seq of the newest entry, whose block is never removed.
    pub head: Seq,
    /// Most blocks whose bodies are taken away.
    pub blocks_max: usize,
    /// Most bytes of them (one block at least).
    pub bytes_max: usize,
    /// Most blocks to look at for removal.
    pub removed_max: usize,
}

/// What retention may take away: whole blocks only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Blocks up to here may be removed: seq and ordinal of the last entry of the last one. `None`: there are none.
    pub removable: Option<(Seq, u64)>,
    /// The blocks that follow those and the floor, whose bodies are to go, ascending.
    pub blocks: Vec<Block>,
    /// There may be more.
    pub more: bool,
}

/// Asks for a part of a slot's conversations, for the walk over those that are not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkRequest {
    /// Which slot.
    pub slot: Slot,
    /// Conversations after this one, in the store's order; `None`: from the first.
    pub after: Option<Conversation>,
    /// Most conversations.
    pub limit: usize,
}

/// A conversation that a walk came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walked {
    /// Which.
    pub conversation: Conversation,
    /// What its members chose; `None`: the server's default.
    pub retention: Option<Retention>,
    /// When its first entry that is stored was decided; `None`: there is none.
    pub oldest: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_the_first_users_and_forget_what_is_taken_back() {
        let mut counts = Vec::new();
        for user in [9, 3, 7, 1] {
            ReactionCount::add(&mut counts, "+", UserId(user));
        }
        ReactionCount::add(&mut counts, "-", UserId(5));
        let users = |users: &[u64]| users.iter().map(|&user| UserId(user)).collect::<Vec<_>>();
        assert_eq!((counts[0].count, counts[0].users.clone()), (4, users(&[1, 3, 7])));
        ReactionCount::remove(&mut counts, "+", UserId(3), &users(&[1, 7, 9]));
        assert_eq!((counts[0].count, counts[0].users.clone()), (3, users(&[1, 7, 9])));
        ReactionCount::remove(&mut counts, "-", UserId(5), &[]);
        assert_eq!(counts.len(), 1);
    }

    #[test]
    fn bodies_are_not_shown() {
        let body = Bytes::from_static(b"secret");
        let edit = EditRecord { seqs: vec![Seq(2)], time: Timestamp(1), body, content_type: String::new() };
        assert!(!format!("{edit:?}").contains("115"), "bytes of the body");
        assert!(!format!("{edit:?}").contains("secret"));
    }
}
