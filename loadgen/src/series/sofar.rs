//! A run as it stands: whole-run figures while it is running, and the verdict if it ended now.

use std::collections::BTreeMap;

use crate::certify::{Evidence, Verdict, certify};
use crate::engine::report::Second;
use crate::latency::Times;

/// Most kinds of errors told apart.
const ERROR_KINDS_MAX: usize = 50;

/// Figures from the begin until now. Latencies and the verdict are of the measured phase, by time of arrival.
#[derive(Debug, Default)]
pub struct SoFar {
    /// Intended send to acknowledgement.
    pub ack: Times,
    /// Intended send to each recipient.
    pub delivery: Times,
    /// Lateness of sends.
    pub slip: Times,
    /// Sends that the schedule wanted.
    pub offered: u64,
    /// Sends acknowledged.
    pub accepted: u64,
    /// Copies at recipients other than the sender.
    pub delivered: u64,
    /// Errors by their words.
    pub errors: BTreeMap<String, u64>,
    threads: BTreeMap<u32, Thread>,
    suppressed: u64,
    own_limits: u64,
    measured_offered: u64,
}

/// One generator thread.
#[derive(Debug, Default)]
struct Thread {
    measured_s: u64,
    cpu_ns: u64,
    waited_ns: u64,
    synced: u32,
    unanswered: u64,
    copies_in_flight: u64,
}

impl SoFar {
    pub(super) fn add(&mut self, second: &Second, measured: bool) {
        self.offered += second.offered;
        self.accepted += second.accepted;
        self.delivered += second.delivered;
        self.own_limits += second.own_limits;
        self.suppressed += second.suppressed;
        for (words, count) in &second.error_kinds {
            if self.errors.len() < ERROR_KINDS_MAX || self.errors.contains_key(words) {
                *self.errors.entry(words.clone()).or_default() += count;
            }
        }
        let thread = self.threads.entry(second.worker).or_default();
        thread.synced = second.synced;
        thread.unanswered = second.unanswered;
        thread.copies_in_flight = second.copies_in_flight;
        if measured {
            thread.measured_s += 1;
            thread.cpu_ns += second.cpu_ns;
            thread.waited_ns += second.waited_ns;
            self.measured_offered += second.offered;
            second.ack.add_to(&mut self.ack);
            second.delivery.add_to(&mut self.delivery);
            second.slip.add_to(&mut self.slip);
        }
    }

    /// Clients logged in and synced, by the newest second of each thread.
    #[must_use]
    pub fn synced(&self) -> u32 {
        self.threads.values().map(|thread| thread.synced).sum()
    }

    /// Sends without an answer.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        self.threads.values().map(|thread| thread.unanswered).sum()
    }

    /// Copies of accepted messages that are not settled.
    #[must_use]
    pub fn copies_in_flight(&self) -> u64 {
        self.threads.values().map(|thread| thread.copies_in_flight).sum()
    }

    /// CPU of the busiest generator thread over the measured phase, of one core.
    #[must_use]
    pub fn busiest(&self) -> f64 {
        self.threads.values().map(|thread| thread.share(thread.cpu_ns)).fold(0.0, f64::max)
    }

    /// Of the measured phase, the thread that waited most for a CPU.
    #[must_use]
    pub fn waited(&self) -> f64 {
        self.threads.values().map(|thread| thread.share(thread.waited_ns)).fold(0.0, f64::max)
    }

    /// The verdict if the run ended now; `None` before anything was measured.
    #[must_use]
    pub fn verdict(&self, closed_loop: bool) -> Option<(Verdict, Vec<String>)> {
        let measured = self.threads.values().any(|thread| thread.measured_s > 0);
        let evidence = Evidence {
            closed_loop,
            slip_us_p99: self.slip.quantile(0.99),
            ack_us_p99: self.ack.quantile(0.99),
            busiest_thread: self.busiest(),
            waited: self.waited(),
            own_limits: self.own_limits,
            suppressed: self.suppressed,
            offered: self.measured_offered,
            ..Evidence::default()
        };
        measured.then(|| certify(&evidence))
    }
}

impl Thread {
    fn share(&self, ns: u64) -> f64 {
        ns as f64 / (self.measured_s.max(1) as f64 * 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(worker: u32, cpu_ns: u64) -> Second {
        let mut late = Times::default();
        late.record(50_000);
        let errors = [("RateLimited".to_owned(), 2)];
        Second {
            worker,
            offered: 10,
            synced: 5,
            cpu_ns,
            slip: (&late).into(),
            ack: (&late).into(),
            error_kinds: errors.into_iter().collect(),
            ..Second::default()
        }
    }

    #[test]
    fn the_ramp_is_in_the_counts_and_not_in_the_verdict() {
        let mut sofar = SoFar::default();
        sofar.add(&second(0, 1), false);
        assert_eq!((sofar.offered, sofar.errors["RateLimited"], sofar.synced()), (10, 2, 5));
        assert!(sofar.verdict(false).is_none());
        assert_eq!(sofar.ack.count(), 0);
    }

    #[test]
    fn the_busiest_thread_counts_and_all_sessions_do() {
        let mut sofar = SoFar::default();
        [(0, 200_000_000), (1, 600_000_000), (0, 400_000_000)].into_iter().for_each(|(worker, cpu_ns)| {
            sofar.add(&second(worker, cpu_ns), true);
        });
        assert_eq!((sofar.busiest(), sofar.synced()), (0.6, 10));
        let (verdict, reasons) = sofar.verdict(false).unwrap();
        assert_eq!(verdict, Verdict::Generator, "all of the acknowledgement's time was lateness: {reasons:?}");
    }
}
