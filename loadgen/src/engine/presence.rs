//! Watch lists, and what watchers see of each other.
//!
//! Everybody who is watched lives in the same thread as the watcher, so the truth is at hand: a user is online while one
//! of its devices is logged in. What a watcher is told is compared with that: how long it took since the user began to
//! connect, or since its last device went, and, at the end, whether it is right.
//!
//! A server gathers changes on purpose (`presence.interval_ms`), and does not notice who is back soon
//! (`presence.grace_ms`): a change that nobody was told of is no fault, as long as all see the truth in the end.

use std::ops::Range;

use hubbub_codec::ids::UserId;
use hubbub_codec::proto::UserPresence;

use super::client::{Client, Link};
use super::plan::Plan;
use super::report::PresenceCheck;
use super::setup::at_once;
use super::thread::Thread;
use crate::clock::as_duration;
use crate::population::{Devices, watch_list};
use crate::scenario::Presence;

/// Most `Watch` requests of a thread that are under way at one time, during the setup.
const ASKING_MAX: usize = 128;

/// How often the views are compared with the truth while it is waited for.
const LOOK_EVERY_US: u64 = 50_000;

/// Most watchers that see something wrong are described by themselves.
const WRONG_DESCRIBED_MAX: u64 = 10;

/// What a watcher was told of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Nothing since its own last login.
    Nothing,
    Away,
    Online,
}

/// Whom a client watches.
#[derive(Debug, Default)]
struct WatchList {
    /// Users of the thread by index, ascending.
    users: Box<[u32]>,
    /// Of each of them.
    seen: Box<[Seen]>,
}

/// How a user is.
#[derive(Debug, Clone, Copy, Default)]
struct Truth {
    /// Its devices that are logged in.
    devices: u32,
    /// When the first of them began to connect.
    came_us: u64,
    /// When the last of them went.
    left_us: u64,
}

/// Who watches whom, in one thread.
#[derive(Debug)]
pub(super) struct Watching {
    /// One for each client.
    lists: Box<[WatchList]>,
    users: Box<[Truth]>,
    /// The number of the first user.
    first_user: u32,
    /// The next client that has to ask.
    next: u32,
    /// Clients that have asked and have no answer.
    asking: u32,
    /// The outcome, once there is one.
    pub(super) check: PresenceCheck,
}

/// Waiting until everybody sees the truth.
#[derive(Debug)]
pub(super) struct Settling {
    since_us: u64,
    deadline_us: u64,
    next_look_us: u64,
}

impl Settling {
    pub(super) fn new(now_us: u64, plan: &Plan) -> Self {
        // When nobody is held back, the ledger is waited for at the same time.
        let longest_us = if plan.settle_us() > 0 { plan.settle_us() } else { plan.drain_us() };
        Self { since_us: now_us, deadline_us: now_us + longest_us, next_look_us: now_us }
    }
}

impl Watching {
    /// How many have asked so far, answered or not.
    pub(super) fn asked(&self) -> u32 {
        self.next
    }

    /// Draws the lists of all clients of `communities`, which begin at `first_client`.
    pub(super) fn draw(presence: &Presence, seed: u64, devices: Devices, communities: &[Range<u32>]) -> Self {
        let first_user = communities.first().map_or(0, |range| devices.user_of(range.start));
        let last_client = communities.last().map_or(0, |range| range.end.saturating_sub(1));
        let list_of = |client: u32, users: &Range<u32>| {
            let own = devices.user_of(client);
            let list = watch_list(seed, client, own, users, presence.watched);
            let users: Box<[u32]> = list.into_iter().map(|user| user - first_user).collect();
            WatchList { seen: users.iter().map(|_| Seen::Nothing).collect(), users }
        };
        let lists = communities.iter().flat_map(|clients| {
            let users = devices.user_of(clients.start)..devices.user_of(clients.end - 1) + 1;
            clients.clone().map(move |client| list_of(client, &users))
        });
        Self {
            lists: lists.collect(),
            users: vec![Truth::default(); (devices.user_of(last_client) - first_user + 1) as usize].into(),
            first_user,
            next: 0,
            asking: 0,
            check: PresenceCheck::default(),
        }
    }

