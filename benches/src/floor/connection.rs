//! What the floor keeps for one connection: its socket and, while it is written to, a borrowed buffer.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::net::tcp::OwnedWriteHalf;

/// See the module.
pub(super) struct Connection {
    pub(super) write: OwnedWriteHalf,
    /// 0 before the login.
    pub(super) user: u64,
    /// Frames to be written; empty, and without memory, while nothing is.
    pub(super) out: BytesMut,
    /// A part of a frame.
    pub(super) unread: Vec<u8>,
    /// Stands in the list of those to be written to.
    pub(super) dirty: bool,
    /// The socket took no more: a task waits for it.
    pub(super) blocked: bool,
}

impl Connection {
    pub(super) fn new(write: OwnedWriteHalf) -> Connection {
        Connection { write, user: 0, out: BytesMut::new(), unread: Vec::new(), dirty: false, blocked: false }
    }

    /// Writes as much as the socket takes: `true` when nothing is left.
    ///
    /// # Errors
    /// The connection is gone.
    pub(super) fn write_out(&mut self) -> io::Result<bool> {
        while !self.out.is_empty() {
            match self.write.try_write(&self.out) {
                Ok(written) => self.out.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
