//! People who watch, come and go, say how they are, and block each other; and what they must have been told when the
//! world is quiet.

use super::World;
use crate::presence::Seen;
use crate::server::Whereabouts;
use hubbub_core::ids::UserId;
use std::collections::BTreeMap;

/// Nobody has this id.
const NOBODY: UserId = UserId(404_404);
/// Time passes so quickly while a world is quiet, in milliseconds.
const QUIET_STEP_MS: u64 = 100;
/// Such steps within which everybody is told, even if there is room for one message.
const QUIET_STEPS_MAX: u64 = 2_000;
/// Rounds of all shards within which nothing is under way any more.
const SETTLE_ROUNDS_MAX: usize = 2_000;
/// How often somebody comes and goes in one stretch.
const FLAPS: usize = 12;

/// How everybody is, and since when.
#[derive(Debug, Default)]
pub(super) struct Since(BTreeMap<UserId, (Whereabouts, u64)>);

impl World {
    // ---- What people do ----

    /// Somebody watches others or not any more, says how they are, or blocks somebody.
    pub(super) fn care(&mut self, step: usize, at: usize) {
        match self.dice.below(10) {
            0..=3 => self.watch(step, at),
            4 | 5 => self.unwatch(step, at),
            6 | 7 => self.set_status(step, at),
            _ if self.dice.per_mille(self.blocks_per_mille) => self.block(step, at),
            _ => {}
        }
    }

    fn some_users(&mut self) -> Vec<UserId> {
        let all = self.users.iter().copied().chain([NOBODY]);
        all.filter(|_| self.dice.per_mille(400)).collect()
    }

    fn watch(&mut self, step: usize, at: usize) {
        let users = self.some_users();
        if !users.is_empty() {
            self.note(|| format!("{step}: {} watches {users:?}", self.name(at)));
            self.clients[at].watch(&mut self.server, &users);
        }
    }

    fn unwatch(&mut self, step: usize, at: usize) {
        let users = if self.dice.per_mille(200) { None } else { Some(self.some_users()) };
        if users.as_ref().is_some_and(Vec::is_empty) {
            return;
        }
        self.note(|| format!("{step}: {} unwatches {users:?}", self.name(at)));
        self.clients[at].unwatch(&mut self.server, users.as_deref());
    }

    fn set_status(&mut self, step: usize, at: usize) {
        self.statuses += 1;
        let status = format!("status {}", self.statuses);
        let invisible = *self.dice.pick(&[None, Some(false), Some(false), Some(true)]).expect("there are some");
        self.note(|| format!("{step}: {} says {status:?}, invisible {invisible:?}", self.name(at)));
        self.clients[at].set_status(&mut self.server, &status, invisible);
    }

    fn block(&mut self, step: usize, at: usize) {
        let own = self.clients[at].user();
        let mut users = self.some_users();
        users.retain(|user| *user != own);
        // Mostly one whom there is.
        if self.dice.per_mille(700) {
            users.retain(|user| *user != NOBODY);
            users.truncate(1);
        }
        let blocked = self.dice.per_mille(500);
        if !users.is_empty() {
            let does = if blocked { "blocks" } else { "unblocks" };
            self.note(|| format!("{step}: {} {does} {users:?}", self.name(at)));
            self.clients[at].block(&mut self.server, users, blocked);
        }
    }

    // ---- Quiet ----

    /// Some people go for good; then the others see how everybody is, also after somebody has come and gone quickly.
    pub(super) fn see_each_other(&mut self) {
        // Deadlines that were set before the clock was set back are over, too.
        self.server.pass(self.set_back_ms);
        for at in 0..self.clients.len() {
            if self.dice.per_mille(300) {
                self.leave(at);
            }
        }
        self.be_quiet();
        self.flap();
        self.be_quiet();
    }

    /// A client goes, and comes back only with all others.
    fn leave(&mut self, at: usize) {
        self.absent[at] = true;
        self.hang_up(at);
    }

    fn hang_up(&mut self, at: usize) {
        if let Some(id) = self.clients[at].connection() {
            self.server.disconnect(id);
            self.clients[at].lose_connection(&mut self.server);
        }
    }

