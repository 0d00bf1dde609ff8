//! From the shard to the socket: frames are queued during a turn and leave in one write at its end.
//!
//! What a socket does not take stays queued, and a task waits for it; beyond the limit nothing more is pushed to that
//! connection (it *lags*, and the core continues its logs when it has drained). Answers to requests are always queued:
//! there are at most as many as may be in progress, and a connection over its limit is not read.

use super::Shard;
use super::connection::{Connection, Line, Name, Stage, session};
use crate::edge::layers::Layers;
use crate::metrics::{CloseReason, FrameOut, Refusal, TlsFailure};
use crate::wire;
use bytes::{Buf, Bytes, BytesMut};
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;
use hubbub_core::ids::Conversation;
use hubbub_core::machine::Input;
use hubbub_core::message::Start;
use hubbub_core::request::{Reply, SessionId};
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::AbortHandle;

/// Several frames of up to this many bytes together are copied into one buffer and written from there.
const COPY_BYTES_MAX: usize = 8 * 1024;
/// Most frames in one write.
const FRAMES_PER_WRITE: usize = 64;
/// When the node holds too many bytes, a connection may hold this part of its limit.
const SHARE_WHEN_FULL: usize = 16;
/// Most bytes of frames that are sealed for one write. What the socket does not take of it waits in this form.
const SEAL_BYTES_MAX: usize = 64 * 1024;
/// A client gets this long to read our last frame.
const LINGER_MS: u64 = 2_000;

/// Buffers of a shard that every write may use.
#[derive(Debug, Default)]
pub(super) struct WriteScratch {
    /// Small frames of one connection are joined here.
    joined: Vec<u8>,
    /// What layers make of them.
    sealed: Vec<u8>,
}

impl Shard {
    /// The connection of a name, if it is still that one.
    pub(super) fn connection(&mut self, id: (u32, u32)) -> Option<&mut Connection> {
        self.connections.get_mut(id.0 as usize).filter(|connection| connection.generation == id.1)
    }

    /// The connection of a session that can be written to.
    fn open_connection(&mut self, session: SessionId) -> Option<&mut Connection> {
        self.connection((session.index, session.generation)).filter(|connection| connection.stage == Stage::Open)
    }

    // ---- Queueing ----

    /// Queues a frame, whatever waits already.
    pub(super) fn queue(&mut self, index: u32, kind: FrameOut, frame: Bytes) {
        if self.connections[index as usize].web().is_some() {
            return self.queue_message(index, kind, &frame);
        }
        self.counters.frame_out(kind, 1, frame.len() as u64);
        let connection = &mut self.connections[index as usize];
        connection.out_bytes += frame.len();
        connection.out.push_back(frame);
        self.mark_dirty(index);
    }

    /// Sees to it that what a connection has is written at the end of the turn.
    pub(super) fn mark_dirty(&mut self, index: u32) {
        if !std::mem::replace(&mut self.connections[index as usize].dirty, true) {
            self.dirty.push(index);
            self.want_turn();
        }
    }

    /// Queues the answer to a request.
    pub(super) fn queue_reply(&mut self, index: u32, request_id: u64, reply: Reply) {
        let mut encoder = std::mem::take(&mut self.encoder);
        if encoder.capacity() < 256 {
            encoder = BytesMut::with_capacity(super::ENCODE_BYTES);
        }
        let kind = wire::reply_frame(request_id, reply, self.limits.frame_bytes_max, &mut encoder);
        let frame = encoder.split().freeze();
        self.encoder = encoder;
        self.queue(index, kind, frame);
    }

    /// Pushes entries to a session that stands at `before` in their log. When the session is over its limit the frame
    /// is not queued, and the core is told.
    pub(super) fn push_entries(
        &mut self,
        session: SessionId,
        conversation: Conversation,
        before: Start,
        frame: &Bytes,
    ) {
        let limit = self.outbound_limit();
        let Some(connection) = self.open_connection(session) else { return };
        if connection.lagging || connection.out_bytes + frame.len() > limit {
            let newly = !connection.lagging;
            connection.lagging = true;
            self.counters.connections_lagging += u64::from(newly);
            let full = Input::OutboundFull { session, conversation, position: before };
            self.core.handle(full, super::now());
            return;
        }
        self.queue(session.index, FrameOut::Entries, frame.clone());
    }

