//! What a thread tells its run: how far the setup is, one line of figures a second, and its part of the result. All of it
//! travels between processes as JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Troubles;
use crate::latency::{Latencies, Sparse};
use crate::ledger::Account;

/// A message of a thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// How far the setup is; cumulative.
    Setup(Setup),
    /// Everything stands: the traffic may start.
    Ready {
        /// Which thread.
        worker: u32,
    },
    /// One second of the traffic or the drain.
    Second(Box<Second>),
    /// How many of its sessions are synced; told only while somebody disturbs the server.
    Census {
        /// Which thread.
        worker: u32,
        /// Sessions that are synced.
        synced: u32,
        /// Others that stay away just now because the scenario says so.
        away: u32,
        /// When they were counted, in microseconds of the run's clock.
        counted_us: u64,
    },
    /// The thread is done.
    Finished(Box<Part>),
    /// The ledger has no room for more: the thread has ended its traffic, and so should all others.
    Full {
        /// For people: how much it holds, and the way out.
        reason: String,
    },
    /// A process or a machine of the generator is gone: these threads hand in nothing any more.
    Lost {
        /// Threads that had not handed in their part.
        threads: Vec<u32>,
        /// For people: which, and why.
        reason: String,
    },
    /// The run cannot go on.
    Failed {
        /// For people: what, and the way out.
        reason: String,
    },
}

/// How far the setup of a thread is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Which thread.
    pub worker: u32,
    /// Its clients.
    pub clients: u32,
    /// Of these: logged in and synced.
    pub synced: u32,
    /// Its conversations.
    pub conversations: u32,
    /// Of these: made and opened.
    pub opened: u32,
}

/// One second of a thread.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Second {
    /// Which thread.
    pub worker: u32,
    /// Which second, from the start of the traffic.
    pub at_s: u32,
    /// Sends that the schedule wanted (closed loop: that were made).
    pub offered: u64,
    /// Sends acknowledged.
    pub accepted: u64,
    /// Copies at recipients other than the sender.
    pub delivered: u64,
    /// Clients logged in at its end.
    pub connected: u32,
    /// Errors of all kinds.
    pub errors: u64,
    /// Acknowledgements that arrived in it, by how long they took.
    pub ack: Sparse,
    /// Deliveries likewise.
    pub delivery: Sparse,
    /// Fan-outs that were completed in it, by how long they took.
    pub fanout_last: Sparse,
    /// Lateness of its sends.
    pub slip: Sparse,
    /// Clients logged in and synced at its end.
    #[serde(default)]
    pub synced: u32,
    /// Sends without an answer at its end.
    #[serde(default)]
    pub unanswered: u64,
    /// Copies of accepted messages that nobody has yet, at its end; those of messages that not all have count until all do.
    #[serde(default)]
    pub copies_in_flight: u64,
    /// CPU time of the thread in it, in nanoseconds.
    #[serde(default)]
    pub cpu_ns: u64,
    /// Time that the thread was runnable without a CPU, in nanoseconds.
    #[serde(default)]
    pub waited_ns: u64,
    /// Sends that could not be made, because the session's queue was full.
    #[serde(default)]
    pub suppressed: u64,
    /// Connections that failed for want of descriptors, ports or buffers.
    #[serde(default)]
    pub own_limits: u64,
    /// Its errors by their words.
    #[serde(default)]
    pub error_kinds: BTreeMap<String, u64>,
}

/// Figures of the measured phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Steady {
    /// Sends that the schedule wanted.
    pub offered: u64,
    /// Sends acknowledged.
    pub accepted: u64,
    /// Copies at recipients other than the sender.
    pub delivered: u64,
    /// How long it was, in microseconds.
    pub elapsed_us: u64,
    /// The thread's CPU time in it, in nanoseconds.
    pub cpu_ns: u64,
    /// The thread's time runnable without a CPU, in nanoseconds.
    pub waited_ns: u64,
    /// What went wrong on the machine, for everybody on it.
    #[serde(default)]
    pub machine: Troubles,
}

