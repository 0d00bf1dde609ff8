//! Flow control of one channel, the same at both ends: nobody sends what the other has no room for.
//!
//! Each side may have sent a window of bytes that the other has not taken. Taken bytes are given back as credit, half a
//! window at a time, so that small traffic costs next to none.

use super::frame::PIECE_BYTES_MAX;

/// See the module. 12 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    may_send: u32,
    may_come: u32,
    /// Taken, and not given back.
    taken: u32,
}

/// The other side took more room than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the window of a channel was overrun")]
pub struct Overrun;

impl Window {
    /// Of a fresh channel.
    #[must_use]
    pub fn new(window_bytes: u32) -> Self {
        Self { may_send: window_bytes, may_come: window_bytes, taken: 0 }
    }

    /// How many bytes may be sent now, in one piece.
    #[must_use]
    pub fn room(&self) -> usize {
        (self.may_send as usize).min(PIECE_BYTES_MAX)
    }

    /// So many bytes go out; at most [`Window::room`].
    pub fn note_sent(&mut self, bytes: usize) {
        self.may_send = self.may_send.saturating_sub(bytes as u32);
    }

    /// The other side has given credit.
    ///
    /// # Errors
    /// More than was sent, or nothing: then nothing changes.
    pub fn note_credit(&mut self, bytes: u32, window_bytes: u32) -> Result<(), Overrun> {
        match self.may_send.checked_add(bytes) {
            Some(may_send) if may_send <= window_bytes && bytes > 0 => self.may_send = may_send,
            _ => return Err(Overrun),
        }
        Ok(())
    }

    /// So many bytes have come.
    ///
    /// # Errors
    /// There was no room for them.
    pub fn note_came(&mut self, bytes: usize) -> Result<(), Overrun> {
        let bytes = u32::try_from(bytes).map_err(|_| Overrun)?;
        self.may_come = self.may_come.checked_sub(bytes).ok_or(Overrun)?;
        Ok(())
    }

    /// So many bytes that had come were taken; the credit to be given now, if any.
    #[must_use]
    pub fn take(&mut self, bytes: usize, window_bytes: u32) -> Option<u32> {
        self.taken += bytes as u32;
        if self.taken < window_bytes.div_ceil(2) {
            return None;
        }
        self.may_come += self.taken;
        Some(std::mem::take(&mut self.taken))
    }
}
