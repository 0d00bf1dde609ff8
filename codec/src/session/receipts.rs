//! The marks of this device: what it holds, and what its person has seen.
//!
//! Promises: received entries are acknowledged in batches; marks only rise, and the last ones are repeated after each
//! login, so that one lost with a connection is made good.

use std::time::Duration;

use super::refusal::ProtocolError;
use super::timers::Timer;
use super::{Session, proto};
use crate::ids::{Conversation, Seq};
use crate::proto::client_frame::Body;

/// The conversations with entries that are not acknowledged yet.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    /// Each at most once (`Track::unacknowledged`), unless its log was reset meanwhile.
    conversations: Vec<Conversation>,
    entries: u32,
}

impl Session {
    /// The person has seen `conversation` up to `seq`. Marks only rise: a lower one than before does nothing.
    ///
    /// # Errors
    /// [`ProtocolError::TooManyConversations`] when this would be one too many.
    pub fn read(&mut self, now: Duration, conversation: &Conversation, seq: Seq) -> Result<(), ProtocolError> {
        let track = self.tracks.entry(*conversation, self.config.conversations_max)?;
        if seq.0 > track.read {
            track.read = seq.0;
            if self.is_ready() {
                self.write_read(now, *conversation, seq.0);
            }
        }
        Ok(())
    }

    /// Counts entries that the device holds from now on.
    pub(super) fn note_received(&mut self, now: Duration, conversation: Conversation, entries: usize) {
        let Some(track) = self.tracks.get_mut(&conversation) else {
            return;
        };
        if !std::mem::replace(&mut track.unacknowledged, true) {
            self.unacknowledged.conversations.push(conversation);
        }
        let entries = u32::try_from(entries).unwrap_or(u32::MAX);
        self.unacknowledged.entries = self.unacknowledged.entries.saturating_add(entries);
        if !self.timers.is_set(Timer::Delivered) {
            self.timers.set(Timer::Delivered, now + self.config.delivered_interval);
        }
        if self.unacknowledged.entries >= self.config.delivered_entries {
            self.acknowledge(now);
        }
    }

    /// Acknowledges what was received, without waiting for the interval: before a planned end. Writes one `Delivered`
    /// for each conversation that went on since the last time.
    pub fn acknowledge(&mut self, now: Duration) {
        if !self.is_ready() {
            // The next login repeats all marks.
            return;
        }
        self.timers.clear(Timer::Delivered);
        let pending = std::mem::take(&mut self.unacknowledged);
        for conversation in pending.conversations {
            let Some(track) = self.tracks.get_mut(&conversation) else {
                continue;
            };
            // A reset takes the flag off.
            if std::mem::take(&mut track.unacknowledged) {
                let cursor = track.cursor;
                self.write_delivered(now, conversation, cursor);
            }
        }
    }

    /// After a login: what may have been lost with the connection before.
    pub(super) fn repeat_marks(&mut self, now: Duration) {
        self.unacknowledged = Unacknowledged::default();
        self.timers.clear(Timer::Delivered);
        let marks: Vec<_> = self
            .tracks
            .iter_mut()
            .map(|track| {
                track.unacknowledged = false;
                (track.conversation, track.cursor, track.read)
            })
            .collect();
        for (conversation, cursor, read) in marks {
            // `Read` implies `Delivered`.
            if cursor > read {
                self.write_delivered(now, conversation, cursor);
            }
            if read > 0 {
                self.write_read(now, conversation, read);
            }
        }
    }

    fn write_delivered(&mut self, now: Duration, conversation: Conversation, up_to_seq: u64) {
        let delivered = proto::Delivered { conversation: Some(conversation.into()), up_to_seq };
        self.write(now, 0, Body::Delivered(delivered));
    }

    fn write_read(&mut self, now: Duration, conversation: Conversation, up_to_seq: u64) {
        let read = proto::Read { conversation: Some(conversation.into()), up_to_seq };
        self.write(now, 0, Body::Read(read));
    }
}
