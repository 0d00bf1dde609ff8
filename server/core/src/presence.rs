//! Presence: who is there, since when not, and what they say of themselves.
//!
//! A user's home knows the user's sessions and so decides; what is kept here is plain state, and what happens to it is
//! in `shard/presence.rs` (the user's side), `shard/watchers.rs` (who is told) and `shard/watching.rs` (who asks).

use crate::ids::{ShardId, Timestamp, UserId};
use crate::records::PresenceRecord;
use crate::settings::Settings;

/// While a user is online, the time of the last activity is written this seldom, in milliseconds.
const REWRITE_MS: u64 = 600_000;

/// One user as another one sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPresence {
    /// Who.
    pub user: UserId,
    /// Whether a device was active a short while ago.
    pub online: bool,
    /// When a device was last active; 0: not known, or hidden.
    pub last_active: Timestamp,
    /// What the user says of themselves.
    pub status: Box<str>,
}

impl UserPresence {
    /// A user of whom nothing is shown: unknown, invisible or blocked, which are not told apart.
    #[must_use]
    pub fn hidden(user: UserId) -> UserPresence {
        UserPresence { user, online: false, last_active: Timestamp(0), status: Box::default() }
    }

    /// What a watcher must be told when it changes. While a user is online, the time of the activity is not.
    pub(crate) fn whereabouts(&self) -> Whereabouts {
        if self.online { Whereabouts::Online } else { Whereabouts::AwaySince(self.last_active) }
    }

    /// A user as the record and the home say.
    pub(crate) fn shown(user: UserId, online: bool, record: &PresenceRecord) -> UserPresence {
        if record.invisible {
            return UserPresence::hidden(user);
        }
        UserPresence { user, online, last_active: record.last_active, status: record.status.clone() }
    }
}

// ---- The user ----

/// What a home knows of a user's activity, beside that of each session.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// As it would be written; `last_active` lags behind that of open sessions.
    pub(crate) record: PresenceRecord,
    pub(crate) online: bool,
    /// Stands in the shard's list of those to be written.
    pub(crate) unwritten: bool,
    /// Online until then, whatever the sessions say: the last one ended a moment ago.
    pub(crate) lingering_until: Timestamp,
    /// When the shard looks again; 0: it need not.
    pub(crate) due: Timestamp,
    /// `last_active` as the store has it.
    pub(crate) written: Timestamp,
}

/// What a look at a user's activity says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The user came or went.
    pub(crate) changed: bool,
    /// The record is to be written.
    pub(crate) write: bool,
    /// When to look again; 0: only after something happens.
    pub(crate) due: Timestamp,
}

impl Activity {
    pub(crate) fn from_stored(record: PresenceRecord) -> Activity {
        Activity { written: record.last_active, record, ..Activity::default() }
    }

    /// A session has ended that was last active at a time.
    pub(crate) fn session_ended(&mut self, active: Timestamp, now: Timestamp, settings: &Settings) {
        self.record.last_active = self.record.last_active.max(active);
        if self.online {
            self.lingering_until = now.plus_ms(settings.presence_grace_ms);
        }
    }

    /// Decides anew, given the latest activity of all open sessions.
    pub(crate) fn judge(&mut self, latest: Option<Timestamp>, now: Timestamp, settings: &Settings) -> Verdict {
        self.record.last_active = self.record.last_active.max(latest.unwrap_or_default());
        let until = latest.map_or(Timestamp(0), |latest| latest.plus_ms(settings.presence_timeout_ms));
        let until = until.max(self.lingering_until);
        let online = now < until;
        let changed = std::mem::replace(&mut self.online, online) != online;
        if !online {
            return Verdict { changed, write: self.record.last_active > self.written, due: Timestamp(0) };
        }
        let rewrite = self.written.plus_ms(REWRITE_MS);
        let look = if rewrite > now { rewrite } else { now.plus_ms(REWRITE_MS) };
        Verdict { changed, write: self.record.last_active >= rewrite, due: until.min(look) }
    }
}

// ---- Those who watch ----