    /// Nothing happens until nobody who is silent can be online; whoever is seen in one way for long enough has been
    /// told of so.
    fn be_quiet(&mut self) {
        self.come_to_rest();
        let (delay_ms, timeout_ms) = (self.server.presence_delay_ms(), self.server.presence_timeout_ms());
        let mut since = Since::default();
        let steps_min = (timeout_ms + 2 * delay_ms) / QUIET_STEP_MS;
        for step in 0..QUIET_STEPS_MAX {
            self.server.pass(QUIET_STEP_MS);
            // Somebody may be away for a moment until their device pings.
            self.note_whereabouts(&mut since);
            self.server.tick();
            self.settle();
            self.note_whereabouts(&mut since);
            // Whoever is told again for want of room is told one interval later.
            if self.server.presence_steady_ms() >= delay_ms {
                self.check_presence(&since, delay_ms);
                if step >= steps_min {
                    return;
                }
            }
        }
        panic!("presence is lost between shards again and again");
    }

    /// Everything that is under way comes to an end, in no time.
    fn settle(&mut self) {
        for _ in 0..SETTLE_ROUNDS_MAX {
            self.call_everybody();
            for shard in 0..self.server.shards() {
                self.server.turn(shard, 4, &mut self.dice);
            }
            while self.server.commit(&mut self.dice) {}
            while let Some(&id) = self.server.readable().first() {
                self.deliver_to(id);
            }
            if self.server.is_quiet() {
                return;
            }
        }
        panic!("the quiet world is not quiet: {}", self.server.describe());
    }

    fn note_whereabouts(&self, since: &mut Since) {
        let now_ms = self.server.elapsed.as_millis() as u64;
        for &user in self.users.iter().chain([&NOBODY]) {
            let is = self.server.whereabouts(user);
            let known = since.0.entry(user).or_insert_with(|| (is.clone(), now_ms));
            if known.0 != is {
                *known = (is, now_ms);
            }
        }
    }

    /// Of whoever has been in one way for so long, all who watch have been told.
    fn check_presence(&self, since: &Since, delay_ms: u64) {
        let now_ms = self.server.elapsed.as_millis() as u64;
        let present = self.clients.iter().zip(&self.absent).filter(|(_, absent)| !**absent);
        for (client, _) in present {
            let (watched, told) = client.watched();
            let steady = |user: &UserId| {
                since.0.get(user).filter(|(is, since)| is.online.is_some() && now_ms - since >= delay_ms)
            };
            for (user, (is, _)) in watched.iter().filter_map(|user| Some((user, steady(user)?))) {
                let hidden = is.invisible || self.server.ledger.is_cut(client.user(), *user);
                let who = format!("{}/{}", client.user(), client.id());
                let told = told.of(*user);
                let right = told.is_some_and(|told| if hidden { told.is_hidden() } else { is_true(told, is) });
                assert!(right, "{who} is told of {user} that {told:?}, hidden {hidden}, and in truth {is:?}");
            }
        }
    }

    // ---- Who comes and goes ----

    /// Somebody comes and goes quickly: the others are told no more often than the interval allows.
    fn flap(&mut self) {
        let at = self.dice.below(self.clients.len());
        let user = self.clients[at].user();
        let talks = self.dice.per_mille(500);
        let before = self.pushes_about(user);
        let mut ticks = 0;
        self.note(|| format!("{} comes and goes", self.name(at)));
        for _ in 0..FLAPS {
            self.absent[at] = !self.absent[at];
            if self.absent[at] {
                self.hang_up(at);
            } else if talks {
                self.set_status(0, at);
            }
            for _ in 0..self.dice.between(1, 6) {
                ticks += 1;
                self.server.pass(QUIET_STEP_MS);
                self.server.tick();
                self.settle();
            }
        }
        // One may have been due before, and one is at the beginning.
        let most = 2 + ticks * QUIET_STEP_MS / self.server.presence_interval_ms().max(QUIET_STEP_MS);
        for (before, after) in before.iter().zip(self.pushes_about(user)) {
            let pushes = after - before;
            assert!(pushes <= most, "somebody is told of {user} {pushes} times, and not {most} times at most");
        }
    }

    /// How often each client of another user was told of a user.
    fn pushes_about(&self, user: UserId) -> Vec<u64> {
        let others = self.clients.iter().filter(|client| client.user() != user);
        others.map(|client| client.watched().1.pushes(user)).collect()
    }
}

fn is_true(told: &Seen, is: &Whereabouts) -> bool {
    let (least, most) = is.last_active;
    let active = is.online == Some(true) || (least.0..=most.0).contains(&told.last_active_us);
    is.online == Some(told.online) && *told.status == *is.status && active
}
