//! What time brings: marks and summaries that have waited, and what is not used any more.

use super::Shard;
use crate::sessions::User;

/// A disconnected user is kept this long, so that an older login still in a queue is recognised as such.
const USER_IDLE_MS: u64 = 30_000;
/// Conversations looked at by each tick's sweep.
const SWEEP_STEP: usize = 1_024;

impl Shard {
    pub(super) fn handle_tick(&mut self) {
        self.flush_marks();
        self.push_summaries();
        self.time_out_rings();
        self.tick_presence();
        self.refresh_stale();
        self.retry_blocks();
        for (session, followed) in std::mem::take(&mut self.retries) {
            self.want_page(session, followed);
        }
        self.sweep_homes();
        self.sweep_retention();
        if self.now >= self.users_swept.plus_ms(USER_IDLE_MS) {
            self.users_swept = self.now;
            self.sweep_users();
            self.note_connected();
        }
    }

    /// Drops a few conversations that nobody follows or uses from memory.
    pub(super) fn sweep_homes(&mut self) {
        let idle_ms = self.settings.conversation_idle_ms;
        for _ in 0..SWEEP_STEP.min(self.homes.len()) {
            self.sweep_at += 1;
            if self.sweep_at >= self.homes.capacity() {
                self.sweep_at = 0;
            }
            let Some(home) = self.homes.get(self.sweep_at) else { continue };
            if home.followers.is_empty() && home.used.plus_ms(idle_ms) <= self.now && home.is_settled() {
                self.forget(self.sweep_at);
            }
        }
    }

    pub(super) fn sweep_users(&mut self) {
        let (now, budgets) = (self.now, &mut self.budgets);
        self.users.retain(|_, user| match user {
            User::Loading(_) => true,
            User::Ready(user) => {
                let (activity, used) = (&user.activity, user.used.plus_ms(USER_IDLE_MS));
                user.sessions().next().is_some()
                    || used > now
                    || activity.online
                    || activity.unwritten
                    || user.budget.is_some_and(|budget| !budgets.release(budget, now))
            }
        });
    }
}
