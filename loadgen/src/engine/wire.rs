//! A client's end of its connection: what came and is no whole frame yet, what is to go and was not taken yet.
//!
//! Reads go into a buffer of the thread, writes straight to the socket; an idle client owns neither.

use std::io;
use std::rc::Rc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::TcpStream;

use super::peer::Peer;
use crate::clock::as_duration;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Wire {
    stream: Option<Rc<TcpStream>>,
    /// The beginning of a frame whose rest is still to come.
    leftover: BytesMut,
    /// What the socket did not take.
    unsent: Bytes,
    /// A task waits for the socket to take more.
    pub(super) awaits_writable: bool,
}

/// What came of an attempt to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    All,
    Blocked,
    /// The socket is broken; its reader will notice too.
    Broken,
}

impl Wire {
    /// Over a socket that is connected.
    pub(super) fn over(stream: Rc<TcpStream>) -> Self {
        Self { stream: Some(stream), ..Self::default() }
    }

    pub(super) fn stream(&self) -> Option<&Rc<TcpStream>> {
        self.stream.as_ref()
    }

    /// Reads once and gives the session what there is. `Ok(false)`: there is nothing more for now.
    ///
    /// # Errors
    /// In words, when the connection is over.
    pub(super) fn read(
        &mut self,
        stream: &TcpStream,
        buffer: &mut BytesMut,
        session: &mut Peer,
        now_us: u64,
    ) -> Result<bool, String> {
        buffer.clear();
        buffer.extend_from_slice(&self.leftover);
        buffer.reserve(super::thread::READ_BYTES);
        let room = buffer.capacity() - buffer.len();
        let read = match stream.try_read_buf(buffer) {
            Ok(0) => return Err("the server closed the connection".to_owned()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(format!("read: {error}")),
        };
        let outcome = session.handle_bytes(as_duration(now_us), buffer);
        self.keep(buffer);
        outcome.map_err(|error| format!("the server broke the protocol: {error}"))?;
        Ok(read == room)
    }

    /// Keeps what was not handled.
    fn keep(&mut self, rest: &BytesMut) {
        self.leftover.clear();
        match rest.is_empty() {
            true => self.leftover = BytesMut::new(),
            false => self.leftover.extend_from_slice(rest),
        }
    }

    /// Writes what the session has, as far as the socket takes it.
    pub(super) fn flush(&mut self, session: &mut Peer) -> Flushed {
        let Some(stream) = &self.stream else {
            return Flushed::All;
        };
        loop {
            if self.unsent.is_empty() {
                match session.poll_transmit() {
                    Some(bytes) => self.unsent = bytes,
                    None => return Flushed::All,
                }
            }
            match stream.try_write(&self.unsent) {
                Ok(written) => self.unsent.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(_) => return Flushed::Broken,
            }
        }
    }

    /// Ends the connection; the reader notices and does the rest.
    pub(super) fn shut_down(&self) {
        if let Some(stream) = &self.stream {
            // It fails when the connection is gone already.
            let _ = socket2::SockRef::from(stream.as_ref()).shutdown(std::net::Shutdown::Both);
        }
    }
}