/// What happened over the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Sends that the schedule wanted.
    pub offered: u64,
    /// Sends that were due while their user was away on purpose: not made.
    pub skipped_away: u64,
    /// Sends that were due while the session's queue was full: not made.
    pub suppressed: u64,
    /// Logins that succeeded.
    pub logins: u64,
    /// Connections that ended without being asked to.
    pub disconnects: u64,
    /// Reconnects by the schedule.
    pub churned: u64,
    /// Read marks sent.
    pub reads: u64,
    /// Copies at recipients other than the sender.
    pub delivered: u64,
    /// Connections that could not be made.
    pub connect_errors: u64,
    /// Of these: for want of descriptors, ports or buffers of the generator.
    pub own_limits: u64,
    /// Typing signals sent.
    pub typing_sent: u64,
    /// Typing signals received, by each device that was told.
    pub typing_received: u64,
    /// Presence of one user told to one watcher, answers to their own questions included.
    pub presence_told: u64,
    /// Connections that dropped in the storm.
    pub dropped: u64,
    /// Clients that were away when the traffic began and were brought back.
    pub returned: u64,
    /// Clients that logged in once and never came back.
    pub absent: u64,
}

/// What watchers saw at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PresenceCheck {
    /// Users watched, once for each watcher that was there.
    pub watched: u64,
    /// Of these: seen otherwise than they were.
    pub wrong: u64,
    /// How long it took after the traffic until nobody was, in microseconds; if somebody stayed so: how long was waited.
    pub settled_us: u64,
}

/// What the client sessions counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Gaps that the sessions closed by `History`.
    pub repaired_gaps: u64,
    /// Entries that were sent again, and dropped.
    pub dropped_duplicates: u64,
    /// Requests put on the wire again.
    pub resends: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Frames read.
    pub frames_in: u64,
    /// Frames written.
    pub frames_out: u64,
}

/// A thread's part of the result.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Part {
    /// Which thread.
    pub worker: u32,
    /// The ledger.
    pub account: Account,
    /// Histograms.
    pub latencies: Latencies,
    /// The measured phase.
    pub steady: Steady,
    /// The whole run.
    pub counts: Counts,
    /// The sessions' own counters.
    pub sessions: Sessions,
    /// The most that its ledgers remembered at one time.
    #[serde(default)]
    pub unsettled_most: u64,
    /// Errors by their words.
    pub errors: BTreeMap<String, u64>,
    /// What the scenario wanted and the protocol cannot do, and how often.
    #[serde(default)]
    pub not_driven: BTreeMap<String, u64>,
    /// When the last of its conversations was closed, in microseconds after the traffic.
    pub drained_us: u64,
    /// What watchers saw at the end; absent without any.
    #[serde(default)]
    pub presence: Option<PresenceCheck>,
}

impl PresenceCheck {
    /// Adds another thread's.
    pub fn add(&mut self, other: &Self) {
        self.watched += other.watched;
        self.wrong += other.wrong;
        self.settled_us = self.settled_us.max(other.settled_us);
    }
}

impl Counts {
    /// Adds another thread's.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.skipped_away += other.skipped_away;
        self.suppressed += other.suppressed;
        self.logins += other.logins;
        self.disconnects += other.disconnects;
        self.churned += other.churned;
        self.reads += other.reads;
        self.delivered += other.delivered;
        self.connect_errors += other.connect_errors;
        self.own_limits += other.own_limits;
        self.typing_sent += other.typing_sent;
        self.typing_received += other.typing_received;
        self.presence_told += other.presence_told;
        self.dropped += other.dropped;
        self.returned += other.returned;
        self.absent += other.absent;
    }
}

impl Sessions {
    /// Adds another thread's, or another session's.
    pub fn add(&mut self, other: &Self) {
        self.repaired_gaps += other.repaired_gaps;
        self.dropped_duplicates += other.dropped_duplicates;
        self.resends += other.resends;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.frames_in += other.frames_in;
        self.frames_out += other.frames_out;
    }
}
