//! How many sessions of a thread are synced: told about every tenth of a second while somebody disturbs the server.

use super::client::Link;
use super::report::Report;
use super::thread::Thread;

/// How often it is told.
const EVERY_US: u64 = 100_000;

impl Thread {
    /// Counts and tells, when it is time and somebody wants to know.
    pub(super) fn tell_census(&mut self, now_us: u64) {
        if self.start_us == 0 || now_us < self.next_census_us || self.plan.scenario.disturbance.is_empty() {
            return;
        }
        self.next_census_us = now_us + EVERY_US;
        let (mut synced, mut away) = (0, 0);
        for client in &self.clients {
            synced += u32::from(client.link == Link::Synced);
            away += u32::from(client.link != Link::Synced && client.away_until_us > now_us);
        }
        self.tell(Report::Census { worker: self.share.worker, synced, away, counted_us: now_us });
    }
}
