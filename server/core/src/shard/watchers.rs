//! Presence at the home of a user who is watched: who watches, what each may see, and when they are told.
//!
//! Changes are gathered: a user's watchers are told at most once in each interval, and the last state always arrives,
//! also when a lane was full. One message goes to each shard with watchers. What is told is durable.

use super::{PendingRead, Shard};
use crate::conversation::ShardSet;
use crate::ids::{ShardId, Timestamp, UserId};
use crate::message::{Message, PresencePush, SessionMessage, WatchAnswer, WatchAsk};
use crate::presence::{UserPresence, View, Watched};
use crate::records::{Read, StoredPresence};
use crate::sessions::User;

/// Users whose watchers are told in one tick.
const PUSHES_PER_TICK: usize = 1_024;

impl Shard {
    /// A user watches others of one partition: answers how they are now.
    pub(super) fn watch(&mut self, ask: Box<WatchAsk>) {
        let unknown: Vec<UserId> = ask.users.iter().copied().filter(|user| !self.begin_watch(*user, &ask)).collect();
        if unknown.is_empty() {
            return self.answer_watch(&ask);
        }
        let (partition, watcher) = (ask.partition, ask.watcher);
        self.read_gated(partition, PendingRead::Presence(ask), Read::Presence { users: unknown, watcher });
    }

    /// Makes the relation. False when the store must say how the user is, or whether the watcher is blocked.
    fn begin_watch(&mut self, user: UserId, ask: &WatchAsk) -> bool {
        let ready = match self.users.get(&user) {
            Some(User::Ready(ready)) => Some(ready),
            _ => None,
        };
        let watched = self.watched.entry(user).or_default();
        if let Some(ready) = ready {
            (watched.known, watched.record) = (true, ready.activity.record.clone());
            let view = if ready.blocked.contains(&ask.watcher) { View::Hidden } else { View::Open };
            watched.watcher(ask.watcher, ask.shard).view = view;
        }
        let known = watched.known;
        watched.watcher(ask.watcher, ask.shard).view != View::Unknown && known
    }

    /// What the store says of users who are watched; `None` when it could not be read.
    pub(super) fn presence_loaded(&mut self, ask: &WatchAsk, stored: Option<Vec<StoredPresence>>) {
        let Some(stored) = stored else { return self.send_watch_answer(ask, None) };
        for StoredPresence { user, record, blocks } in stored {
            let Some(watched) = self.watched.get_mut(&user) else { continue };
            if !watched.known {
                (watched.known, watched.record) = (true, record);
            }
            if let Some(watcher) = watched.find(ask.watcher)
                && watcher.view == View::Unknown
            {
                watcher.view = if blocks { View::Hidden } else { View::Open };
            }
        }
        self.answer_watch(ask);
    }

    fn answer_watch(&mut self, ask: &WatchAsk) {
        let users = ask.users.iter().map(|&user| {
            let view = self.watched.get_mut(&user).and_then(|watched| Some(watched.find(ask.watcher)?.view));
            if view == Some(View::Open) { self.presence_for_one(user) } else { UserPresence::hidden(user) }
        });
        let users = users.collect();
        self.send_watch_answer(ask, Some(users));
    }

    /// How a user is, for one watcher. If there are others who were not told so yet, all are, even if it does not last.
    fn presence_for_one(&mut self, id: UserId) -> UserPresence {
        let presence = self.presence_now(id);
        let Some(watched) = self.watched.get_mut(&id) else { return presence };
        match watched.shown {
            None => watched.shown = Some(presence.whereabouts()),
            Some(shown) if shown == presence.whereabouts() => {}
            Some(_) => self.presence_changed(id, true),
        }
        presence
    }

    fn send_watch_answer(&mut self, ask: &WatchAsk, users: Option<Vec<UserPresence>>) {
        let answer = WatchAnswer { session: ask.session, run: ask.run, users };
        let message = Message::ToSession(SessionMessage::Watched(Box::new(answer)));
        self.send_gated(ask.partition, ask.shard, message);
    }

