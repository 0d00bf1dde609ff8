//! When users were active, as the edge sees it: what presence must amount to.

use super::edge::Stage;
use super::{Connection, ConnectionId, Server};
use hubbub_core::ids::{Timestamp, UserId};

/// A user's presence, for whoever may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// A session was active within the timeout; `None` when the edge cannot tell.
    pub online: Option<bool>,
    /// When, at least and at most, the user was last active; 0 while it rises.
    pub last_active: (Timestamp, Timestamp),
    /// Shown to nobody.
    pub invisible: bool,
    /// As it is stored.
    pub status: Box<str>,
}

impl Server {
    /// Something was heard from an open session.
    pub(super) fn note_active(&mut self, id: ConnectionId) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.active = connection.active.max(now);
        let user = connection.user;
        let (least, most) = self.last_active(user);
        self.activity.insert(user, (least.max(now), most.max(now)));
    }

    /// A session may be about to open, or may just have done so.
    pub(super) fn note_opening(&mut self, id: ConnectionId) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.opened = connection.opened.max(now);
        let user = connection.user;
        let (least, most) = self.last_active(user);
        self.activity.insert(user, (least, most.max(now)));
    }

    pub(super) fn note_all_openings(&mut self) {
        let opening = self.connections.iter().filter(|(_, connection)| connection.stage == Stage::Opening);
        let opening: Vec<ConnectionId> = opening.map(|(id, _)| *id).collect();
        opening.into_iter().for_each(|id| self.note_opening(id));
    }

    /// When a user was last active, at least and at most.
    fn last_active(&self, user: UserId) -> (Timestamp, Timestamp) {
        // Of those who were not heard since the start, the store knows.
        let stored = || self.ledger.store.presence(user).last_active;
        self.activity.get(&user).copied().unwrap_or_else(|| (stored(), stored()))
    }

    /// How a user is, in truth.
    #[must_use]
    pub fn whereabouts(&self, user: UserId) -> Whereabouts {
        let timeout_ms = self.settings.presence_timeout_ms;
        let sessions = self.connections.values().filter(|connection| connection.user == user);
        let open: Vec<&Connection> = sessions.filter(|connection| connection.stage == Stage::Open).collect();
        let surely = open.iter().any(|connection| self.now < connection.active.plus_ms(timeout_ms));
        let perhaps = open.iter().any(|connection| self.now < connection.opened.plus_ms(timeout_ms));
        let stored = self.ledger.store.presence(user);
        Whereabouts {
            online: (surely == perhaps || surely).then_some(surely),
            last_active: if surely || perhaps { (Timestamp(0), Timestamp(0)) } else { self.last_active(user) },
            invisible: stored.invisible || !self.ledger.store.has_account(user),
            status: stored.status,
        }
    }

    /// How often the server has started.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.lives
    }

    /// Within so many milliseconds after everything that happens, watchers are told.
    #[must_use]
    pub fn presence_delay_ms(&self) -> u64 {
        self.settings.presence_grace_ms + self.settings.presence_interval_ms + 500
    }

    /// How often presence found no room between two shards.
    #[must_use]
    pub fn presences_lost(&self) -> u64 {
        self.presences_lost
    }

    /// For how many milliseconds no presence was lost between shards.
    #[must_use]
    pub fn presence_steady_ms(&self) -> u64 {
        (self.elapsed - self.presence_lost).as_millis() as u64
    }

    /// Watchers are told at most once in so many milliseconds.
    #[must_use]
    pub fn presence_interval_ms(&self) -> u64 {
        self.settings.presence_interval_ms
    }

    /// After so many milliseconds of silence nobody is online.
    #[must_use]
    pub fn presence_timeout_ms(&self) -> u64 {
        self.settings.presence_timeout_ms
    }

    /// A number that no other signal has.
    pub fn next_signal(&mut self) -> u64 {
        self.signals += 1;
        self.signals
    }

    /// Users somebody watches.
    #[must_use]
    pub fn watched_users(&self) -> usize {
        self.shards.iter().map(hubbub_core::Shard::watched_users).sum()
    }
}
