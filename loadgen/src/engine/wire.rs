//! A client's end of its connection: what came and is no whole frame yet, what is to go and was not taken yet.
//!
//! Reads go into a buffer of the thread, writes straight to the socket, or to the trunk that carries it; an idle client owns
//! neither.

use std::io;
use std::rc::Rc;

use bytes::{Buf, Bytes, BytesMut};
use hubbub_codec::trunk::ChannelId;
use tokio::net::TcpStream;

use super::peer::Peer;
use super::trunk_end::SharedTrunk;
use crate::clock::as_duration;

/// What carries the bytes.
#[derive(Debug, Default)]
enum Line {
    #[default]
    Down,
    Socket(Rc<TcpStream>),
    Channel(SharedTrunk, ChannelId),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Wire {
    line: Line,
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
        Self { line: Line::Socket(stream), ..Self::default() }
    }

    /// Within a trunk.
    pub(super) fn within(trunk: SharedTrunk, channel: ChannelId) -> Self {
        Self { line: Line::Channel(trunk, channel), ..Self::default() }
    }

    /// Its own socket, if it has one.
    pub(super) fn stream(&self) -> Option<&Rc<TcpStream>> {
        match &self.line {
            Line::Socket(stream) => Some(stream),
            Line::Channel(..) | Line::Down => None,
        }
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

    /// Gives the session what came in its channel.
    ///
    /// # Errors
    /// In words, when the server broke the protocol.
    pub(super) fn take_data(&mut self, mut bytes: BytesMut, session: &mut Peer, now_us: u64) -> Result<(), String> {
        if !self.leftover.is_empty() {
            let mut joined = std::mem::take(&mut self.leftover);
            joined.extend_from_slice(&bytes);
            bytes = joined;
        }
        let outcome = session.handle_bytes(as_duration(now_us), &mut bytes);
        self.keep(&bytes);
        outcome.map_err(|error| format!("the server broke the protocol: {error}"))
    }

    /// Keeps what was not handled.
    fn keep(&mut self, rest: &BytesMut) {
        self.leftover.clear();
        match rest.is_empty() {
            true => self.leftover = BytesMut::new(),
            false => self.leftover.extend_from_slice(rest),
        }
    }

    /// Writes what the session has, as far as the socket, or the window of the channel, takes it.
    pub(super) fn flush(&mut self, session: &mut Peer) -> Flushed {
        if matches!(self.line, Line::Down) {
            return Flushed::All;
        }
        loop {
            if self.unsent.is_empty() {
                match session.poll_transmit() {
                    Some(bytes) => self.unsent = bytes,
                    None => return Flushed::All,
                }
            }
            match &self.line {
                Line::Channel(trunk, channel) => {
                    trunk.borrow_mut().send(*channel, &mut self.unsent);
                    if !self.unsent.is_empty() {
                        return Flushed::Blocked;
                    }
                }
                Line::Socket(stream) => match stream.try_write(&self.unsent) {
                    Ok(written) => self.unsent.advance(written),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flushed::Blocked,
                    Err(_) => return Flushed::Broken,
                },
                Line::Down => return Flushed::All,
            }
        }
    }

    /// Ends the connection; whoever reads it notices and does the rest.
    pub(super) fn shut_down(&self) {
        match &self.line {
            // It fails when the connection is gone already.
            Line::Socket(stream) => {
                let _ = socket2::SockRef::from(stream.as_ref()).shutdown(std::net::Shutdown::Both);
            }
            Line::Channel(trunk, channel) => trunk.borrow_mut().let_go(*channel),
            Line::Down => {}
        }
    }
}