/// A user whom somebody watches, at the user's home. Outlives what is in memory of the user otherwise.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    /// As it was when the user last came, went or said something.
    pub(crate) record: PresenceRecord,
    /// Whether `record` says anything.
    pub(crate) known: bool,
    /// What watchers were last told; `None` before the first answer.
    pub(crate) shown: Option<Whereabouts>,
    /// Tell them again even if that is still so.
    pub(crate) restate: bool,
    /// When they are told next; 0: nothing is to be told.
    pub(crate) push_due: Timestamp,
    /// When they were last told.
    pub(crate) pushed: Timestamp,
    /// By user id.
    pub(crate) watchers: Vec<Watcher>,
}

/// Where a user is, as far as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    Online,
    /// 0: not known, or hidden.
    AwaySince(Timestamp),
}

/// A user who watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watcher {
    pub(crate) user: UserId,
    /// Where their sessions are.
    pub(crate) shard: ShardId,
    pub(crate) view: View,
}

/// What a watcher may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The store has not said: nothing.
    Unknown,
    /// They are blocked: nothing.
    Hidden,
    /// Everything.
    Open,
}

impl Watched {
    /// The relation with a watcher, made if need be.
    pub(crate) fn watcher(&mut self, user: UserId, shard: ShardId) -> &mut Watcher {
        let at = match self.watchers.binary_search_by_key(&user, |watcher| watcher.user) {
            Ok(at) => at,
            Err(at) => {
                if self.watchers.is_empty() {
                    self.watchers.reserve_exact(1);
                }
                self.watchers.insert(at, Watcher { user, shard, view: View::Unknown });
                at
            }
        };
        &mut self.watchers[at]
    }

    pub(crate) fn find(&mut self, user: UserId) -> Option<&mut Watcher> {
        let at = self.watchers.binary_search_by_key(&user, |watcher| watcher.user).ok()?;
        Some(&mut self.watchers[at])
    }

    /// Ends the relation with a watcher. True when there are no others.
    pub(crate) fn remove(&mut self, user: UserId) -> bool {
        if let Ok(at) = self.watchers.binary_search_by_key(&user, |watcher| watcher.user) {
            self.watchers.remove(at);
        }
        self.watchers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn a_user_is_online_until_the_timeout_of_the_latest_session() {
        let settings = Settings { presence_timeout_ms: 60_000, ..Settings::default() };
        let mut activity = Activity { written: at(10_000), ..Activity::default() };
        let come = activity.judge(Some(at(10_000)), at(10_000), &settings);
        assert_eq!(come, Verdict { changed: true, write: false, due: at(10_060) });
        let still = activity.judge(Some(at(10_030)), at(10_060), &settings);
        assert_eq!(still, Verdict { changed: false, write: false, due: at(10_090) });
        let gone = activity.judge(Some(at(10_030)), at(10_090), &settings);
        assert_eq!(gone, Verdict { changed: true, write: true, due: at(0) });
        assert_eq!(activity.record.last_active, at(10_030));
    }

    #[test]
    fn whoever_was_online_lingers_for_the_grace_period() {
        let settings = Settings::default();
        let mut activity = Activity::default();
        activity.judge(Some(at(10_000)), at(10_000), &settings);
        activity.session_ended(at(10_005), at(10_007), &settings);
        assert_eq!(activity.judge(None, at(10_007), &settings).due, at(10_017));
        assert!(activity.online);
        assert!(activity.judge(None, at(10_017), &settings).changed);
        // Who was away already does not come back by closing.
        activity.session_ended(at(10_005), at(10_020), &settings);
        assert!(!activity.judge(None, at(10_020), &settings).changed);
    }

    #[test]
    fn long_stays_are_written_now_and_then() {
        let settings = Settings { presence_timeout_ms: 86_400_000, ..Settings::default() };
        let mut activity = Activity { written: at(10_000), ..Activity::default() };
        let verdict = activity.judge(Some(at(10_000)), at(10_000), &settings);
        assert_eq!((verdict.write, verdict.due), (false, at(10_600)));
        // Nothing was heard since: nothing to write, and the next look is not at once.
        let verdict = activity.judge(Some(at(10_000)), at(10_600), &settings);
        assert_eq!((verdict.write, verdict.due), (false, at(11_200)));
        assert!(activity.judge(Some(at(10_900)), at(11_200), &settings).write);
    }

    #[test]
    fn a_relation_is_small() {
        assert_eq!(size_of::<Watcher>(), 16);
        assert!(size_of::<Watched>() <= 96, "{}", size_of::<Watched>());
        assert!(size_of::<Activity>() <= 64, "{}", size_of::<Activity>());
    }
}
