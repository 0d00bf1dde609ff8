//! How the population comes back after a disturbance: sessions synced before, fewest, and when as many were synced again.
//!
//! Each thread tells about every tenth of a second how many of its sessions are synced, with the time at which it
//! counted. Who is away because the scenario says so is not waited for. A recovery is only seen once every thread has counted after the server's return, so that nobody is taken for
//! synced who has not noticed yet that the connection is gone.

use crate::disturbance::{Action, Disturbed, seconds};

/// The newest count of a thread.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Census {
    /// When, in microseconds of the run's clock.
    pub(super) counted_us: u64,
    /// Sessions that are synced.
    pub(super) synced: u32,
    /// Others that are away because the scenario says so.
    pub(super) away: u32,
}

/// All disturbances of a run so far, and who is synced.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    start_us: u64,
    threads: Vec<Census>,
    done: Vec<Disturbed>,
    /// Who was synced or away when the last one began.
    settled_before: u32,
    /// When the last one began.
    begun_us: u64,
    /// When the server returned from the last one, once it has.
    returned_us: Option<u64>,
}

impl Recovery {
    pub(super) fn new(start_us: u64, threads: u32) -> Self {
        Self { start_us, threads: vec![Census::default(); threads as usize], ..Self::default() }
    }

    fn synced(&self) -> u32 {
        self.threads.iter().map(|census| census.synced).sum()
    }

    /// Who is where the scenario wants them.
    fn settled(&self) -> u32 {
        self.threads.iter().map(|census| census.synced + census.away).sum()
    }

    /// Something is done to the server now. The last one, if it was not recovered from, never will be.
    pub(super) fn begin(&mut self, action: Action, now_us: u64) {
        let synced = self.synced();
        (self.begun_us, self.returned_us) = (now_us, None);
        self.settled_before = self.settled();
        self.done.push(Disturbed {
            at_s: seconds(now_us.saturating_sub(self.start_us)),
            action,
            down_s: 0.0,
            synced_before: synced,
            synced_least: synced,
            recovered_s: None,
        });
    }

    /// The server serves again.
    pub(super) fn returned(&mut self, now_us: u64) {
        if let Some(last) = self.done.last_mut() {
            last.down_s = seconds(now_us.saturating_sub(self.begun_us));
            self.returned_us = Some(now_us);
        }
    }

    /// A thread has counted. True when that completes a recovery.
    pub(super) fn count(&mut self, thread: u32, census: Census) -> bool {
        let Some(place) = self.threads.get_mut(thread as usize) else {
            return false;
        };
        *place = census;
        let (synced, settled) = (self.synced(), self.settled());
        let Some(last) = self.done.last_mut().filter(|last| last.recovered_s.is_none()) else {
            return false;
        };
        last.synced_least = last.synced_least.min(synced);
        let Some(returned_us) = self.returned_us else {
            return false;
        };
        let all_counted = self.threads.iter().all(|census| census.counted_us >= returned_us);
        if !all_counted || settled < self.settled_before {
            return false;
        }
        last.recovered_s = Some(seconds(census.counted_us.saturating_sub(returned_us)));
        true
    }

    /// The last disturbance.
    pub(super) fn last(&self) -> Option<&Disturbed> {
        self.done.last()
    }

    /// All of them.
    pub(super) fn into_done(self) -> Vec<Disturbed> {
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    fn census(synced: u32, counted_us: u64) -> Census {
        Census { counted_us, synced, away: 0 }
    }

    #[test]
    fn who_is_away_on_purpose_is_not_waited_for() {
        let mut recovery = Recovery::new(0, 1);
        recovery.count(0, Census { away: 1, ..census(9, S) });
        recovery.begin(Action::Kill, 2 * S);
        recovery.returned(3 * S);
        assert!(!recovery.count(0, Census { away: 2, ..census(7, 4 * S) }));
        assert!(recovery.count(0, Census { away: 3, ..census(7, 5 * S) }));
    }

    #[test]
    fn a_recovery_waits_for_as_many_as_before_in_all_threads() {
        let mut recovery = Recovery::new(S, 2);
        recovery.count(0, census(10, 2 * S));
        recovery.count(1, census(10, 2 * S));
        recovery.begin(Action::Kill, 3 * S);
        recovery.count(0, census(0, 3 * S + 100));
        recovery.returned(4 * S);
        // The other thread has not looked since: its ten are not to be believed.
        assert!(!recovery.count(0, census(10, 5 * S)));
        assert!(!recovery.count(1, census(3, 5 * S)));
        assert!(recovery.count(1, census(10, 6 * S)));
        let done = recovery.into_done();
        let expected = Disturbed {
            at_s: 2.0,
            action: Action::Kill,
            down_s: 1.0,
            synced_before: 20,
            synced_least: 10,
            recovered_s: Some(2.0),
        };
        assert_eq!(done, [expected]);
    }

    #[test]
    fn one_that_is_overtaken_by_the_next_is_not_recovered_from() {
        let mut recovery = Recovery::new(0, 1);
        recovery.count(0, census(5, S));
        recovery.begin(Action::Restart, 2 * S);
        recovery.returned(3 * S);
        recovery.count(0, census(1, 4 * S));
        recovery.begin(Action::Stop, 5 * S);
        assert!(!recovery.count(0, census(5, 6 * S)), "it has not returned");
        recovery.returned(7 * S);
        assert!(recovery.count(0, census(1, 8 * S)));
        let done = recovery.into_done();
        assert_eq!((done[0].recovered_s, done[0].synced_least), (None, 1));
        assert_eq!((done[1].recovered_s, done[1].synced_before), (Some(1.0), 1));
    }
}