    /// A device of this user logged in; it had begun to connect then.
    fn come(&mut self, user: u32, since_us: u64) {
        let truth = &mut self.users[user as usize];
        if truth.devices == 0 {
            truth.came_us = since_us;
        }
        truth.devices += 1;
    }

    /// A device of this user is gone.
    fn go(&mut self, user: u32, now_us: u64) {
        let truth = &mut self.users[user as usize];
        truth.devices = truth.devices.saturating_sub(1);
        if truth.devices == 0 {
            truth.left_us = now_us;
        }
    }

    /// A watcher is told how a user is. Returns since when that is so, if it is news and still true.
    fn tell(&mut self, watcher: u32, user: u32, online: bool) -> Option<u64> {
        let list = &mut self.lists[watcher as usize];
        let place = list.users.binary_search(&user).ok()?;
        let told = if online { Seen::Online } else { Seen::Away };
        let before = std::mem::replace(&mut list.seen[place], told);
        let truth = self.users[user as usize];
        match (before, told) {
            (Seen::Away, Seen::Online) if truth.devices > 0 => Some(truth.came_us),
            (Seen::Online, Seen::Away) if truth.devices == 0 => Some(truth.left_us),
            _ => None,
        }
    }

    /// What is watched by those who are there, and what of it is seen otherwise than it is.
    fn compare(&self, clients: &[Client]) -> (u64, Vec<(u32, u32)>) {
        let mut watched = 0;
        let mut wrong = Vec::new();
        for (index, (list, client)) in (0..).zip(self.lists.iter().zip(clients)) {
            if client.link != Link::Synced {
                continue;
            }
            watched += list.users.len() as u64;
            let is_wrong = |(user, seen): &(&u32, &Seen)| {
                let truth = if self.users[**user as usize].devices > 0 { Seen::Online } else { Seen::Away };
                **seen != truth
            };
            wrong.extend(list.users.iter().zip(&list.seen).filter(is_wrong).map(|(user, _)| (index, *user)));
        }
        (watched, wrong)
    }
}

impl Thread {
    /// During the setup, everybody asks for whom they watch; false until all have their answer.
    pub(super) fn everybody_watches(&mut self, now_us: u64) -> bool {
        while let Some((index, users)) = self.next_watch() {
            let Some(session) = self.clients[index as usize].session.hubbub_mut() else {
                return true;
            };
            if let Err(refused) = session.watch(as_duration(now_us), &users) {
                self.fail(format!("presence could not be asked for: {refused}"));
                return false;
            }
            self.settle(index, now_us);
        }
        let clients = self.clients.len() as u32;
        self.watching.as_ref().is_none_or(|watching| watching.next == clients && watching.asking == 0)
    }

    fn next_watch(&mut self) -> Option<(u32, Vec<UserId>)> {
        let asking_max = at_once(ASKING_MAX, self.clients.len());
        let watching = self.watching.as_mut()?;
        if watching.asking as usize >= asking_max {
            return None;
        }
        let list = watching.lists.get(watching.next as usize)?;
        let first_user = self.plan.first_user + u64::from(watching.first_user);
        let users = list.users.iter().map(|user| UserId(first_user + u64::from(*user))).collect();
        watching.next += 1;
        watching.asking += 1;
        Some((watching.next - 1, users))
    }

    /// A client's own first question was answered.
    pub(super) fn handle_watch_answer(&mut self, index: u32, users: &[UserPresence], now_us: u64) {
        if let Some(watching) = &mut self.watching {
            watching.asking = watching.asking.saturating_sub(1);
        }
        self.handle_presence(index, users, now_us);
    }

    pub(super) fn handle_presence(&mut self, index: u32, users: &[UserPresence], now_us: u64) {
        let Some(watching) = &mut self.watching else {
            return;
        };
        self.meters.counts.presence_told += users.len() as u64;
        let first_user = self.plan.first_user + u64::from(watching.first_user);
        for presence in users {
            let Some(user) = presence.user.checked_sub(first_user).and_then(|user| u32::try_from(user).ok()) else {
                continue;
            };
            let since_us = watching.tell(index, user, presence.online);
            if let Some(since_us) = since_us.filter(|since_us| self.meters.measures(*since_us)) {
                let latencies = &mut self.meters.latencies;
                let times = if presence.online { &mut latencies.presence } else { &mut latencies.presence_away };
                times.record(now_us.saturating_sub(since_us));
            }
        }
    }

