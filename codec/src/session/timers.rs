//! The deadlines of a session: one slot for each purpose, so that a session needs no timer queue.

use std::time::Duration;

/// What a deadline is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Timer {
    /// The login, or the answer to a ping, must be there.
    Reply,
    /// The line was silent: ping.
    Keepalive,
    /// Received entries are to be acknowledged.
    Delivered,
    /// A request that was refused for now may go out again.
    Retry,
    /// A gap whose repair failed may be asked for again.
    Repair,
}

/// The armed deadlines, on the caller's clock.
#[derive(Debug, Default)]
pub(super) struct Timers([Option<Duration>; 5]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Duration) {
        self.0[timer as usize] = Some(at);
    }

    /// Arms a timer, unless it goes off earlier already.
    pub(super) fn set_earliest(&mut self, timer: Timer, at: Duration) {
        let slot = &mut self.0[timer as usize];
        *slot = Some(slot.map_or(at, |armed| armed.min(at)));
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.0[timer as usize].is_some()
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(super) fn clear_all(&mut self) {
        self.0 = Default::default();
    }

    /// Disarms `timer` and says true, when it is due.
    pub(super) fn take_due(&mut self, timer: Timer, now: Duration) -> bool {
        let due = self.0[timer as usize].is_some_and(|at| at <= now);
        if due {
            self.clear(timer);
        }
        due
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.0.iter().flatten().min().copied()
    }
}
