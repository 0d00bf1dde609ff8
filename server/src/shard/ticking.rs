//! Ten times a second: the core's tick, the connections whose deadlines may be over, and once a second the metrics.

use super::Shard;
use super::connection::{Connection, Name, Stage};
use super::deadlines::{TICKS_PER_SECOND, Ticks};
use crate::metrics::{CloseReason, FrameOut, Levels};
use crate::wire;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::bye::Reason;
use hubbub_codec::trunk::TrunkEnd;
use hubbub_core::machine::Input;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const TICK: Duration = Duration::from_millis(1_000 / TICKS_PER_SECOND);
/// How long leaving connections get to take their last frames, in ticks.
const LEAVE_TICKS: Ticks = 20;

/// What to do with a connection whose deadline may be over.
enum Verdict {
    /// Look again then.
    Later(Ticks),
    /// Say why, and close.
    Error(&'static str),
    /// Say goodbye, and close.
    Idle,
    /// Close without a word: it does not read.
    Drop(CloseReason),
}

/// Ticks for as long as the shard lives.
pub(super) async fn tick_loop(shard: Rc<RefCell<Shard>>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        shard.borrow_mut().tick();
    }
}

impl Shard {
    fn tick(&mut self) {
        // Ticks that were missed while the thread was busy are made up, so that deadlines keep to real time.
        let due = (self.begun.elapsed().as_millis() / TICK.as_millis()) as Ticks;
        while self.deadlines.now() < due {
            for id in self.deadlines.advance() {
                self.look(id);
            }
            if self.deadlines.now().is_multiple_of(TICKS_PER_SECOND as Ticks) {
                self.each_second();
            }
        }
        self.input(Input::Tick);
    }

    fn each_second(&mut self) {
        self.note_disk();
        for (shard, from) in self.router.take_presence_lost() {
            self.input(Input::PresenceLost(shard, from));
        }
        let counted = self.core.counters();
        self.counters.sends = counted.sends;
        self.counters.hashes_waiting = self.hasher.waiting() as u64;
        self.counters.entries_delivered = counted.deliveries;
        self.counters.resyncs = counted.resyncs;
        self.counters.entries_expired = counted.entries_expired;
        self.counters.entries_removed = counted.entries_removed;
        self.counters.signals_dropped =
            self.counters.signals_dropped_here + self.router.signals_dropped + counted.signals_dropped;
        self.counters.users_watched = self.core.watched_users() as u64;
        self.counters.conversations_loaded = self.core.conversations_loaded() as u64;
        self.counters.mailbox_refused = self.router.refused;
        self.counters.mailbox_depth = self.mailbox.depth() as u64;
        self.counters.busy_ns = thread_cpu_ns();
        self.counters.connections_unauthenticated = self.node.strangers.load(Relaxed) as u64;
        self.note_pressure();
        self.counters.publish();
        self.commits.publish();
    }

    /// What waits here now.
    fn note_pressure(&mut self) {
        let (counted, waiting) = (self.core.counters(), self.core.waiting());
        let (totals, levels) = (&mut self.counters.pressure.totals, &mut self.counters.pressure.levels);
        (totals.pages, totals.resends_found) = (counted.pages, counted.duplicates);
        *levels = Levels {
            mailbox_backlog: self.router.backlog() as u64,
            commit_pending_bytes: waiting.pending_bytes as u64,
            commit_jobs: self.jobs as u64,
            reads: self.reader.under_way() as u64,
            outbound_bytes: self.outbound_bytes as u64,
            connections_held: self.held.len() as u64,
            syncs: waiting.syncs as u64,
            calls_ringing: waiting.calls_ringing as u64,
        };
    }

    /// Tells the core whether there is room for messages.
    pub(super) fn note_disk(&mut self) {
        self.core.handle(Input::StorageFull(self.node.disk.is_full()), super::now());
    }

    // ---- Deadlines ----

    /// Sees to it that a connection is looked at no later than at a tick.
    pub(super) fn look_by(&mut self, id: (u32, u32), at: Ticks) {
        let Some(connection) = self.connections.get_mut(id.0 as usize) else { return };
        if connection.look_at > at {
            connection.look_at = self.deadlines.schedule(id, at);
        }
    }