    /// Pushes what may be left out; nothing is queued for a lagging session.
    pub(super) fn push_hint(&mut self, session: SessionId, kind: FrameOut, frame: &Bytes) {
        let limit = self.outbound_limit();
        let Some(connection) = self.open_connection(session) else { return };
        if !connection.lagging && connection.out_bytes + frame.len() <= limit {
            self.queue(session.index, kind, frame.clone());
        }
    }

    /// Pushes a signal; a session that has half of what it may have waiting, or lags, gets none.
    pub(super) fn push_signal(&mut self, session: SessionId, frame: &Bytes) {
        let limit = self.outbound_limit() / 2;
        let Some(connection) = self.open_connection(session) else { return };
        if connection.lagging || connection.out_bytes + frame.len() > limit {
            self.counters.signals_dropped_here += 1;
        } else {
            self.queue(session.index, FrameOut::Signalled, frame.clone());
        }
    }

    /// Pushes presence. When the session is over its limit the frame is not queued, and the core is told.
    pub(super) fn push_presence(&mut self, session: SessionId, frame: &Bytes) {
        let limit = self.outbound_limit();
        let Some(connection) = self.open_connection(session) else { return };
        if connection.lagging || connection.out_bytes + frame.len() > limit {
            let newly = !connection.lagging;
            connection.lagging = true;
            self.counters.connections_lagging += u64::from(newly);
            self.core.handle(Input::PresenceMissed(session), super::now());
            return;
        }
        self.queue(session.index, FrameOut::Presence, frame.clone());
    }

    fn outbound_limit(&self) -> usize {
        let full = self.node.outbound_bytes.load(Relaxed) > self.limits.node_outbound_bytes_max;
        self.limits.outbound_bytes_max / if full { SHARE_WHEN_FULL } else { 1 }
    }

    pub(super) fn pong(&mut self, id: (u32, u32), request_id: u64, nonce: u64) {
        let frame = wire::pong_frame(request_id, nonce, super::now().0);
        self.queue(id.0, FrameOut::Pong, frame);
    }

    pub(super) fn answer_error(
        &mut self,
        id: (u32, u32),
        request_id: u64,
        action: Action,
        code: ErrorCode,
        message: String,
    ) {
        self.counters.refused(Refusal::from_code(code.into()));
        self.queue(id.0, FrameOut::Error, wire::error_frame(request_id, action, code, 0, message));
    }

    // ---- Writing ----

