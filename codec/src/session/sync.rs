//! Continuing the logs: `Sync` after each login and after a reset, and the run of entries that follows.
//!
//! Promises: every conversation with a cursor is named once after each login, in pages, and `Synced` is reported once,
//! when all of them have been answered.

use std::time::Duration;

use super::event::{Event, Source};
use super::refusal::ProtocolError;
use super::tracks::{Verdict, check_contiguous, last_seq};
use super::{Session, proto};
use crate::ids::{Conversation, LogId, Seq};
use crate::proto::client_frame::Body;

/// The most cursors of one `Sync`, by the protocol.
const CURSORS_MAX: usize = 1_000;

/// More than one encoded cursor takes.
const CURSOR_BYTES_MAX: usize = 48;

/// The syncs of one login.
#[derive(Debug, Default)]
pub(super) struct Syncing {
    /// Requests on the wire.
    open: Vec<u64>,
    /// What they have answered; bounded by `SessionConfig::conversations_max`.
    states: Vec<proto::ConversationState>,
    /// The page that names the others is still to go.
    last_due: bool,
    /// Cursors still to go.
    wanted: bool,
}

impl Syncing {
    pub(super) fn in_flight(&self) -> usize {
        self.open.len()
    }
}

impl Session {
    /// Names all cursors anew; the pages go out as there is room.
    pub(super) fn begin_sync(&mut self) {
        let mut wanted = false;
        for track in self.tracks.iter_mut() {
            track.sync_wanted = track.named;
            wanted |= track.named;
        }
        self.syncing = Some(Box::new(Syncing { last_due: true, wanted, ..Syncing::default() }));
    }

    /// Puts `Sync` pages on the wire, at most `room` of them; returns how many.
    pub(super) fn transmit_syncs(&mut self, now: Duration, room: usize) -> usize {
        let mut sent = 0;
        while sent < room
            && let Some(sync) = self.next_sync()
        {
            let request_id = self.next_request_id;
            self.next_request_id += 1;
            if let Some(syncing) = self.syncing.as_mut() {
                syncing.open.push(request_id);
            }
            self.write(now, request_id, Body::Sync(sync));
            sent += 1;
        }
        sent
    }

    /// The next page of cursors; `None` when all have gone.
    fn next_sync(&mut self) -> Option<proto::Sync> {
        let syncing = self.syncing.as_mut().filter(|syncing| syncing.last_due || syncing.wanted)?;
        let page = (self.limits.frame_bytes_max() / CURSOR_BYTES_MAX).clamp(1, CURSORS_MAX);
        let mut wanted = self.tracks.iter_mut().filter(|track| track.sync_wanted);
        let cursors = wanted
            .by_ref()
            .take(page)
            .map(|track| {
                track.sync_wanted = false;
                track.to_cursor()
            })
            .collect();
        syncing.wanted = wanted.next().is_some();
        let last = !syncing.wanted && std::mem::take(&mut syncing.last_due);
        Some(proto::Sync { cursors, include_others: last && self.config.sync_others })
    }

    pub(super) fn is_sync(&self, request_id: u64) -> bool {
        self.syncing.as_ref().is_some_and(|syncing| syncing.open.contains(&request_id))
    }

    pub(super) fn handle_synced(&mut self, request_id: u64, synced: proto::Synced) -> Result<(), ProtocolError> {
        for state in &synced.conversations {
            let conversation = Conversation::try_from(&state.conversation)?;
            self.note_head(conversation, LogId(state.log_id), state.head)?;
        }
        let conversations_max = self.config.conversations_max as usize;
        let Some(syncing) = self.syncing.as_mut() else {
            return Err(ProtocolError::Unexpected("Synced"));
        };
        syncing.states.extend(synced.conversations);
        if syncing.states.len() > conversations_max.saturating_mul(2) {
            return Err(ProtocolError::TooManyConversations { max: conversations_max });
        }
        if !synced.more {
            self.close_sync(request_id);
        }
        Ok(())
    }

    /// A `Sync` is over; reports `Synced` when it was the last one.
    pub(super) fn close_sync(&mut self, request_id: u64) {
        let Some(syncing) = self.syncing.as_mut() else {
            return;
        };
        syncing.open.retain(|open| *open != request_id);
        if syncing.open.is_empty() && !syncing.last_due && !syncing.wanted {
            let states = std::mem::take(&mut syncing.states);
            self.syncing = None;
            self.events.push_back(Event::Synced(states));
        }
    }

    /// A push of entries, or a page of a sync.
    pub(super) fn handle_entries(&mut self, now: Duration, run: proto::Entries) -> Result<(), ProtocolError> {
        check_contiguous(&run)?;
        let conversation = Conversation::try_from(&run.conversation)?;
        let log_id = LogId(run.log_id);
        let track = self.tracks.entry(conversation, self.config.conversations_max)?;
        if track.log_id.0 == 0 {
            track.log_id = log_id;
        } else if track.log_id != log_id {
            let head = Seq(last_seq(&run).max(run.head));
            self.reset_log(conversation, log_id, Seq(run.floor), head)?;
            self.sync_again(conversation);
        }
        self.apply(now, conversation, run)
    }

    fn apply(&mut self, now: Duration, conversation: Conversation, run: proto::Entries) -> Result<(), ProtocolError> {
        let track = self.tracks.entry(conversation, self.config.conversations_max)?;
        match track.advance(&run) {
            Verdict::Gap => self.hold_behind_gap(&conversation, run),
            Verdict::Take { duplicates } => {
                let source = if run.skip_from_seq.is_some() { Source::CatchUp } else { Source::Live };
                self.report(now, conversation, run, duplicates, source);
            }
        }
        Ok(())
    }

    /// Hands entries that have moved the cursor to the application.
    pub(super) fn report(
        &mut self,
        now: Duration,
        conversation: Conversation,
        run: proto::Entries,
        duplicates: usize,
        source: Source,
    ) {
        self.stats.dropped_duplicates += duplicates as u64;
        let mut entries = run.entries;
        entries.drain(..duplicates);
        if entries.is_empty() {
            return;
        }
        self.note_received(now, conversation, entries.len());
        self.events.push_back(Event::Entries { conversation, log_id: LogId(run.log_id), entries, source });
    }

    /// The log is not the one that the cursor belongs to: begin it again, and tell.
    pub(super) fn reset_log(
        &mut self,
        conversation: Conversation,
        log_id: LogId,
        floor: Seq,
        head: Seq,
    ) -> Result<(), ProtocolError> {
        let track = self.tracks.entry(conversation, self.config.conversations_max)?;
        track.reset(log_id, head);
        if let Some(me) = self.user_id {
            self.outbox.forget_after_seq(conversation, me);
        }
        self.events.push_back(Event::LogReset { conversation, log_id, floor, head });
        Ok(())
    }

    /// Names one conversation in a further sync.
    pub(super) fn sync_again(&mut self, conversation: Conversation) {
        if let Some(track) = self.tracks.get_mut(&conversation) {
            track.sync_wanted = true;
            self.syncing.get_or_insert_default().wanted = true;
        }
    }

    /// Remembers the head of a log, to send `after_seq` with.
    pub(super) fn note_head(
        &mut self,
        conversation: Conversation,
        log_id: LogId,
        head: u64,
    ) -> Result<(), ProtocolError> {
        let track = self.tracks.entry(conversation, self.config.conversations_max)?;
        if track.log_id.0 == 0 {
            track.log_id = log_id;
        }
        if track.log_id == log_id || log_id.0 == 0 {
            track.head = track.head.max(head);
        }
        Ok(())
    }
}
