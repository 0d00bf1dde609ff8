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
        let synced = self.clients.iter().filter(|client| client.link == Link::Synced).count() as u32;
        self.tell(Report::Census { worker: self.share.worker, synced, counted_us: now_us });
    }
}
