//! Everything that a thread counts.

use std::collections::BTreeMap;

use super::report::{Counts, Second, Steady};
use crate::clock::SECOND_US;
use crate::host::{self, ThreadTime, Troubles};
use crate::latency::{Latencies, Times, size_class};
use crate::ledger::Account;
use crate::ledger::room::Room;

/// Most kinds of errors told apart.
const ERROR_KINDS_MAX: usize = 50;

/// The counters and histograms of a thread.
#[derive(Debug, Default)]
pub(super) struct Meters {
    pub(super) account: Account,
    pub(super) latencies: Latencies,
    pub(super) counts: Counts,
    pub(super) errors: BTreeMap<String, u64>,
    /// What the scenario wants and the protocol cannot do.
    pub(super) not_driven: BTreeMap<String, u64>,
    /// The measured phase; `None` before the traffic.
    window: Option<Window>,
    errors_count: u64,
    /// Errors of this second by their words.
    error_kinds: BTreeMap<String, u64>,
    second: SecondMeters,
    begun: Option<Snapshot>,
    pub(super) steady: Steady,
}

/// From when to when sends are measured.
#[derive(Debug, Clone, Copy)]
struct Window {
    start_us: u64,
    end_us: u64,
}

#[derive(Debug, Default)]
struct SecondMeters {
    ack: Times,
    delivery: Times,
    fanout_last: Times,
    slip: Times,
    before: Counted,
}

/// Figures that a second is the difference of.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    offered: u64,
    accepted: u64,
    delivered: u64,
    errors: u64,
    suppressed: u64,
    own_limits: u64,
    time: ThreadTime,
}

#[derive(Debug, Clone, Copy)]
struct Snapshot {
    counted: Counted,
    machine: Troubles,
    at_us: u64,
}

impl Meters {
    /// Nothing counted yet; the ledgers have so much room.
    pub(super) fn new(room: Room) -> Self {
        Self { account: Account { room, ..Account::default() }, ..Self::default() }
    }

    /// Sets the measured phase; sends intended in it count.
    pub(super) fn set_window(&mut self, start_us: u64, end_us: u64) {
        self.window = Some(Window { start_us, end_us });
        self.second = SecondMeters { before: self.counted(), ..SecondMeters::default() };
    }

    /// Whether a send of that intended time is measured.
    pub(super) fn measures(&self, intended_us: u64) -> bool {
        self.window.is_some_and(|window| (window.start_us..window.end_us).contains(&intended_us))
    }

    pub(super) fn note_slip(&mut self, intended_us: u64, now_us: u64) {
        let late_us = now_us.saturating_sub(intended_us);
        self.second.slip.record(late_us);
        if self.measures(intended_us) {
            self.latencies.slip.record(late_us);
        }
    }

    /// A turn that was to come at `wanted_us` came now.
    pub(super) fn note_turn(&mut self, wanted_us: u64, now_us: u64) {
        if self.measures(now_us) {
            self.latencies.turn_lag.record(now_us.saturating_sub(wanted_us));
        }
    }

    pub(super) fn note_ack(&mut self, intended_us: u64, now_us: u64) {
        let took_us = now_us.saturating_sub(intended_us);
        self.second.ack.record(took_us);
        if self.measures(intended_us) {
            self.latencies.ack.record(took_us);
        }
    }

    pub(super) fn note_delivery(&mut self, intended_us: u64, now_us: u64) {
        let took_us = now_us.saturating_sub(intended_us);
        self.second.delivery.record(took_us);
        if self.measures(intended_us) {
            self.latencies.delivery.record(took_us);
        }
    }

    /// A message to a group of so many users has reached all that it had to.
    pub(super) fn note_fanout(&mut self, intended_us: u64, users: u32, fanout: crate::ledger::slot::Fanout) {
        self.second.fanout_last.record(fanout.last_us);
        if self.measures(intended_us) {
            let latencies = &mut self.latencies;
            latencies.fanout_first.record(fanout.first_us);
            latencies.fanout_median.record(fanout.median_us);
            latencies.fanout_last.record(fanout.last_us);
            let of_size = &mut latencies.fanout_by_size[size_class(users)];
            of_size.first.record(fanout.first_us);
            of_size.median.record(fanout.median_us);
            of_size.last.record(fanout.last_us);
        }
    }