    /// Writes what was queued in this turn: once to each socket. What channels have is gathered for their trunk's.
    pub(super) fn flush_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            let Some(connection) = self.connections.get_mut(index as usize) else { continue };
            if !std::mem::take(&mut connection.dirty) || connection.blocked_since != 0 {
                continue;
            }
            let id = (index, connection.generation);
            match connection.line {
                Line::Socket(_) | Line::Trunk(..) => self.write(id),
                Line::Channel(_) => self.gather(id),
            }
        }
        self.flush_trunks();
        if self.dirty.is_empty() {
            self.dirty = dirty;
        } else {
            self.want_turn();
        }
    }

    /// Writes as much as the socket takes.
    pub(super) fn write(&mut self, id: (u32, u32)) {
        let mut scratch = std::mem::take(&mut self.write_scratch);
        let written = self.connection(id).map(|connection| connection.write_out(&mut scratch));
        self.write_scratch = scratch;
        let Some(written) = written else { return };
        match written {
            Ok(true) => self.written(id),
            Ok(false) => self.wait_for_socket(id),
            Err(_) => self.drop_connection(id, CloseReason::IoError),
        }
    }

    /// Everything is written.
    pub(super) fn written(&mut self, id: Name) {
        let connection = &mut self.connections[id.0 as usize];
        connection.blocked_since = 0;
        match connection.stage {
            Stage::Closing => return self.linger(id),
            Stage::Trunk => self.trunk_drained(id),
            _ => {}
        }
        // It may not have been read for all that waited.
        self.wake(id);
        if std::mem::take(&mut self.connections[id.0 as usize].lagging) {
            self.counters.connections_lagging -= 1;
            self.input(Input::OutboundDrained(session(id)));
        }
    }

    /// The socket takes no more: a task waits until it does.
    fn wait_for_socket(&mut self, id: (u32, u32)) {
        let now = self.deadlines.now();
        let write_ticks = self.limits.write;
        let connection = &mut self.connections[id.0 as usize];
        connection.own_queue();
        connection.blocked_since = now.max(1);
        let Some(socket) = connection.socket_mut() else { return };
        let Some(write) = socket.write.clone() else { return };
        let shard = self.handle.upgrade().expect("tasks do not outlive their shard");
        socket.drain = Some(tokio::task::spawn_local(drain(shard, id, write)).abort_handle());
        self.hold_bytes(id);
        self.look_by(id, now + write_ticks);
    }

    /// Counts what a connection has queued as waiting.
    pub(super) fn hold_bytes(&mut self, id: (u32, u32)) {
        let connection = &mut self.connections[id.0 as usize];
        let (before, after) = (connection.held_bytes, connection.out_bytes);
        connection.held_bytes = after;
        self.count_held(before, after);
    }

    fn count_held(&mut self, before: usize, after: usize) {
        self.outbound_bytes = self.outbound_bytes + after - before;
        if after >= before {
            self.node.outbound_bytes.fetch_add(after - before, Relaxed);
        } else {
            self.node.outbound_bytes.fetch_sub(before - after, Relaxed);
        }
    }

    /// Writes on after waiting; true when there is nothing left to wait for.
    fn write_on(&mut self, id: (u32, u32)) -> bool {
        let now = self.deadlines.now();
        let mut scratch = std::mem::take(&mut self.write_scratch);
        let before = self.connection(id).map(|connection| connection.out_bytes);
        let written = self.connection(id).map(|connection| connection.write_out(&mut scratch));
        self.write_scratch = scratch;
        let (Some(connection), Some(before), Some(written)) = (self.connection(id), before, written) else {
            return true;
        };
        match written {
            Ok(true) => {
                if let Some(socket) = connection.socket_mut() {
                    socket.drain = None;
                }
                self.hold_bytes(id);
                self.written(id);
                true
            }
            Ok(false) => {
                if connection.out_bytes < before {
                    connection.blocked_since = now.max(1);
                }
                self.hold_bytes(id);
                false
            }
            Err(_) => {
                self.drop_connection(id, CloseReason::IoError);
                true
            }
        }
    }

    // ---- Ends ----

    /// Answers a broken rule and closes.
    pub(super) fn break_off(&mut self, id: (u32, u32), code: ErrorCode, message: String) {
        self.end_with_error(id, 0, code, message, CloseReason::ProtocolError);
    }

    /// Answers a login that is not to be trusted and closes.
    pub(super) fn refuse_login(&mut self, id: (u32, u32), request_id: u64, code: ErrorCode, message: String) {
        self.end_with_error(id, request_id, code, message, CloseReason::LoginRefused);
    }

    fn end_with_error(
        &mut self,
        id: (u32, u32),
        request_id: u64,
        code: ErrorCode,
        message: String,
        reason: CloseReason,
    ) {
        let action = match code {
            ErrorCode::TokenInvalid | ErrorCode::TokenExpired | ErrorCode::WrongCredentials => Action::Reauthenticate,
            ErrorCode::Timeout => Action::Retry,
            ErrorCode::Version => Action::GiveUp,
            _ => Action::FixRequest,
        };
        self.answer_error(id, request_id, action, code, message);
        self.close_after_writing(id, reason);
    }

    /// Closes once everything queued is written. The core forgets the session now.
    pub(super) fn close_after_writing(&mut self, id: (u32, u32), reason: CloseReason) {
        let now = self.deadlines.now();
        let Some(connection) = self.connection(id) else { return };
        if connection.stage.is_over() {
            return;
        }
        self.say_web_farewell(id, reason);
        let connection = &mut self.connections[id.0 as usize];
        let logged_in = connection.stage == Stage::Open;
        let was_open = logged_in || connection.stage == Stage::Opening;
        let lagged = std::mem::take(&mut connection.lagging);
        connection.stage = Stage::Closing;
        connection.stage_since = now;
        connection.unread = Vec::new();
        connection.unread_whole = false;
        connection.part_since = 0;
        self.mark_dirty(id.0);
        self.wake(id);
        self.counters.connections_lagging -= u64::from(lagged);
        self.counters.closed(reason);
        if was_open {
            self.session_over(session(id), logged_in);
        }
        self.want_turn();
        self.look_by(id, now + super::deadlines::ticks(LINGER_MS));
    }

    /// Ends our half of the connection and lets the client read what we have said. A channel just ends: what was said
    /// in it comes before that.
    fn linger(&mut self, id: Name) {
        let connection = &mut self.connections[id.0 as usize];
        match &mut connection.line {
            Line::Socket(socket) | Line::Trunk(socket, _) => {
                connection.stage = Stage::Lingering;
                // Dropping the half shuts the socket down for writing.
                socket.write = None;
            }
            Line::Channel(_) => self.drop_connection(id, CloseReason::Client),
        }
    }

    /// Whether the client had its time to read our last frame.
    pub(super) fn lingered(&self, connection: &Connection) -> bool {
        let since = self.deadlines.now().saturating_sub(connection.stage_since);
        connection.stage.is_over() && since >= super::deadlines::ticks(LINGER_MS)
    }

    /// Closes now.
    pub(super) fn drop_connection(&mut self, id: Name, reason: CloseReason) {
        if self.connection(id).is_none() {
            return;
        }
        let connection = self.connections.remove(id.0 as usize);
        self.counters.connections_lagging -= u64::from(connection.lagging);
        if !connection.stage.is_over() {
            self.counters.closed(reason);
        }
        if !self.proven.is_empty() || !self.new_tokens.is_empty() {
            self.proven.remove(&id);
            self.new_tokens.remove(&id);
        }
        self.count_held(connection.held_bytes, 0);
        match &connection.line {
            Line::Socket(socket) | Line::Trunk(socket, _) => {
                self.counters.disconnected(socket.transport());
                if connection.layers().is_some_and(Layers::is_handshaking) {
                    let timed_out = reason == CloseReason::Timeout;
                    self.counters.tls_failed(if timed_out { TlsFailure::Timeout } else { TlsFailure::Closed });
                }
                self.count_end_silently(connection.stranger);
                // Both hold the socket; it is closed with the last of them.
                socket.task.iter().chain(&socket.drain).for_each(AbortHandle::abort);
            }
            Line::Channel(channel) => self.channel_over(id, channel, connection.blocked_since != 0),
        }
        if matches!(connection.stage, Stage::Open | Stage::Opening) {
            self.session_over(session(id), connection.stage == Stage::Open);
        }
        if let Some(trunk) = connection.trunk() {
            self.drop_channels(trunk);
        }
    }

    fn session_over(&mut self, session: SessionId, logged_in: bool) {
        self.counters.devices_logged_in -= u64::from(logged_in);
        self.input(Input::Closed(session));
    }

    pub(super) fn count_end(&mut self, reason: CloseReason, stranger: bool) {
        self.counters.closed(reason);
        self.count_end_silently(stranger);
    }

    fn count_end_silently(&mut self, stranger: bool) {
        self.node.connections.fetch_sub(1, Relaxed);
        if stranger {
            self.node.strangers.fetch_sub(1, Relaxed);
        }
    }
}

