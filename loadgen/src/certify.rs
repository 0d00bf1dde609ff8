//! Whether a result may be believed: was the server measured, or the generator?
//!
//! Every threshold is a constant with its reason. A run that is not [`Verdict::Server`] keeps its figures, and every
//! report says that they are not the server's.

use serde::{Deserialize, Serialize};

use crate::report::format::time_us;

/// Lateness of sends that is never held against the generator, in microseconds: turns of its loop are 0.2 ms apart, and a
/// wake-up beside a busy server waits for the scheduler.
pub const SLIP_HARMLESS_US: u64 = 2_000;

/// The generator's p99 lateness as a part of the p99 acknowledgement that it is contained in: above this, the generator
/// is what was measured.
pub const SLIP_SHARE_GENERATOR: f64 = 0.5;

/// The same: above this nobody knows.
pub const SLIP_SHARE_UNCLEAR: f64 = 0.2;

/// CPU of the busiest generator thread, of one core: above this it could not have done more.
pub const BUSY_GENERATOR: f64 = 0.95;

/// The same: above this nobody knows.
pub const BUSY_UNCLEAR: f64 = 0.85;

/// Time that generator threads waited for a CPU, of the measured phase: above this the machine was too small for both.
pub const WAITED_UNCLEAR: f64 = 0.25;

/// Parts of the schedule that could not be sent at all, because the session's queue was full.
pub const SUPPRESSED_UNCLEAR: f64 = 0.000_1;

/// Whose limit a result shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The figures are the server's.
    Server,
    /// It cannot be told.
    Unclear,
    /// The generator was the limit.
    Generator,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Unclear => "unclear",
            Self::Generator => "generator",
        })
    }
}

/// What the generator observed of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// Acknowledgements set the pace: lateness has no meaning, and a busy generator is how it is meant.
    pub closed_loop: bool,
    /// p99 lateness of sends, in microseconds.
    pub slip_us_p99: Option<u64>,
    /// p99 of acknowledgements, in microseconds, lateness included.
    pub ack_us_p99: Option<u64>,
    /// CPU of the busiest thread, of one core.
    pub busiest_thread: f64,
    /// Time that threads waited for a CPU, of the measured phase, of the thread that waited most.
    pub waited: f64,
    /// Connections that failed for want of descriptors, ports or buffers.
    pub own_limits: u64,
    /// Sends that the schedule wanted and the sessions refused.
    pub suppressed: u64,
    /// Sends that the schedule wanted.
    pub offered: u64,
}

/// The verdict and its reasons, the worst first.
#[must_use]
pub fn certify(evidence: &Evidence) -> (Verdict, Vec<String>) {
    let mut findings = Vec::new();
    let mut find = |verdict, words: String| findings.push((verdict, words));
    if evidence.own_limits > 0 {
        let count = evidence.own_limits;
        find(Verdict::Generator, format!("{count} connections failed for want of descriptors, ports or buffers here"));
    }
    if !evidence.closed_loop {
        judge_slip(evidence, &mut find);
        let busy = percent(evidence.busiest_thread);
        if evidence.busiest_thread > BUSY_GENERATOR {
            find(Verdict::Generator, format!("the busiest generator thread used {busy} of its core"));
        } else if evidence.busiest_thread > BUSY_UNCLEAR {
            find(Verdict::Unclear, format!("the busiest generator thread used {busy} of its core"));
        }
        if evidence.waited > WAITED_UNCLEAR {
            let waited = percent(evidence.waited);
            find(Verdict::Unclear, format!("a generator thread waited for a CPU for {waited} of the measured phase"));
        }
    }
    if evidence.suppressed as f64 > SUPPRESSED_UNCLEAR * evidence.offered as f64 {
        let count = evidence.suppressed;
        find(
            Verdict::Unclear,
            format!("{count} sends could not be made: the sessions' queues were full, so latencies are flattered"),
        );
    }
    findings.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let verdict = findings.first().map_or(Verdict::Server, |(verdict, _)| *verdict);
    (verdict, findings.into_iter().map(|(_, words)| words).collect())
}

fn judge_slip(evidence: &Evidence, find: &mut impl FnMut(Verdict, String)) {
    let (Some(slip), Some(ack)) = (evidence.slip_us_p99, evidence.ack_us_p99) else {
        return;
    };
    let share = slip as f64 / ack.max(1) as f64;
    if slip <= SLIP_HARMLESS_US || share <= SLIP_SHARE_UNCLEAR {
        return;
    }
    let verdict = if share > SLIP_SHARE_GENERATOR { Verdict::Generator } else { Verdict::Unclear };
    find(
        verdict,
        format!(
            "sends were {} late at p99, which is {} of the p99 acknowledgement",
            time_us(slip as f64),
            percent(share)
        ),
    );
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Evidence = Evidence {
        closed_loop: false,
        slip_us_p99: Some(400),
        ack_us_p99: Some(900),
        busiest_thread: 0.4,
        waited: 0.05,
        own_limits: 0,
        suppressed: 0,
        offered: 100_000,
    };

    fn verdict(evidence: Evidence) -> Verdict {
        let (verdict, reasons) = certify(&evidence);
        assert_eq!(verdict == Verdict::Server, reasons.is_empty(), "{reasons:?}");
        verdict
    }

    #[test]
    fn an_unhurried_generator_measured_the_server() {
        assert_eq!(verdict(GOOD), Verdict::Server);
        // A saturated server makes everything late; a little lateness of ours is nothing beside it.
        assert_eq!(
            verdict(Evidence { slip_us_p99: Some(9_000), ack_us_p99: Some(2_000_000), ..GOOD }),
            Verdict::Server
        );
    }

    #[test]
    fn each_sign_of_trouble_is_enough() {
        assert_eq!(
            verdict(Evidence { slip_us_p99: Some(9_000), ack_us_p99: Some(10_000), ..GOOD }),
            Verdict::Generator
        );
        assert_eq!(verdict(Evidence { slip_us_p99: Some(3_000), ack_us_p99: Some(10_000), ..GOOD }), Verdict::Unclear);
        assert_eq!(verdict(Evidence { busiest_thread: 0.99, ..GOOD }), Verdict::Generator);
        assert_eq!(verdict(Evidence { busiest_thread: 0.9, ..GOOD }), Verdict::Unclear);
        assert_eq!(verdict(Evidence { waited: 0.5, ..GOOD }), Verdict::Unclear);
        assert_eq!(verdict(Evidence { own_limits: 1, ..GOOD }), Verdict::Generator);
        assert_eq!(verdict(Evidence { suppressed: 100, ..GOOD }), Verdict::Unclear);
    }

    #[test]
    fn a_busy_generator_is_what_a_closed_loop_is_for() {
        let evidence = Evidence { closed_loop: true, busiest_thread: 1.0, waited: 0.5, slip_us_p99: None, ..GOOD };
        assert_eq!(verdict(evidence), Verdict::Server);
    }

    #[test]
    fn the_worst_finding_decides_and_comes_first() {
        let (verdict, reasons) = certify(&Evidence { waited: 0.5, busiest_thread: 0.99, ..GOOD });
        assert_eq!(verdict, Verdict::Generator);
        assert!(reasons[0].contains("core"), "{reasons:?}");
    }
}
