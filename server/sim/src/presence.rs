//! What one client was told of the people whom it watches.
//!
//! Each word is checked when it comes: whoever is online was active at some time, and the time of the last activity
//! never falls while the server lives. Whether the last word is true is asked when the world is quiet.

use hubbub_codec::proto;
use hubbub_core::ids::UserId;
use hubbub_core::presence::UserPresence;
use std::collections::BTreeMap;

/// One user as a client sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Active a short while ago.
    pub online: bool,
    /// When last, in microseconds; 0: not told.
    pub last_active_us: i64,
    /// What they say of themselves.
    pub status: String,
}

impl Seen {
    /// Whether nothing is shown.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        *self == Seen::default()
    }
}

impl From<&UserPresence> for Seen {
    fn from(presence: &UserPresence) -> Seen {
        let UserPresence { online, last_active, status, .. } = presence;
        Seen { online: *online, last_active_us: last_active.0, status: status.to_string() }
    }
}

impl From<&proto::UserPresence> for Seen {
    fn from(presence: &proto::UserPresence) -> Seen {
        let proto::UserPresence { online, last_active_us, status, .. } = presence;
        Seen { online: *online, last_active_us: *last_active_us, status: status.clone() }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Told {
    seen: BTreeMap<UserId, Seen>,
    /// The latest activity of which it was told, and in which life of the server.
    active: BTreeMap<UserId, (u64, i64)>,
    /// How often it was told of each without having asked.
    pushes: BTreeMap<UserId, u64>,
}

impl Told {
    /// Takes a word in a life of the server.
    pub fn note(&mut self, life: u64, user: UserId, seen: Seen, pushed: bool) {
        assert!(!seen.online || seen.last_active_us > 0, "{user} is online, and was active at no time: {seen:?}");
        if seen.last_active_us > 0 {
            let (in_life, active) = self.active.insert(user, (life, seen.last_active_us)).unwrap_or_default();
            let falls = in_life == life && seen.last_active_us < active;
            assert!(!falls, "{user} was active at {active}, and then not after {seen:?}");
        }
        *self.pushes.entry(user).or_default() += u64::from(pushed);
        self.seen.insert(user, seen);
    }

    /// The last word about a user.
    #[must_use]
    pub fn of(&self, user: UserId) -> Option<&Seen> {
        self.seen.get(&user)
    }

    /// How often it was told of a user without having asked.
    #[must_use]
    pub fn pushes(&self, user: UserId) -> u64 {
        self.pushes.get(&user).copied().unwrap_or(0)
    }

    /// How often it was told of anybody without having asked.
    #[must_use]
    pub fn all_pushes(&self) -> u64 {
        self.pushes.values().sum()
    }

    /// The connection is gone: everything must be told anew.
    pub fn forget(&mut self) {
        self.seen.clear();
    }
}