    fn user_index(&self, index: u32) -> u32 {
        self.devices.user_of(self.client_number(index)) - self.devices.user_of(self.first_client)
    }

    /// A client is logged in: what it saw before, it asks for again.
    pub(super) fn note_come(&mut self, index: u32) {
        let (user, since_us) = (self.user_index(index), self.clients[index as usize].connecting_since_us);
        if let Some(watching) = &mut self.watching {
            watching.come(user, since_us);
            watching.lists[index as usize].seen.fill(Seen::Nothing);
        }
    }

    /// A client that was logged in is gone.
    pub(super) fn note_gone(&mut self, index: u32, now_us: u64) {
        let user = self.user_index(index);
        if let Some(watching) = &mut self.watching {
            watching.go(user, now_us);
        }
    }

    /// One look; `None` when everybody sees the truth, or when it was waited for long enough: whoever was held back
    /// until then comes back.
    pub(super) fn go_on_with_settling(&mut self, mut settling: Settling, now_us: u64) -> Option<Settling> {
        if now_us < settling.next_look_us {
            return Some(settling);
        }
        settling.next_look_us = now_us + LOOK_EVERY_US;
        let Some(watching) = &self.watching else {
            // Nobody watches, as the protocol has no presence: nothing is to be waited for.
            self.call_back(now_us);
            return None;
        };
        let (watched, wrong) = watching.compare(&self.clients);
        let is_held = self.plan.settle_us() > 0;
        if !wrong.is_empty() && (now_us < settling.deadline_us) {
            return Some(settling);
        }
        self.conclude_settling(watched, &wrong, now_us - settling.since_us);
        if is_held {
            self.call_back(now_us);
        }
        None
    }

    fn conclude_settling(&mut self, watched: u64, wrong: &[(u32, u32)], settled_us: u64) {
        let Some(watching) = &mut self.watching else {
            return;
        };
        watching.check = PresenceCheck { watched, wrong: wrong.len() as u64, settled_us };
        for (index, user) in wrong.iter().take(WRONG_DESCRIBED_MAX as usize) {
            let is = if watching.users[*user as usize].devices > 0 { "online" } else { "away" };
            let watcher = self.first_client + index;
            let user = self.plan.first_user + u64::from(watching.first_user + user);
            self.meters.note_error(format!("presence: client {watcher} does not see that user {user} is {is}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two users with one client each, the first of which watches the second.
    fn watching() -> Watching {
        let list =
            |users: &[u32]| WatchList { users: users.into(), seen: users.iter().map(|_| Seen::Nothing).collect() };
        Watching {
            lists: [list(&[1]), list(&[])].into(),
            users: vec![Truth::default(); 2].into(),
            first_user: 0,
            next: 0,
            asking: 0,
            check: PresenceCheck::default(),
        }
    }

    #[test]
    fn news_is_timed_from_the_change_and_the_first_answer_is_no_news() {
        let mut watching = watching();
        watching.come(1, 100);
        assert_eq!(watching.tell(0, 1, true), None);
        watching.go(1, 200);
        assert_eq!(watching.tell(0, 1, false), Some(200));
        watching.come(1, 300);
        assert_eq!(watching.tell(0, 1, true), Some(300));
        assert_eq!(watching.tell(0, 1, true), None);
    }

    #[test]
    fn a_user_is_online_while_one_device_is() {
        let mut watching = watching();
        watching.tell(0, 1, false);
        watching.come(1, 100);
        watching.come(1, 150);
        watching.go(1, 200);
        assert_eq!(watching.tell(0, 1, true), Some(100));
        assert_eq!(watching.tell(0, 1, false), None, "the other device is still there");
    }

    #[test]
    fn strangers_are_not_in_the_list() {
        let mut watching = watching();
        assert_eq!(watching.tell(0, 0, true), None);
        assert_eq!(watching.tell(1, 1, true), None);
    }
}