    /// No session of a user watches these any more.
    pub(super) fn unwatch(&mut self, watcher: UserId, users: &[UserId]) {
        for user in users {
            let Some(watched) = self.watched.get_mut(user) else { continue };
            if watched.remove(watcher) {
                self.presence_pushes.remove(&(watched.push_due, *user));
                self.watched.remove(user);
            }
        }
    }

    // ---- Changes ----

    /// A user came or went, or (`restate`) is to be shown in another way.
    pub(super) fn presence_changed(&mut self, id: UserId, restate: bool) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        if let Some(User::Ready(user)) = self.users.get(&id) {
            (watched.known, watched.record) = (true, user.activity.record.clone());
        }
        watched.restate |= restate;
        self.queue_push(id);
    }

    fn queue_push(&mut self, id: UserId) {
        let Some(watched) = self.watched.get_mut(&id) else { return };
        if watched.push_due == Timestamp(0) {
            watched.push_due = watched.pushed.plus_ms(self.settings.presence_interval_ms).max(self.now);
            self.presence_pushes.insert((watched.push_due, id));
        }
    }

    /// Tells the watchers of users whose time has come.
    pub(super) fn push_presences(&mut self) {
        for _ in 0..PUSHES_PER_TICK {
            let Some(&(due, id)) = self.presence_pushes.first().filter(|(due, _)| *due <= self.now) else { return };
            self.presence_pushes.remove(&(due, id));
            self.push_presence(id);
        }
    }

    fn push_presence(&mut self, id: UserId) {
        let presence = self.presence_now(id);
        let Some(watched) = self.watched.get_mut(&id) else { return };
        watched.push_due = Timestamp(0);
        let shown = watched.shown.replace(presence.whereabouts());
        if !std::mem::take(&mut watched.restate) && watched.shown == shown {
            return;
        }
        watched.pushed = self.now;
        let (shards, hidden) = shards_of(watched);
        let partition = self.slots.partition_of_user(id);
        for shard in shards.iter() {
            let except = hidden.iter().filter(|(of, _)| *of == shard).map(|(_, user)| *user).collect();
            let push = PresencePush { presence: presence.clone(), only: None, except };
            self.send_gated(partition, shard, Message::ToSession(SessionMessage::Presence(Box::new(push))));
        }
    }

    /// Pushes to a shard were dropped for want of room: its watchers are told again of these users.
    pub(super) fn handle_presence_lost(&mut self, shard: ShardId, from: UserId) {
        let there = self
            .watched
            .iter()
            .filter(|(user, watched)| **user >= from && watched.watchers.iter().any(|watcher| watcher.shard == shard));
        let mut users: Vec<UserId> = there.map(|(user, _)| *user).collect();
        users.sort_unstable();
        users.into_iter().for_each(|user| self.presence_changed(user, true));
    }

    /// A user has blocked a watcher, or takes that back: told to the watcher alone, at once.
    pub(super) fn show_to(&mut self, id: UserId, watcher: UserId, view: View) {
        let Some(relation) = self.watched.get_mut(&id).and_then(|watched| watched.find(watcher)) else { return };
        relation.view = view;
        let shard = relation.shard;
        let presence = if view == View::Open { self.presence_for_one(id) } else { UserPresence::hidden(id) };
        let push = PresencePush { presence, only: Some(watcher), except: Box::default() };
        let message = Message::ToSession(SessionMessage::Presence(Box::new(push)));
        self.send_gated(self.slots.partition_of_user(id), shard, message);
    }
}

/// The shards of those who may see a user, and those who may not.
fn shards_of(watched: &Watched) -> (ShardSet, Vec<(ShardId, UserId)>) {
    let (mut shards, mut hidden) = (ShardSet::default(), Vec::new());
    for watcher in &watched.watchers {
        match watcher.view {
            View::Open => shards.insert(watcher.shard),
            View::Hidden | View::Unknown => hidden.push((watcher.shard, watcher.user)),
        }
    }
    (shards, hidden)
}
