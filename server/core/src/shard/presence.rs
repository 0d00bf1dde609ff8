//! A user's own side of presence: activity of sessions, timeouts and the grace period, the status, and what of it is
//! written when.
//!
//! Each user who is online stands once in a list ordered by the time of the next look, so a tick looks at those whose
//! time has come and at nobody else. `last_active` is written when a user goes and every ten minutes while they stay,
//! gathered for some seconds; after a crash it may be that old, after an orderly stop it is exact.

use super::Shard;
use crate::ids::{Timestamp, UserId};
use crate::presence::UserPresence;
use crate::records::Write;
use crate::request::{Caller, Refusal, Reply, SessionId, StatusChange};
use crate::sessions::{Session, User};

/// Users looked at by one tick, and written by one flush.
const LOOKS_PER_TICK: usize = 1_024;
/// What is to be written is gathered for so long, so that an idle server syncs seldom.
const FLUSH_MS: u64 = 5_000;

impl Shard {
    /// Any frame of a session is a sign of life.
    pub(super) fn note_activity(&mut self, id: SessionId) {
        let (now, timeout_ms) = (self.now, self.settings.presence_timeout_ms);
        let Some(session) = self.sessions.get(id) else { return };
        if session.wakes(now, timeout_ms) {
            let user = session.user;
            self.judge_presence(user);
        }
    }

    /// A session of a known user has begun.
    pub(super) fn presence_opened(&mut self, id: SessionId) {
        let now = self.now;
        let Some(session) = self.sessions.get(id) else { return };
        session.active = now;
        let user = session.user;
        self.judge_presence(user);
    }

    /// A session is gone: its last activity stays that of its user, also when the clock was set back since.
    pub(super) fn keep_activity(&mut self, session: &Session) {
        if let Some(User::Ready(user)) = self.users.get_mut(&session.user) {
            let record = &mut user.activity.record;
            record.last_active = record.last_active.max(session.active);
        }
    }

    /// A session has ended, and is no more among its user's.
    pub(super) fn presence_closed(&mut self, session: &Session) {
        let now = self.now;
        if let Some(User::Ready(user)) = self.users.get_mut(&session.user) {
            user.activity.session_ended(session.active, now, &self.settings);
            self.judge_presence(session.user);
        }
    }

    /// When any open session of a known user was last active.
    fn latest_activity(&mut self, id: UserId) -> Option<Timestamp> {
        let Some(User::Ready(user)) = self.users.get(&id) else { return None };
        user.sessions().filter_map(|session| Some(self.sessions.get(session)?.active)).max()
    }

    /// Decides anew whether a user is online, and when to look again.
    fn judge_presence(&mut self, id: UserId) {
        let latest = self.latest_activity(id);
        let Some(User::Ready(user)) = self.users.get_mut(&id) else { return };
        let activity = &mut user.activity;
        let verdict = activity.judge(latest, self.now, &self.settings);
        if activity.due != verdict.due {
            self.presence_due.remove(&(activity.due, id));
            if verdict.due != Timestamp(0) {
                self.presence_due.insert((verdict.due, id));
            }
            activity.due = verdict.due;
        }
        if verdict.write && !activity.unwritten {
            activity.unwritten = true;
            self.presence_unwritten.push_back(id);
        }
        if verdict.changed {
            self.presence_changed(id, false);
        }
    }

    /// How a user is seen by those who may.
    pub(super) fn presence_now(&mut self, id: UserId) -> UserPresence {
        let latest = self.latest_activity(id);
        if let Some(User::Ready(user)) = self.users.get(&id) {
            let mut shown = UserPresence::shown(id, user.activity.online, &user.activity.record);
            if !user.activity.record.invisible {
                shown.last_active = shown.last_active.max(latest.unwrap_or_default());
            }
            return shown;
        }
        let watched = self.watched.get(&id).filter(|watched| watched.known);
        watched.map_or_else(|| UserPresence::hidden(id), |watched| UserPresence::shown(id, false, &watched.record))
    }

    pub(super) fn set_status(&mut self, caller: Caller, change: StatusChange) {
        if self.storage_full {
            return self.refuse(caller, Refusal::StorageFull);
        }
        let Some(User::Ready(user)) = self.users.get_mut(&caller.user) else { return };
        let record = &mut user.activity.record;
        record.invisible = change.invisible.unwrap_or(record.invisible);
        if let Some(status) = change.status {
            record.status = status;
        }
        self.write_presence(caller.user);
        self.presence_changed(caller.user, true);
        self.reply_gated(self.slots.partition_of_user(caller.user), caller.reply_to, Reply::Done);
    }

    /// Writes what is known of a user now.
    fn write_presence(&mut self, id: UserId) {
        let latest = self.latest_activity(id).unwrap_or_default();
        let Some(User::Ready(user)) = self.users.get_mut(&id) else { return };
        let activity = &mut user.activity;
        activity.record.last_active = activity.record.last_active.max(latest);
        activity.written = activity.record.last_active;
        activity.unwritten = false;
        let record = activity.record.clone();
        self.write(self.slots.partition_of_user(id), Write::PutPresence(id, record));
    }

    // ---- Time ----

    pub(super) fn tick_presence(&mut self) {
        for _ in 0..LOOKS_PER_TICK {
            let Some(&(due, id)) = self.presence_due.first().filter(|(due, _)| *due <= self.now) else { break };
            self.presence_due.remove(&(due, id));
            if let Some(User::Ready(user)) = self.users.get_mut(&id) {
                user.activity.due = Timestamp(0);
                self.judge_presence(id);
            }
        }
        self.push_presences();
        if self.now >= self.presence_flushed.plus_ms(FLUSH_MS) && !self.storage_full {
            self.flush_presence();
        }
    }

    fn flush_presence(&mut self) {
        for _ in 0..LOOKS_PER_TICK {
            let Some(id) = self.presence_unwritten.pop_front() else { break };
            let Some(User::Ready(user)) = self.users.get(&id) else { continue };
            // It may have been written with a status meanwhile.
            if user.activity.unwritten {
                self.write_presence(id);
                self.judge_presence(id);
            }
        }
        if self.presence_unwritten.is_empty() {
            self.presence_flushed = self.now;
        }
    }

    /// The process is about to stop: what is known only here is written.
    pub(super) fn handle_stopping(&mut self) {
        let known = self.users.iter().filter_map(|(id, user)| match user {
            User::Ready(user) if user.activity.online || user.activity.unwritten => Some(*id),
            _ => None,
        });
        let mut known: Vec<UserId> = known.collect();
        // The map's order differs from run to run; what the machine does must not.
        known.sort_unstable();
        known.into_iter().for_each(|id| self.write_presence(id));
    }
}
