//! The end of a run: waiting until the ledger closes, and proving what is lost.
//!
//! When nothing has moved for a while and something is still open, every client that lacks an entry or an answer connects
//! again: the sync that follows brings all there is. Only what is missing after that is called lost.

use super::plan::Plan;
use super::presence::Settling;
use super::report::Report;
use super::thread::Thread;
use crate::ledger::book::Book;

/// A closed ledger is watched for this long: a late duplicate must not escape it.
const WATCH_US: u64 = 300_000;

/// Nothing moving for this long means that waiting alone will not help.
const STALL_US: u64 = 2_000_000;

/// How often everybody who lacks something is made to ask.
const ASK_TIMES_MAX: u32 = 2;

/// How far the drain is.
#[derive(Debug)]
pub(super) struct Drain {
    /// First of all, watchers must see the truth.
    settling: Option<Settling>,
    deadline_us: u64,
    drain_us: u64,
    closed_since_us: Option<u64>,
    progress: u64,
    moved_us: u64,
    asked_times: u32,
}

impl Drain {
    pub(super) fn new(now_us: u64, plan: &Plan) -> Self {
        Self {
            settling: plan.scenario.presence.as_ref().map(|_| Settling::new(now_us, plan)),
            deadline_us: now_us + plan.drain_us(),
            drain_us: plan.drain_us(),
            closed_since_us: None,
            progress: 0,
            moved_us: now_us,
            asked_times: 0,
        }
    }
}

impl Thread {
    /// One look; `None` when it is over.
    pub(super) fn go_on_with_drain(&mut self, mut drain: Drain, now_us: u64) -> Option<Drain> {
        if let Some(settling) = drain.settling.take() {
            drain.settling = self.go_on_with_settling(settling, now_us);
            if drain.settling.is_none() && self.plan.settle_us() > 0 {
                // Whoever was away comes back now.
                drain.deadline_us = now_us + drain.drain_us;
            }
            return Some(drain);
        }
        let progress = self.meters.progress();
        if progress != drain.progress {
            (drain.progress, drain.moved_us) = (progress, now_us);
        }
        if self.is_closed() {
            let since_us = *drain.closed_since_us.get_or_insert(now_us);
            return (now_us < since_us + WATCH_US).then_some(drain);
        }
        drain.closed_since_us = None;
        if now_us >= drain.deadline_us {
            return None;
        }
        if now_us >= drain.moved_us + STALL_US {
            if drain.asked_times == ASK_TIMES_MAX && self.everybody_was_asked() {
                return None;
            }
            if drain.asked_times < ASK_TIMES_MAX {
                self.ask_those_who_lack();
                drain.asked_times += 1;
            }
            drain.moved_us = now_us;
        }
        Some(drain)
    }

    /// The traffic ends before its time, because of what the ledgers already have to remember.
    pub(super) fn tell_full(&self) {
        let room = &self.meters.account.room;
        let (held, bytes) = (room.held(), self.plan.ledger_bytes);
        let reason = format!(
            "the ledger reached its limit: a thread of {} had {held} messages that are not settled, and --ledger-bytes \
             {bytes} has room for {} in each; recipients are too far behind, or the limit is too small",
            self.share.workers,
            room.max()
        );
        self.tell(Report::Full { reason });
    }

    fn is_closed(&self) -> bool {
        self.ledgers().all(|(_, ledger)| ledger.is_settled())
    }

    fn ledgers(&self) -> impl Iterator<Item = (&[u32], &Book)> {
        self.conversations
            .iter()
            .filter_map(|conversation| Some((&*conversation.members, conversation.ledger.as_ref()?)))
    }

    /// Clients that lack an entry or an answer.
    fn who_lacks(&self) -> Vec<u32> {
        let mut lacking: Vec<u32> = self
            .ledgers()
            .filter(|(_, ledger)| !ledger.is_settled())
            .flat_map(|(members, ledger)| (0..).zip(members).filter(|(member, _)| ledger.lags(*member)))
            .map(|(_, client)| *client)
            .chain((0..).zip(&self.clients).filter(|(_, client)| !client.pending.is_empty()).map(|(index, _)| index))
            .collect();
        lacking.sort_unstable();
        lacking.dedup();
        lacking
    }

    fn ask_those_who_lack(&mut self) {
        for index in self.who_lacks() {
            let client = &mut self.clients[index as usize];
            (client.asking, client.asked) = (true, false);
            client.wire.shut_down();
        }
    }

    fn everybody_was_asked(&self) -> bool {
        self.who_lacks().iter().all(|index| self.clients[*index as usize].asked)
    }

    /// Judges what is still open.
    pub(super) fn close_ledgers(&mut self) {
        let clients = &self.clients;
        for conversation in &mut self.conversations {
            let asked = |member: u32| clients[conversation.members[member as usize] as usize].asked;
            if let Some(ledger) = &mut conversation.ledger {
                ledger.finish(asked, &mut self.meters.account);
            }
        }
    }
}
