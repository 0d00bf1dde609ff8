//! Whether a result may be believed: was the server measured, or the generator?
//!
//! Every threshold is a constant with its reason. A run that is not [`Verdict::Server`] keeps its figures, and every
//! report says that they are not the server's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Troubles;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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

/// TCP segments sent again, of all: above this, the network between generator and server is in the figures.
pub const RETRANSMITTED_UNCLEAR: f64 = 0.001;

/// TCP segments thrown away on this machine for want of room in a socket, of all: above this, its buffers are in the figures.
pub const QUEUE_DROPS_UNCLEAR: f64 = 0.000_1;

/// CPU that a hypervisor kept, of all: above this, somebody else's load is in the figures.
pub const STOLEN_UNCLEAR: f64 = 0.05;

/// The way out when the machine is too small for both.
const MORE_MACHINES: &str = "run `hubbub-load worker` on other machines and give them with `--workers`, or leave the \
                             server more cores with fewer `--threads`";

/// The way out when threads are too few.
const MORE_THREADS: &str = "spread the clients over more `--threads`, or over more machines with `--workers`";

/// What the generator observed of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// Acknowledgements set the pace: lateness has no meaning, and a busy generator is how it is meant.
    pub closed_loop: bool,
    /// p99 lateness of sends, in microseconds.
    pub slip_us_p99: Option<u64>,
    /// p99 of acknowledgements, in microseconds, lateness included.
    pub ack_us_p99: Option<u64>,
    /// p99 lateness of the loops' turns, in microseconds; what arrives waits for a turn.
    pub turn_lag_us_p99: Option<u64>,
    /// p99 of deliveries, in microseconds, that waiting included.
    pub delivery_us_p99: Option<u64>,
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
    /// Threads that did not hand in their part: of a worker that was lost, or one that hung.
    pub missing_threads: u32,
    /// What went wrong on the machine beside the program.
    pub machine: Troubles,
}

/// What was found, and whose limit it makes the result.
type Finding = (Verdict, String);

/// The verdict and its reasons, the worst first. Each says what can be done about it.
#[must_use]
pub fn certify(evidence: &Evidence) -> (Verdict, Vec<String>) {
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(judge_losses(evidence));
    if !evidence.closed_loop {
        let slip = (evidence.slip_us_p99, evidence.ack_us_p99);
        findings.extend(judge_lateness("sends were", slip, "acknowledgement"));
        let lag = (evidence.turn_lag_us_p99, evidence.delivery_us_p99);
        findings.extend(judge_lateness("the generator looked at its sockets", lag, "delivery"));
        findings.extend(judge_cpu(evidence));
    }
    findings.extend(judge_machine(&evidence.machine));
    findings.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let verdict = findings.first().map_or(Verdict::Server, |(verdict, _)| *verdict);
    (verdict, findings.into_iter().map(|(_, words)| words).collect())
}

/// Threads, connections and sends that are missing.
fn judge_losses(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    if evidence.missing_threads > 0 {
        let count = evidence.missing_threads;
        let words = format!("{count} generator threads were lost on the way, and what they measured with them");
        findings.push((Verdict::Generator, words));
    }
    if evidence.own_limits > 0 {
        let count = evidence.own_limits;
        let words = format!(
            "{count} connections failed for want of descriptors, ports or buffers here: raise `ulimit -n` and \
             `net.ipv4.ip_local_port_range`, or use more `--processes`"
        );
        findings.push((Verdict::Generator, words));
    }
    if evidence.suppressed as f64 > SUPPRESSED_UNCLEAR * evidence.offered as f64 {
        let count = evidence.suppressed;
        let words = format!(
            "{count} sends could not be made: the sessions' queues were full, so latencies are flattered; offer less, or \
             by more clients"
        );
        findings.push((Verdict::Unclear, words));
    }
    findings
}

/// Lateness of the generator's own, as a part of the latency that contains it.
fn judge_lateness(what: &str, (late, whole): (Option<u64>, Option<u64>), of: &str) -> Option<Finding> {
    let (late, whole) = (late?, whole?);
    let share = late as f64 / whole.max(1) as f64;
    if late <= SLIP_HARMLESS_US || share <= SLIP_SHARE_UNCLEAR {
        return None;
    }
    let verdict = if share > SLIP_SHARE_GENERATOR { Verdict::Generator } else { Verdict::Unclear };
    let (late, share) = (time_us(late as f64), percent(share.min(1.0)));
    Some((verdict, format!("{what} {late} late at p99, which is {share} of the p99 {of}: {MORE_MACHINES}")))
}

fn judge_cpu(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    if evidence.busiest_thread > BUSY_UNCLEAR {
        let verdict = if evidence.busiest_thread > BUSY_GENERATOR { Verdict::Generator } else { Verdict::Unclear };
        let busy = percent(evidence.busiest_thread);
        findings.push((verdict, format!("the busiest generator thread used {busy} of its core: {MORE_THREADS}")));
    }
    if evidence.waited > WAITED_UNCLEAR {
        let waited = percent(evidence.waited);
        let words = format!("a generator thread waited for a CPU for {waited} of the measured phase: {MORE_MACHINES}");
        findings.push((Verdict::Unclear, words));
    }
    findings
}

