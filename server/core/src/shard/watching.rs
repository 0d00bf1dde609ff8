//! Presence at the shard of the sessions that watch: who watches whom, questions under way, and pushes.
//!
//! The home of whoever is watched hears of a watcher once, whatever the number of sessions; pushes are spread here.

use super::Shard;
use crate::ids::{PartitionId, UserId};
use crate::machine::Effect;
use crate::message::{Message, PresencePush, SessionMessage, UsersMessage, WatchAnswer, WatchAsk};
use crate::presence::UserPresence;
use crate::request::{Caller, Refusal, Reply, ReplyTo, SessionId};
use crate::sessions::{Session, User};
use crate::watches::{WatchRun, Watching};
use std::collections::BTreeMap;

impl Shard {
    pub(super) fn watch_users(&mut self, caller: Caller, mut users: Vec<UserId>) {
        users.sort_unstable();
        users.dedup();
        let id = caller.reply_to.session;
        let Some(session) = self.sessions.get(id) else { return };
        let watching = session.watching.get_or_insert_default();
        let got = watching.targets.len() + users.iter().filter(|user| !watching.watches(**user)).count();
        let limit = self.settings.watched_users_max;
        if got > limit {
            let (limit, got) = (limit as u64, got as u64);
            let refusal = Refusal::Limit { field: "users", setting: "limits.watched_users_max", limit, got };
            return self.refuse(caller, refusal);
        }
        for &user in &users {
            if watching.add(user) {
                self.watches.add(user, id.index);
            }
            if let Some(User::Ready(own)) = self.users.get(&caller.user)
                && own.blocked.contains(&user)
            {
                watching.hide(user);
            }
        }
        self.ask_presence(id, caller.reply_to.request_id, users);
    }

    /// Asks the homes of users, and answers (or, without a request, pushes) when all have said how they are.
    fn ask_presence(&mut self, id: SessionId, request_id: u64, users: Vec<UserId>) {
        if users.is_empty() {
            return;
        }
        if self.watching(id).is_some_and(|watching| watching.add_run(request_id, users)) {
            self.ask_homes(id);
        }
    }

    /// Asks the homes of the users of a session's first question, if there is one.
    fn ask_homes(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        let (watcher, shard) = (session.user, self.id);
        let Some(run) = session.watching.as_mut().and_then(|watching| watching.begin_run()) else { return };
        let mut by_partition: BTreeMap<PartitionId, Vec<UserId>> = BTreeMap::new();
        for &user in &run.asked {
            by_partition.entry(self.slots.partition_of_user(user)).or_default().push(user);
        }
        run.waiting = by_partition.len().max(1);
        let run = run.number;
        if by_partition.is_empty() {
            // Nobody is left to be asked about.
            let answer = WatchAnswer { session: id, run, users: Some(Vec::new()) };
            return self.send(shard, Message::ToSession(SessionMessage::Watched(Box::new(answer))));
        }
        for (partition, users) in by_partition {
            let ask = Box::new(WatchAsk { partition, watcher, shard, session: id, run, users });
            self.send(self.slots.shard_of(partition), Message::ToUsers(UsersMessage::Watch(ask)));
        }
    }

    /// One home's part of an answer.
    pub(super) fn handle_watched(&mut self, answer: WatchAnswer) {
        let WatchAnswer { session: id, run, users } = answer;
        if let Some(run) = self.watching(id).and_then(|watching| watching.answered(run, users)) {
            self.answer_run(id, run);
            self.ask_homes(id);
        }
    }

