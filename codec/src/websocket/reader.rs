//! From bytes to messages: whole frames are taken off a buffer, unmasked where they lie, and put together.

use bytes::{Buf, Bytes, BytesMut};

use super::close::CloseFrame;
use super::fault::Fault;
use super::header::{End, Header, Opcode, decode_header};

/// What has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A binary message: the payload of one frame of the protocol.
    Message(Bytes),
    /// To be answered by a pong with the same bytes.
    Ping(Bytes),
    /// Somebody answered a ping, or just lives.
    Pong(Bytes),
    /// The other end sends nothing more. To be answered by a close, unless this is the answer to ours.
    Close(Option<CloseFrame>),
}

/// One direction of a connection, at the end that reads.
#[derive(Debug)]
pub struct Reader {
    end: End,
    is_over: bool,
    /// What has come of a message in pieces, once its first piece has.
    pieces: Option<BytesMut>,
}

impl Reader {
    /// Of a connection whose handshake is done; `end` is ours.
    #[must_use]
    pub fn new(end: End) -> Reader {
        Reader { end, is_over: false, pieces: None }
    }

    /// Takes what came first off `buffer`; `None` until it is complete, and then only pieces of a message were taken.
    /// Messages are at most `message_bytes_max` bytes. After a close, everything else is thrown away.
    ///
    /// # Errors
    /// The [`Fault`] of the first frame. The buffer and the reader are of no use any more.
    pub fn take(&mut self, buffer: &mut BytesMut, message_bytes_max: usize) -> Result<Option<Incoming>, Fault> {
        while !self.is_over {
            let Some((header, header_bytes)) = decode_header(buffer, self.end)? else { return Ok(None) };
            let length = self.check(&header, message_bytes_max)?;
            if buffer.len() < header_bytes + length {
                return Ok(None);
            }
            let mut payload = buffer.split_to(header_bytes + length);
            payload.advance(header_bytes);
            if let Some(mask) = header.mask {
                mask.apply(&mut payload);
            }
            if let Some(incoming) = self.take_frame(&header, payload)? {
                return Ok(Some(incoming));
            }
        }
        buffer.clear();
        Ok(None)
    }

    /// Whether the rest of a message in pieces is still to come.
    #[must_use]
    pub fn is_within_message(&self) -> bool {
        self.pieces.is_some()
    }

    /// Whether the frame may come now, and is not too long: its length.
    fn check(&self, header: &Header, message_bytes_max: usize) -> Result<usize, Fault> {
        let before = match (header.opcode, &self.pieces) {
            (Opcode::Text, _) => return Err(Fault::Text),
            (Opcode::Binary, Some(_)) => return Err(Fault::MessageInMessage),
            (Opcode::Continuation, None) => return Err(Fault::NothingToContinue),
            (Opcode::Continuation, Some(pieces)) => pieces.len(),
            (Opcode::Binary, None) => 0,
            // At most 125 bytes; that was seen in the header.
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(header.length as usize),
        };
        let room = message_bytes_max.saturating_sub(before);
        let fits = usize::try_from(header.length).ok().filter(|length| *length <= room);
        fits.ok_or(Fault::TooLong { length: header.length.saturating_add(before as u64), max: message_bytes_max })
    }

    fn take_frame(&mut self, header: &Header, payload: BytesMut) -> Result<Option<Incoming>, Fault> {
        match header.opcode {
            Opcode::Ping => return Ok(Some(Incoming::Ping(payload.freeze()))),
            Opcode::Pong => return Ok(Some(Incoming::Pong(payload.freeze()))),
            Opcode::Close => {
                self.is_over = true;
                return CloseFrame::decode(payload.freeze()).map(|close| Some(Incoming::Close(close)));
            }
            Opcode::Binary | Opcode::Text if header.is_final => return Ok(Some(Incoming::Message(payload.freeze()))),
            Opcode::Binary | Opcode::Text | Opcode::Continuation => {}
        }
        // A copy of its own: a piece that waits for the rest must not hold the buffer that it came in.
        self.pieces.get_or_insert_default().extend_from_slice(&payload);
        if !header.is_final {
            return Ok(None);
        }
        Ok(self.pieces.take().map(|message| Incoming::Message(message.freeze())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_small() {
        assert!(size_of::<Reader>() <= 40, "{}", size_of::<Reader>());
    }
}
