//! The cursors as the application sees and keeps them.

use super::Session;
use super::refusal::ProtocolError;
use crate::ids::{Conversation, LogId, Seq};

impl Session {
    /// Where this device stands in a log: the last entry that was reported. `None` when it knows nothing of it.
    #[must_use]
    pub fn cursor(&self, conversation: &Conversation) -> Option<(LogId, Seq)> {
        let track = self.tracks.get(conversation)?;
        track.named.then_some((track.log_id, Seq(track.cursor)))
    }

    /// All cursors, for clients that keep them.
    pub fn cursors(&self) -> impl Iterator<Item = (Conversation, LogId, Seq)> {
        self.tracks
            .iter()
            .filter(|track| track.named)
            .map(|track| (track.conversation, track.log_id, Seq(track.cursor)))
    }

    /// Continues a log where an earlier run of the application stood. Call it before the first connection; a cursor
    /// below the present one does nothing.
    ///
    /// # Errors
    /// [`ProtocolError::TooManyConversations`] when this would be one too many.
    pub fn restore_cursor(&mut self, conversation: Conversation, log_id: LogId, seq: Seq) -> Result<(), ProtocolError> {
        let track = self.tracks.entry(conversation, self.config.conversations_max)?;
        track.named = true;
        if seq.0 >= track.cursor {
            track.log_id = log_id;
            track.cursor = seq.0;
            track.head = track.head.max(seq.0);
        }
        Ok(())
    }
}