    /// All homes have answered.
    fn answer_run(&mut self, id: SessionId, mut run: WatchRun) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(watching) = &session.watching else { return };
        if let Some(User::Ready(own)) = self.users.get(&session.user) {
            // Also of those whom the session watches no more.
            for presence in run.users.values_mut().filter(|presence| own.blocked.contains(&presence.user)) {
                *presence = UserPresence::hidden(presence.user);
            }
        }
        if run.request_id == 0 {
            run.users.retain(|user, _| watching.watches(*user));
        }
        let (users, lagging) = (run.users.into_values().collect(), session.lagging);
        if run.failed {
            // Asked for again at once it could fail as often: with the next chance. What was told of them meanwhile was
            // not passed on.
            self.mark_stale(id, lagging);
        }
        let to = ReplyTo { shard: self.id, session: id, request_id: run.request_id };
        match (run.failed, run.request_id) {
            (false, 0) => self.push_presence_to(vec![id], users),
            (true, 0) => {}
            (false, _) => self.reply_here(to, Reply::Presence(users)),
            (true, _) => self.reply_here(to, Reply::Refused(Refusal::ReadFailed)),
        }
    }

    pub(super) fn unwatch_users(&mut self, caller: Caller, users: Option<Vec<UserId>>) {
        let id = caller.reply_to.session;
        if let Some(watching) = self.sessions.get(id).and_then(|session| session.watching.as_mut()) {
            let asked = users.unwrap_or_else(|| watching.targets.clone());
            let gone: Vec<UserId> = asked.into_iter().filter(|user| watching.remove(*user)).collect();
            self.end_watches(caller.user, id.index, &gone);
        }
        self.reply_here(caller.reply_to, Reply::Done);
    }

    /// A session has ended.
    pub(super) fn watching_closed(&mut self, session: &Session) {
        if let Some(watching) = &session.watching {
            self.end_watches(session.user, session.id.index, &watching.targets);
        }
    }

    /// One session watches these no more: their homes hear of it when no other session of the user does.
    fn end_watches(&mut self, watcher: UserId, session: u32, gone: &[UserId]) {
        let mut by_partition: BTreeMap<PartitionId, Vec<UserId>> = BTreeMap::new();
        for &user in gone {
            self.watches.remove(user, session);
            if !self.is_watched_by(user, watcher) {
                by_partition.entry(self.slots.partition_of_user(user)).or_default().push(user);
            }
        }
        for (partition, users) in by_partition {
            self.send(self.slots.shard_of(partition), Message::ToUsers(UsersMessage::Unwatch(watcher, users)));
        }
    }

    /// Whether any open session of a user watches another.
    fn is_watched_by(&mut self, user: UserId, watcher: UserId) -> bool {
        let Some(User::Ready(ready)) = self.users.get(&watcher) else { return false };
        ready.sessions().any(|id| {
            let session = self.sessions.get(id);
            session.is_some_and(|session| session.watching.as_ref().is_some_and(|watching| watching.watches(user)))
        })
    }

    // ---- Pushes ----

    /// A user's presence has changed.
    pub(super) fn handle_presence(&mut self, push: PresencePush) {
        let PresencePush { presence, only, except } = push;
        let mut targets = Vec::new();
        for &index in self.watches.of(presence.user) {
            let session = self.sessions.at(index);
            let watching = session.watching.as_mut().expect("who is listed watches");
            let is_for = only.is_none_or(|only| only == session.user) && !except.contains(&session.user);
            if is_for && !watching.hides(presence.user) && !watching.awaits(presence.user) {
                watching.note(&presence);
                targets.push(session.id);
            }
        }
        self.push_presence_to(targets, vec![presence]);
    }

    /// Pushes to those sessions that have room; the others ask again once they have.
    fn push_presence_to(&mut self, targets: Vec<SessionId>, users: Vec<UserPresence>) {
        let start = self.out.targets.len();
        for id in targets {
            let Some(session) = self.sessions.get(id) else { continue };
            if session.lagging {
                self.mark_stale(id, true);
            } else {
                self.out.targets.push(id);
            }
        }
        let end = self.out.targets.len();
        if end > start {
            self.out.effects.push(Effect::PushPresence(users, start as u32..end as u32));
        }
    }

    fn mark_stale(&mut self, id: SessionId, lagging: bool) {
        if let Some(watching) = self.sessions.get(id).and_then(|session| session.watching.as_mut()) {
            watching.stale = true;
        }
        if !lagging {
            self.stale.push(id);
        }
    }

    /// The edge had no room for a push.
    pub(super) fn handle_presence_missed(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        session.lagging = true;
        self.mark_stale(id, true);
    }

    /// Asks again for everything that a session watches, if it has missed something.
    pub(super) fn refresh_presence(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        let Some(watching) = session.watching.as_mut().filter(|_| !session.lagging) else { return };
        if std::mem::take(&mut watching.stale) {
            let users = watching.targets.clone();
            self.ask_presence(id, 0, users);
        }
    }

    /// A tick: asks again where a home could not tell.
    pub(super) fn refresh_stale(&mut self) {
        for id in std::mem::take(&mut self.stale) {
            self.refresh_presence(id);
        }
    }

    // ---- Blocks ----

    /// A user has blocked another: the sessions of the user see no more of them.
    pub(super) fn hide_watched(&mut self, watcher: UserId, user: UserId) {
        let ids = self.watching_sessions(watcher, user);
        for &id in &ids {
            if let Some(watching) = self.watching(id) {
                watching.hide(user);
                watching.note(&UserPresence::hidden(user));
            }
        }
        self.push_presence_to(ids, vec![UserPresence::hidden(user)]);
    }

    /// A user has taken a block back: the sessions of the user see the other again.
    pub(super) fn show_watched(&mut self, watcher: UserId, user: UserId) {
        for id in self.watching_sessions(watcher, user) {
            if self.watching(id).is_some_and(|watching| watching.show(user)) {
                self.ask_presence(id, 0, vec![user]);
            }
        }
    }

    fn watching(&mut self, id: SessionId) -> Option<&mut Watching> {
        self.sessions.get(id)?.watching.as_deref_mut()
    }

    /// The sessions of one user that watch another.
    fn watching_sessions(&mut self, watcher: UserId, user: UserId) -> Vec<SessionId> {
        let Some(User::Ready(ready)) = self.users.get(&watcher) else { return Vec::new() };
        let sessions: Vec<SessionId> = ready.sessions().collect();
        sessions.into_iter().filter(|id| self.watching(*id).is_some_and(|watching| watching.watches(user))).collect()
    }
}