/// The machine beside the program: packets lost, CPU kept back.
fn judge_machine(machine: &Troubles) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |words| findings.push((Verdict::Unclear, words));
    if machine.queue_drops as f64 > QUEUE_DROPS_UNCLEAR * machine.segments as f64 {
        let count = machine.queue_drops;
        find(format!(
            "this machine threw away {count} segments for want of room in a socket: raise `net.core.rmem_max`"
        ));
    }
    if machine.retransmitted_share() > RETRANSMITTED_UNCLEAR {
        let share = machine.retransmitted_share() * 100.0;
        find(format!(
            "{share:.1}% of the TCP segments were sent again: the network is in these figures, so look at it first"
        ));
    }
    if machine.stolen_share() > STOLEN_UNCLEAR {
        let stolen = percent(machine.stolen_share());
        find(format!("the hypervisor kept {stolen} of the CPU for others: use a machine that is not shared"));
    }
    findings
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Evidence {
        Evidence {
            slip_us_p99: Some(400),
            ack_us_p99: Some(900),
            turn_lag_us_p99: Some(300),
            delivery_us_p99: Some(1_000),
            busiest_thread: 0.4,
            waited: 0.05,
            offered: 100_000,
            machine: Troubles { segments: 1_000_000, retransmitted: 3, cpu_ticks: 4_000, ..Troubles::default() },
            ..Evidence::default()
        }
    }

    fn verdict(evidence: Evidence) -> Verdict {
        let (verdict, reasons) = certify(&evidence);
        assert_eq!(verdict == Verdict::Server, reasons.is_empty(), "{reasons:?}");
        verdict
    }

    #[test]
    fn an_unhurried_generator_measured_the_server() {
        assert_eq!(verdict(good()), Verdict::Server);
        // A saturated server makes everything late; a little lateness of ours is nothing beside it.
        let saturated = Evidence { slip_us_p99: Some(9_000), ack_us_p99: Some(2_000_000), ..good() };
        assert_eq!(verdict(saturated), Verdict::Server);
    }

    #[test]
    fn each_sign_of_trouble_is_enough() {
        let machine = good().machine;
        let cases = [
            (Verdict::Generator, Evidence { slip_us_p99: Some(9_000), ack_us_p99: Some(10_000), ..good() }),
            (Verdict::Unclear, Evidence { slip_us_p99: Some(3_000), ack_us_p99: Some(10_000), ..good() }),
            (Verdict::Generator, Evidence { turn_lag_us_p99: Some(9_000), delivery_us_p99: Some(10_000), ..good() }),
            (Verdict::Unclear, Evidence { turn_lag_us_p99: Some(3_000), delivery_us_p99: Some(10_000), ..good() }),
            (Verdict::Generator, Evidence { busiest_thread: 0.99, ..good() }),
            (Verdict::Unclear, Evidence { busiest_thread: 0.9, ..good() }),
            (Verdict::Unclear, Evidence { waited: 0.5, ..good() }),
            (Verdict::Generator, Evidence { own_limits: 1, ..good() }),
            (Verdict::Generator, Evidence { missing_threads: 1, ..good() }),
            (Verdict::Unclear, Evidence { suppressed: 100, ..good() }),
            (Verdict::Unclear, Evidence { machine: Troubles { queue_drops: 500, ..machine }, ..good() }),
            (Verdict::Unclear, Evidence { machine: Troubles { retransmitted: 5_000, ..machine }, ..good() }),
            (Verdict::Unclear, Evidence { machine: Troubles { stolen_ticks: 500, ..machine }, ..good() }),
        ];
        for (expected, evidence) in cases {
            assert_eq!(verdict(evidence), expected, "{evidence:?}");
        }
    }

    #[test]
    fn a_busy_generator_is_what_a_closed_loop_is_for() {
        let evidence = Evidence {
            closed_loop: true,
            busiest_thread: 1.0,
            waited: 0.5,
            slip_us_p99: None,
            turn_lag_us_p99: Some(900),
            ..good()
        };
        assert_eq!(verdict(evidence), Verdict::Server);
        assert_eq!(verdict(Evidence { missing_threads: 2, ..evidence }), Verdict::Generator);
    }

    #[test]
    fn the_worst_finding_decides_and_comes_first() {
        let (verdict, reasons) = certify(&Evidence { waited: 0.5, busiest_thread: 0.99, ..good() });
        assert_eq!(verdict, Verdict::Generator);
        assert!(reasons[0].contains("of its core"), "{reasons:?}");
    }

    #[test]
    fn a_machine_too_small_for_both_is_told_the_way_out() {
        let (_, reasons) = certify(&Evidence { waited: 0.5, ..good() });
        assert!(reasons[0].contains("--workers") && reasons[0].contains("--threads"), "{reasons:?}");
    }
}