/// Waits for a socket and writes, until all is written or the connection is gone.
async fn drain(shard: Rc<RefCell<Shard>>, id: (u32, u32), socket: Rc<OwnedWriteHalf>) {
    loop {
        // An error shows at the next write.
        let _ = socket.writable().await;
        if shard.borrow_mut().write_on(id) {
            return;
        }
    }
}

/// How many bytes a socket has taken; `None` when it takes no more for now.
fn taken(written: io::Result<usize>) -> io::Result<Option<usize>> {
    match written {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        Ok(written) => Ok(Some(written)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

impl Connection {
    /// Writes as much as the socket takes: `true` when nothing is left. Small frames are joined in `scratch`.
    fn write_out(&mut self, scratch: &mut WriteScratch) -> io::Result<bool> {
        let Some(socket) = self.socket() else { return Ok(true) };
        let Some(write) = socket.write.clone() else { return Ok(true) };
        if socket.layers.as_ref().is_some_and(|layers| layers.seals()) {
            return self.write_sealed(&write, scratch);
        }
        let scratch = &mut scratch.joined;
        while !self.out.is_empty() {
            let written = match self.out.len() {
                1 => write.try_write(&self.out[0]),
                // A copy of some hundred bytes costs less than the kernel's handling of several slices.
                _ if self.out_bytes <= COPY_BYTES_MAX => {
                    scratch.clear();
                    self.out.iter().for_each(|frame| scratch.extend_from_slice(frame));
                    write.try_write(scratch)
                }
                _ => {
                    let mut slices = [IoSlice::new(&[]); FRAMES_PER_WRITE];
                    let mut count = 0;
                    for (slice, frame) in slices.iter_mut().zip(&self.out) {
                        *slice = IoSlice::new(frame);
                        count += 1;
                    }
                    write.try_write_vectored(&slices[..count])
                }
            };
            let Some(written) = taken(written)? else { return Ok(false) };
            self.take_written(written);
        }
        Ok(true)
    }

    /// The same through layers. What was sealed goes out in the order in which it was sealed, so what the socket has not
    /// taken of it goes first.
    fn write_sealed(&mut self, write: &OwnedWriteHalf, scratch: &mut WriteScratch) -> io::Result<bool> {
        loop {
            while let Some(layers) = self.layers_mut().filter(|layers| !layers.unsent().is_empty()) {
                let Some(written) = taken(write.try_write(layers.unsent()))? else { return Ok(false) };
                layers.note_sent(written);
                self.out_bytes -= written;
            }
            if !self.seal_some(scratch)? {
                return Ok(true);
            }
            let sealed = &scratch.sealed[..];
            let written = taken(write.try_write(sealed))?.unwrap_or(0);
            let layers = self.layers_mut().expect("it was just there");
            layers.keep_unsent(&sealed[written..]);
            self.out_bytes += sealed.len() - written;
            if written == 0 {
                return Ok(false);
            }
        }
    }

    /// Seals the next of what is queued, or, when the connection ends, what ends it; `false` when there is nothing.
    fn seal_some(&mut self, scratch: &mut WriteScratch) -> io::Result<bool> {
        let WriteScratch { joined, sealed } = scratch;
        sealed.clear();
        joined.clear();
        let is_last = self.stage == Stage::Closing;
        for frame in &self.out {
            let room = SEAL_BYTES_MAX - joined.len();
            joined.extend_from_slice(&frame[..frame.len().min(room)]);
            if frame.len() >= room {
                break;
            }
        }
        let is_through = self.is_through();
        let layers = self.layers_mut().expect("it was just there");
        if !joined.is_empty() && is_through {
            layers.seal(joined, sealed).map_err(io::Error::other)?;
            self.take_written(joined.len());
        } else if is_last {
            layers.finish(sealed);
        }
        Ok(!sealed.is_empty())
    }

    pub(super) fn take_written(&mut self, mut written: usize) {
        self.out_bytes -= written;
        while written > 0 {
            let front = self.out.front_mut().expect("no more is written than was queued");
            if front.len() > written {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.out.pop_front();
        }
    }

    /// Copies what is queued, so that a connection that may wait for long keeps no buffer that others share.
    pub(super) fn own_queue(&mut self) {
        if self.out.is_empty() {
            return;
        }
        let mut owned = BytesMut::with_capacity(self.out_bytes - self.sealed_bytes());
        self.out.drain(..).for_each(|frame| owned.extend_from_slice(&frame));
        self.out.push_back(owned.freeze());
    }
}
