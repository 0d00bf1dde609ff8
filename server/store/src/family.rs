//! The column families: which there are, and what they are called.
//!
//! A family exists only when something is written to it. Names and order are part of the format on disk.

use std::fmt;

/// One kind of stored row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Blocks of entries, by conversation and first seq.
    Entries,
    /// Conversations.
    Conversations,
    /// Members of conversations.
    Members,
    /// Devices' marks in conversations.
    Cursors,
    /// Users' sides of memberships.
    Memberships,
    /// Accounts.
    Accounts,
    /// How users are seen.
    Presence,
    /// Whom users have blocked.
    Blocks,
    /// Facts that other partitions must learn.
    Outbox,
    /// Newest forms of edited entries, by conversation and seq.
    Edits,
    /// Reactions by conversation, seq and user; under user 0 what all of them come to.
    Reactions,
    /// What the store knows of itself: format, node id, slot table, partitions, last run.
    Meta,
    /// Whose an e-mail address is.
    Emails,
    /// Users' devices.
    Devices,
}

impl Family {
    /// How many there are.
    pub const COUNT: usize = 14;

    /// All of them, by [`Family::index`].
    pub const ALL: [Family; Family::COUNT] = [
        Family::Entries,
        Family::Conversations,
        Family::Members,
        Family::Cursors,
        Family::Memberships,
        Family::Accounts,
        Family::Presence,
        Family::Blocks,
        Family::Outbox,
        Family::Edits,
        Family::Reactions,
        Family::Meta,
        Family::Emails,
        Family::Devices,
    ];

    /// Its name on disk.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::Entries => "entries",
            Family::Conversations => "conversations",
            Family::Members => "members",
            Family::Cursors => "cursors",
            Family::Memberships => "memberships",
            Family::Accounts => "accounts",
            Family::Presence => "presence",
            Family::Blocks => "blocks",
            Family::Outbox => "outbox",
            Family::Edits => "edits",
            Family::Reactions => "reactions",
            Family::Meta => "meta",
            Family::Emails => "emails",
            Family::Devices => "devices",
        }
    }

    /// Its place in [`Family::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
