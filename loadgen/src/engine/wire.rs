//! A client's end of its connection: what came and is no whole frame yet, what is to go and was not taken yet.
//!
//! Reads go into a buffer of the thread, writes straight to the socket, or to the trunk that carries it; an idle client owns
//! neither. With TLS or WebSocket there is a line of the client library between; it owns its keys.

use std::io;
use std::rc::Rc;

use bytes::{Buf, Bytes, BytesMut};
use hubbub_codec::line;
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
    /// TLS, WebSocket or both; `None` without.
    layers: Option<Box<line::Line>>,
    /// The beginning of a frame whose rest is still to come.
    leftover: BytesMut,
    /// What the socket did not take.
    unsent: Bytes,
    /// A task waits for the socket to take more.
    pub(super) awaits_writable: bool,
}

/// A line whose handshakes are done, with the frames that came behind them.
pub(super) struct OpenLine {
    pub(super) line: Box<line::Line>,
    pub(super) first: BytesMut,
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
    pub(super) fn over(stream: Rc<TcpStream>, opened: Option<OpenLine>) -> Self {
        let (layers, leftover) = opened.map_or((None, BytesMut::new()), |open| (Some(open.line), open.first));
        Self { line: Line::Socket(stream), layers, leftover, ..Self::default() }
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
        frames: &mut BytesMut,
        session: &mut Peer,
        now_us: u64,
    ) -> Result<bool, String> {
        buffer.clear();
        if self.layers.is_none() {
            buffer.extend_from_slice(&self.leftover);
        }
        buffer.reserve(super::thread::READ_BYTES);
        let room = buffer.capacity() - buffer.len();
        let read = match stream.try_read_buf(buffer) {
            Ok(0) => return Err(self.why_over()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(format!("read: {error}")),
        };
        let opened = self.open(buffer, frames);
        let frames = if self.layers.is_some() { frames } else { buffer };
        let outcome = session.handle_bytes(as_duration(now_us), frames);
        self.keep(frames);
        outcome.map_err(|error| format!("the server broke the protocol: {error}"))?;
        opened.map(|()| read == room)
    }

    /// Takes what was read out of its layers.
    fn open(&mut self, received: &mut BytesMut, frames: &mut BytesMut) -> Result<(), String> {
        let Some(layers) = &mut self.layers else { return Ok(()) };
        frames.clear();
        frames.extend_from_slice(&self.leftover);
        layers.handle_bytes(received, frames).map_err(|error| error.to_string())?;
        if layers.is_over() { Err(layers.why_over().to_string()) } else { Ok(()) }
    }

    fn why_over(&self) -> String {
        let closed = || "the server closed the connection".to_owned();
        self.layers.as_ref().map_or_else(closed, |layers| layers.why_over().to_string())
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
                match self.next_output(session) {
                    Ok(Some(bytes)) => self.unsent = bytes,
                    Ok(None) => return Flushed::All,
                    Err(_) => return Flushed::Broken,
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

    /// What is to be written next: what the session says, within its layers, and what these have to say themselves.
    fn next_output(&mut self, session: &mut Peer) -> Result<Option<Bytes>, line::LineError> {
        let said = session.poll_transmit();
        let Some(layers) = &mut self.layers else { return Ok(said) };
        if let Some(frames) = said {
            layers.write(&frames)?;
        }
        Ok(layers.poll_transmit())
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
