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

/// The way out when the kernel gives no more.
const MORE_ROOM: &str = "raise `ulimit -n` and `net.ipv4.ip_local_port_range`, or use more `--processes`";

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

/// Something that was found.
struct Finding {
    /// Whose limit it makes the result.
    verdict: Verdict,
    /// What.
    words: String,
    /// What can be done about it; empty when nothing is to be done here.
    way_out: &'static str,
}

impl Finding {
    fn new(verdict: Verdict, words: String, way_out: &'static str) -> Self {
        Self { verdict, words, way_out }
    }
}

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
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let verdict = findings.first().map_or(Verdict::Server, |finding| finding.verdict);
    (verdict, in_words(&findings))
}

/// Each way out is said once, at the worst finding that it helps with.
fn in_words(findings: &[Finding]) -> Vec<String> {
    let said = |at: usize| findings[..at].iter().any(|finding| finding.way_out == findings[at].way_out);
    let words = findings.iter().enumerate().map(|(at, finding)| match finding.way_out {
        way_out if way_out.is_empty() || said(at) => finding.words.clone(),
        way_out => format!("{}: {way_out}", finding.words),
    });
    words.collect()
}

/// Threads, connections and sends that are missing.
fn judge_losses(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    if evidence.missing_threads > 0 {
        let words =
            format!("{} generator threads were lost on the way, with what they measured", evidence.missing_threads);
        findings.push(Finding::new(Verdict::Generator, words, ""));
    }
    if evidence.own_limits > 0 {
        let words =
            format!("{} connections failed for want of descriptors, ports or buffers here", evidence.own_limits);
        findings.push(Finding::new(Verdict::Generator, words, MORE_ROOM));
    }
    if evidence.suppressed as f64 > SUPPRESSED_UNCLEAR * evidence.offered as f64 {
        let words = format!(
            "{} sends could not be made, as the sessions' queues were full, so latencies are flattered",
            evidence.suppressed
        );
        findings.push(Finding::new(Verdict::Unclear, words, "offer less, or by more clients"));
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
    Some(Finding::new(verdict, format!("{what} {late} late at p99, which is {share} of the p99 {of}"), MORE_MACHINES))
}

fn judge_cpu(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    if evidence.busiest_thread > BUSY_UNCLEAR {
        let verdict = if evidence.busiest_thread > BUSY_GENERATOR { Verdict::Generator } else { Verdict::Unclear };
        let words = format!("the busiest generator thread used {} of its core", percent(evidence.busiest_thread));
        findings.push(Finding::new(verdict, words, MORE_THREADS));
    }
    if evidence.waited > WAITED_UNCLEAR {
        let waited = percent(evidence.waited);
        let words = format!("a generator thread waited for a CPU for {waited} of the measured phase");
        findings.push(Finding::new(Verdict::Unclear, words, MORE_MACHINES));
    }
    findings
}

/// The machine beside the program: packets lost, CPU kept back.
fn judge_machine(machine: &Troubles) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |words, way_out| findings.push(Finding::new(Verdict::Unclear, words, way_out));
    if machine.queue_drops as f64 > QUEUE_DROPS_UNCLEAR * machine.segments as f64 {
        let words = format!("this machine threw away {} segments for want of room in a socket", machine.queue_drops);
        find(words, "raise `net.core.rmem_max`");
    }
    if machine.retransmitted_share() > RETRANSMITTED_UNCLEAR {
        let share = machine.retransmitted_share() * 100.0;
        let words = format!("{share:.1}% of the TCP segments were sent again, so the network is in these figures");
        find(words, "look at the network first");
    }
    if machine.stolen_share() > STOLEN_UNCLEAR {
        let stolen = percent(machine.stolen_share());
        find(format!("the hypervisor kept {stolen} of the CPU for others"), "use a machine that is not shared");
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

    #[test]
    fn a_way_out_of_two_troubles_is_told_once() {
        let evidence = Evidence { waited: 0.5, slip_us_p99: Some(9_000), ack_us_p99: Some(10_000), ..good() };
        let (_, reasons) = certify(&evidence);
        assert_eq!(reasons.len(), 2);
        assert!(reasons[0].contains("--workers") && !reasons[1].contains("--workers"), "{reasons:?}");
    }
}
