//! Whom the sessions of one shard watch.
//!
//! Both directions are sorted vectors of numbers, so a relation costs 12 bytes here and ends without a search through
//! all others.

use crate::ids::UserId;
use crate::presence::UserPresence;
use hashbrown::HashMap;
use std::collections::{BTreeMap, VecDeque};

/// Which sessions (by index) watch a user.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    by_target: HashMap<UserId, Vec<u32>, foldhash::fast::RandomState>,
}

impl Watches {
    pub(crate) fn of(&self, target: UserId) -> &[u32] {
        self.by_target.get(&target).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn add(&mut self, target: UserId, session: u32) {
        insert(self.by_target.entry(target).or_default(), session);
    }

    pub(crate) fn remove(&mut self, target: UserId, session: u32) {
        let Some(sessions) = self.by_target.get_mut(&target) else { return };
        remove(sessions, session);
        if sessions.is_empty() {
            self.by_target.remove(&target);
        }
    }
}

/// Whom one session watches.
#[derive(Debug, Default)]
pub(crate) struct Watching {
    /// Ascending.
    pub(crate) targets: Vec<UserId>,
    /// Those of them whom the session's own user has blocked, ascending.
    pub(crate) hidden: Vec<UserId>,
    /// Questions that are not answered. Only the first is with the homes, so that news is never followed by older news.
    pub(crate) runs: VecDeque<WatchRun>,
    pub(crate) runs_begun: u32,
    /// Something could not be pushed: everything is asked for again once there is room.
    pub(crate) stale: bool,
}

/// A question about several users, whose homes answer one by one.
#[derive(Debug)]
pub(crate) struct WatchRun {
    pub(crate) number: u32,
    /// 0: nobody asked, and the answer is pushed.
    pub(crate) request_id: u64,
    /// Partitions that have not answered.
    pub(crate) waiting: usize,
    /// Who was asked about, ascending.
    pub(crate) asked: Vec<UserId>,
    /// What was answered.
    pub(crate) users: BTreeMap<UserId, UserPresence>,
    /// Some home could not tell.
    pub(crate) failed: bool,
}

impl Watching {
    pub(crate) fn watches(&self, user: UserId) -> bool {
        self.targets.binary_search(&user).is_ok()
    }

    pub(crate) fn hides(&self, user: UserId) -> bool {
        !self.hidden.is_empty() && self.hidden.binary_search(&user).is_ok()
    }

    /// Begins to watch. False when that was so.
    pub(crate) fn add(&mut self, user: UserId) -> bool {
        insert(&mut self.targets, user)
    }

    /// Watches no more. False when it did not.
    pub(crate) fn remove(&mut self, user: UserId) -> bool {
        remove(&mut self.hidden, user);
        remove(&mut self.targets, user)
    }

    /// What the own user has blocked is not shown.
    pub(crate) fn hide(&mut self, user: UserId) {
        insert(&mut self.hidden, user);
    }

    /// It is shown again. False when it was.
    pub(crate) fn show(&mut self, user: UserId) -> bool {
        remove(&mut self.hidden, user)
    }

    /// Adds a question about these users, ascending. True when it is the first.
    pub(crate) fn add_run(&mut self, request_id: u64, asked: Vec<UserId>) -> bool {
        if request_id == 0
            && let Some(last) = self.runs.iter_mut().skip(1).last()
            && last.request_id == 0
        {
            last.asked.extend(asked);
            last.asked.sort_unstable();
            last.asked.dedup();
            return false;
        }
        self.runs_begun = self.runs_begun.wrapping_add(1);
        let number = self.runs_begun;
        self.runs.push_back(WatchRun { number, request_id, waiting: 0, asked, users: BTreeMap::new(), failed: false });
        self.runs.len() == 1
    }

    /// Begins the first question that is left, about those who are still watched: the others' homes were told so, and
    /// must not hear of them again.
    pub(crate) fn begin_run(&mut self) -> Option<&mut WatchRun> {
        let run = self.runs.front_mut()?;
        run.asked.retain(|user| self.targets.binary_search(user).is_ok());
        Some(run)
    }

    /// Whether a user's home has yet to answer. Until then what it tells of the user is older than the answer, and it may
    /// not know yet who asks, and so not whether they are blocked.
    pub(crate) fn awaits(&self, user: UserId) -> bool {
        self.runs.iter().any(|run| run.asked.binary_search(&user).is_ok() && !run.users.contains_key(&user))
    }

    /// An answer that is still gathered must not be older than what was pushed before it.
    pub(crate) fn note(&mut self, presence: &UserPresence) {
        let run = self.runs.front_mut();
        if let Some(older) = run.and_then(|run| run.users.get_mut(&presence.user)) {
            older.clone_from(presence);
        }
    }

    /// Takes one home's part of an answer; the whole when it was the last.
    pub(crate) fn answered(&mut self, number: u32, part: Option<Vec<UserPresence>>) -> Option<WatchRun> {
        let run = self.runs.front_mut().filter(|run| run.number == number)?;
        run.waiting -= 1;
        match part {
            Some(users) => run.users.extend(users.into_iter().map(|presence| (presence.user, presence))),
            None => run.failed = true,
        }
        if run.waiting == 0 { self.runs.pop_front() } else { None }
    }
}

fn insert<T: Ord>(sorted: &mut Vec<T>, item: T) -> bool {
    let Err(at) = sorted.binary_search(&item) else { return false };
    if sorted.is_empty() {
        // Most have one, and growing takes four.
        sorted.reserve_exact(1);
    }
    sorted.insert(at, item);
    true
}

fn remove<T: Ord>(sorted: &mut Vec<T>, item: T) -> bool {
    let Ok(at) = sorted.binary_search(&item) else { return false };
    sorted.remove(at);
    true
}
