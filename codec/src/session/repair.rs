//! Gaps: a push that does not follow what is held.
//!
//! Promises: nothing after a gap is reported before the gap is closed by `History`; what is pushed meanwhile waits
//! within a bound, and beyond it is dropped and fetched as well. Never asks again without a pause when the server's
//! answer does not help.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Source;
use super::refusal::ProtocolError;
use super::timers::Timer;
use super::tracks::{Verdict, last_seq};
use super::{Session, proto};
use crate::ids::Conversation;
use crate::proto::client_frame::Body;

/// The most that one `History` may ask for, by the protocol.
const HISTORY_LIMIT: u32 = 200;

/// The pause before a gap is asked for again after an answer that did not help.
const REPAIR_PAUSE: Duration = Duration::from_secs(1);

/// What is known of the other side of a gap.
#[derive(Debug, Default)]
pub(super) struct Gap {
    /// The `History` on the wire.
    request_id: Option<u64>,
    not_before: Duration,
    /// Runs that wait, in the order of their arrival.
    waiting: VecDeque<proto::Entries>,
    waiting_entries: usize,
    /// The highest seq that was pushed; the gap is closed when the cursor is here.
    target: u64,
}

impl Gap {
    /// Keeps a run until the gap is closed; false when there is no room for it.
    fn hold(&mut self, run: proto::Entries, entries_max: u32) -> bool {
        self.target = self.target.max(last_seq(&run));
        // An empty run counts as one, so that the number of runs is bounded too.
        let cost = run.entries.len().max(1);
        if self.waiting_entries + cost > entries_max as usize {
            return false;
        }
        self.waiting_entries += cost;
        self.waiting.push_back(run);
        true
    }

    fn pop(&mut self) -> Option<proto::Entries> {
        let run = self.waiting.pop_front()?;
        self.waiting_entries -= run.entries.len().max(1);
        Some(run)
    }
}

impl Session {
    /// Holds a run that came too early, and asks for what is before it.
    pub(super) fn hold_behind_gap(&mut self, conversation: &Conversation, run: proto::Entries) {
        let entries_max = self.config.buffered_entries_max;
        let Some(track) = self.tracks.get_mut(conversation) else {
            return;
        };
        let opened = track.gap.is_none();
        let entries = run.entries.len() as u64;
        let held = track.gap.get_or_insert_default().hold(run, entries_max);
        if !held {
            self.stats.dropped_buffered += entries;
        }
        // After a reset the conversation may be in the queue still.
        if opened && !self.repairs.contains(conversation) {
            self.repairs.push_back(*conversation);
        }
    }

    /// Puts `History` requests on the wire, at most `room` of them; returns how many.
    pub(super) fn transmit_repairs(&mut self, now: Duration, room: usize) -> usize {
        let mut sent = 0;
        for _ in 0..self.repairs.len() {
            let Some(conversation) = self.repairs.pop_front() else {
                break;
            };
            let Some((track, not_before)) = self.tracks.get_mut(&conversation).and_then(|track| {
                let not_before = track.gap.as_ref()?.not_before;
                Some((track, not_before))
            }) else {
                continue;
            };
            if not_before > now {
                self.timers.set_earliest(Timer::Repair, not_before);
                self.repairs.push_back(conversation);
                continue;
            }
            if sent == room {
                self.repairs.push_back(conversation);
                continue;
            }
            let request_id = self.next_request_id;
            self.next_request_id += 1;
            let after_seq = track.cursor;
            if let Some(gap) = &mut track.gap {
                gap.request_id = Some(request_id);
            }
            sent += 1;
            self.repairs_in_flight.push((request_id, conversation));
            let history = history_after(conversation, after_seq);
            self.write(now, request_id, Body::History(history));
        }
        sent
    }

    /// The conversation whose gap a reply is about; the request is then over.
    pub(super) fn take_repair(&mut self, request_id: u64) -> Option<Conversation> {
        let at = self.repairs_in_flight.iter().position(|(id, _)| *id == request_id)?;
        let (_, conversation) = self.repairs_in_flight.swap_remove(at);
        let gap = self.tracks.get_mut(&conversation)?.gap.as_mut()?;
        // A reset may have opened another gap since.
        (gap.request_id == Some(request_id)).then(|| gap.request_id = None)?;
        Some(conversation)
    }

    /// A part of the gap came: report it, then what waited behind it as far as it follows.
    pub(super) fn handle_repair(
        &mut self,
        now: Duration,
        conversation: Conversation,
        run: proto::Entries,
    ) -> Result<(), ProtocolError> {
        let Some(track) = self.tracks.get_mut(&conversation) else {
            return Ok(());
        };
        let before = track.cursor;
        if let Verdict::Take { duplicates } = track.advance(&run) {
            self.stats.repaired_entries += (run.entries.len() - duplicates) as u64;
            self.report(now, conversation, run, duplicates, Source::Repair);
        }
        self.release_waiting(now, conversation);
        let Some(track) = self.tracks.get_mut(&conversation) else {
            return Ok(());
        };
        let (progressed, cursor) = (track.cursor > before, track.cursor);
        if track.gap.as_ref().is_some_and(|gap| cursor >= gap.target) {
            track.gap = None;
            self.stats.repaired_gaps += 1;
        } else {
            let pause = if progressed { Duration::ZERO } else { REPAIR_PAUSE };
            self.postpone_repair(conversation, now + pause);
        }
        Ok(())
    }

    /// Asks for the gap again at `at`.
    pub(super) fn postpone_repair(&mut self, conversation: Conversation, at: Duration) {
        if let Some(gap) = self.tracks.get_mut(&conversation).and_then(|track| track.gap.as_mut()) {
            gap.not_before = at;
            if !self.repairs.contains(&conversation) {
                self.repairs.push_back(conversation);
            }
        }
    }

    /// The server will not tell: this user is no member any more. What waited cannot be reported.
    pub(super) fn abandon_repair(&mut self, conversation: Conversation) {
        if let Some(track) = self.tracks.get_mut(&conversation) {
            track.gap = None;
        }
    }

    /// Forgets all gaps: the sync after the next login begins at the cursors.
    pub(super) fn forget_repairs(&mut self) {
        if self.repairs.is_empty() && self.repairs_in_flight.is_empty() {
            return;
        }
        self.repairs = VecDeque::new();
        self.repairs_in_flight = Vec::new();
        for track in self.tracks.iter_mut() {
            track.gap = None;
        }
    }

    fn release_waiting(&mut self, now: Duration, conversation: Conversation) {
        while let Some(track) = self.tracks.get_mut(&conversation)
            && let Some(gap) = track.gap.as_mut()
            && let Some(run) = gap.pop()
        {
            match track.advance(&run) {
                Verdict::Take { duplicates } => {
                    self.report(now, conversation, run, duplicates, Source::Live);
                }
                Verdict::Gap => {
                    if let Some(gap) = track.gap.as_mut() {
                        gap.waiting_entries += run.entries.len().max(1);
                        gap.waiting.push_front(run);
                    }
                    return;
                }
            }
        }
    }
}

fn history_after(conversation: Conversation, after_seq: u64) -> proto::History {
    proto::History {
        conversation: Some(conversation.into()),
        position: Some(proto::history::Position::AfterSeq(after_seq)),
        limit: HISTORY_LIMIT,
        // As they would have been pushed.
        raw: true,
    }
}