    fn look(&mut self, id: (u32, u32)) {
        let now = self.deadlines.now();
        let Some(connection) = self.connection(id) else { return };
        if connection.look_at > now {
            // It was put into an earlier slot since, and has been looked at there.
            return;
        }
        connection.look_at = Ticks::MAX;
        let is_trunk = connection.stage == Stage::Trunk;
        let is_through = self.connections[id.0 as usize].is_through();
        match self.judge(&self.connections[id.0 as usize]) {
            Verdict::Later(at) => self.look_by(id, at),
            // There is no way yet to say anything.
            Verdict::Error(_) | Verdict::Idle if !is_through => self.drop_connection(id, CloseReason::Timeout),
            Verdict::Error(message) if is_trunk => {
                self.end_trunk(id, TrunkEnd::Protocol, message, CloseReason::Timeout)
            }
            Verdict::Idle if is_trunk => self.end_trunk(id, TrunkEnd::Idle, "nothing was heard", CloseReason::Idle),
            Verdict::Error(message) => {
                self.end_timed_out(id, message);
            }
            Verdict::Idle => {
                self.queue(id.0, FrameOut::Bye, wire::bye_frame(Reason::Idle, 0));
                self.close_after_writing(id, CloseReason::Idle);
            }
            Verdict::Drop(reason) => self.drop_connection(id, reason),
        }
    }

    fn judge(&self, connection: &Connection) -> Verdict {
        let (now, limits) = (self.deadlines.now(), &self.limits);
        if self.lingered(connection) {
            return Verdict::Drop(CloseReason::Client);
        }
        let mut next = Ticks::MAX;
        let mut over = |since: Ticks, limit: Ticks| {
            next = next.min(since.saturating_add(limit));
            now >= since.saturating_add(limit)
        };
        if connection.blocked_since != 0 && over(connection.blocked_since, limits.write) {
            return Verdict::Drop(CloseReason::Stalled);
        }
        let stranger = matches!(connection.stage, Stage::Silent | Stage::Greeted);
        if stranger && over(connection.stage_since, limits.login) {
            return Verdict::Error("no login came in time");
        }
        if connection.part_since != 0 && over(connection.part_since, limits.frame) {
            return Verdict::Error("the rest of a frame did not come in time");
        }
        if !connection.stage.is_over() && over(connection.last_heard, limits.idle) {
            return Verdict::Idle;
        }
        Verdict::Later(if connection.stage.is_over() { now + 1 } else { next })
    }

    fn end_timed_out(&mut self, id: (u32, u32), message: &str) {
        self.answer_error(id, 0, hubbub_codec::proto::error::Action::Retry, ErrorCode::Timeout, message.to_owned());
        self.close_after_writing(id, CloseReason::Timeout);
    }

    // ---- Leaving ----

    /// Tells every client to go, once, and ends when they have heard it or had their time. Trunks go last.
    pub(super) fn leave(&mut self) {
        let now = self.deadlines.now();
        let since = *self.leaving_since.get_or_insert(now);
        let of = |(index, connection): (usize, &Connection)| ((index as u32, connection.generation), connection.stage);
        let stages: Vec<(Name, Stage)> = self.connections.iter().map(of).collect();
        for (id, stage) in stages {
            let Some(connection) = self.connection(id) else { continue };
            if !connection.is_through() {
                self.drop_connection(id, CloseReason::Stopping);
            } else if !stage.is_over() && stage != Stage::Trunk {
                let retry_ms = self.retry_ms(id.1);
                self.queue(id.0, FrameOut::Bye, wire::bye_frame(Reason::Drain, retry_ms));
                self.close_after_writing(id, CloseReason::Stopping);
            }
        }
        self.flush_dirty();
        let late = now.saturating_sub(since) >= LEAVE_TICKS;
        self.end_trunks(late);
        self.flush_dirty();
        let hears = |connection: &Connection| matches!(connection.stage, Stage::Closing | Stage::Trunk) && !late;
        self.left = !self.connections.iter().any(|(_, connection)| hears(connection));
        if self.left {
            self.each_second();
        }
    }

    /// A different wait for each connection, so that not all of them come back at once.
    fn retry_ms(&self, generation: u32) -> u32 {
        let spread = self.node.config.shutdown.retry_spread_ms.max(1);
        // Multiplying by the golden ratio spreads consecutive numbers evenly.
        let even = (u64::from(generation.wrapping_mul(0x9e37_79b1)) * spread) >> 32;
        even as u32
    }
}

/// CPU time of the calling thread: what a shard was busy.
#[allow(unsafe_code)]
fn thread_cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live, writable timespec, which is all that clock_gettime writes to.
    if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0 {
        return 0;
    }
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