    pub(super) fn note_error(&mut self, words: impl Into<String>) {
        self.errors_count += 1;
        let words = words.into();
        if self.errors.len() < ERROR_KINDS_MAX || self.errors.contains_key(&words) {
            *self.error_kinds.entry(words.clone()).or_default() += 1;
            *self.errors.entry(words).or_default() += 1;
        }
    }

    /// What the scenario wants and the protocol cannot do is never left out in silence.
    pub(super) fn note_not_driven(&mut self, what: &str, times: u64) {
        *self.not_driven.entry(what.to_owned()).or_default() += times;
    }

    /// The measured phase begins.
    pub(super) fn begin_steady(&mut self, now_us: u64) {
        self.begun = Some(Snapshot { counted: self.counted(), machine: Troubles::of_this_machine(), at_us: now_us });
    }

    /// The measured phase is over.
    pub(super) fn end_steady(&mut self, now_us: u64) {
        let Some(begun) = self.begun.take() else {
            return;
        };
        let counted = self.counted();
        let time = counted.time.since(begun.counted.time);
        self.steady = Steady {
            offered: counted.offered - begun.counted.offered,
            accepted: counted.accepted - begun.counted.accepted,
            delivered: counted.delivered - begun.counted.delivered,
            elapsed_us: now_us - begun.at_us,
            cpu_ns: time.cpu_ns,
            waited_ns: time.waited_ns,
            machine: Troubles::of_this_machine().since(&begun.machine),
        };
    }

    /// Takes the figures since the last call.
    pub(super) fn take_second(&mut self, worker: u32, elapsed_us: u64, connected: u32) -> Second {
        let (now, before) = (self.counted(), self.second.before);
        self.second.before = now;
        let time = now.time.since(before.time);
        let second = Second {
            worker,
            at_s: u32::try_from(elapsed_us / SECOND_US).unwrap_or(u32::MAX),
            offered: now.offered - before.offered,
            accepted: now.accepted - before.accepted,
            delivered: now.delivered - before.delivered,
            errors: now.errors - before.errors,
            connected,
            ack: (&self.second.ack).into(),
            delivery: (&self.second.delivery).into(),
            fanout_last: (&self.second.fanout_last).into(),
            slip: (&self.second.slip).into(),
            synced: 0,
            unanswered: self.unanswered(),
            copies_in_flight: self.copies_in_flight(),
            cpu_ns: time.cpu_ns,
            waited_ns: time.waited_ns,
            suppressed: now.suppressed - before.suppressed,
            own_limits: now.own_limits - before.own_limits,
            error_kinds: std::mem::take(&mut self.error_kinds),
        };
        let SecondMeters { ack, delivery, fanout_last, slip, .. } = &mut self.second;
        [ack, delivery, fanout_last, slip].into_iter().for_each(Times::clear);
        second
    }

    /// Changes whenever anything is accepted or delivered.
    pub(super) fn progress(&self) -> u64 {
        let totals = &self.account.totals;
        totals.accepted + totals.delivered + self.counts.delivered + self.counts.logins
    }

    /// Sends that were made and have no answer yet.
    fn unanswered(&self) -> u64 {
        let (counts, totals) = (&self.counts, &self.account.totals);
        let answered = totals.accepted + totals.refused + counts.suppressed + counts.skipped_away;
        counts.offered.saturating_sub(answered)
    }

    /// Copies of accepted messages that are not settled.
    fn copies_in_flight(&self) -> u64 {
        let totals = &self.account.totals;
        totals.copies_due.saturating_sub(totals.delivered + totals.lost)
    }

    fn counted(&self) -> Counted {
        Counted {
            offered: self.counts.offered,
            accepted: self.account.totals.accepted,
            delivered: self.counts.delivered,
            errors: self.errors_count,
            suppressed: self.counts.suppressed,
            own_limits: self.counts.own_limits,
            time: host::this_thread(),
        }
    }
}
