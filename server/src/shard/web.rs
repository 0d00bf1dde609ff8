//! Connections over HTTP and WebSocket: what a browser sends becomes frames, and frames become messages.
//!
//! Frames to a WebSocket get their header when they are queued; their payload stays shared with everybody else who gets it.

use super::Shard;
use super::connection::{Connection, Name};
use super::reading::Stop;
use crate::edge::http::{Answer, Http};
use crate::edge::layers::Layers;
use crate::edge::web::{Taken, Web};
use crate::edge::websocket::message_header;
use crate::metrics::{CloseReason, FrameOut, HttpStatus, Refusal};
use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{FrameError, PREFIX_BYTES};
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::websocket::{CloseCode, Fault};
use std::time::SystemTime;
use tracing::debug;

/// A pong is left out where so much waits to be written: that client asks and does not read.
const WAITING_FOR_PONG_MAX: usize = 64;

impl Connection {
    /// Its HTTP or WebSocket, if it came by a listener for browsers.
    pub(super) fn web(&self) -> Option<&Web> {
        self.layers().and_then(Layers::web)
    }

    /// See [`Connection::web`].
    pub(super) fn web_mut(&mut self) -> Option<&mut Web> {
        self.layers_mut().and_then(Layers::web_mut)
    }
}

impl Shard {
    // ---- Reading ----

    /// Takes requests and messages off `bytes` while the connection may be read; keeps the rest with the connection.
    pub(super) fn take_web_bytes(&mut self, id: Name, mut bytes: BytesMut) -> Option<Stop> {
        loop {
            match self.connection(id) {
                None => return Some(Stop::Gone),
                Some(connection) if connection.stage.is_over() => return None,
                Some(_) => {}
            }
            if self.is_held(id) {
                self.keep(id, &bytes, true);
                return None;
            }
            let message_bytes_max = self.frame_bytes_max(id);
            let web = self.connections[id.0 as usize].web_mut()?;
            match web.take(&mut bytes, &self.node.edge.site, message_bytes_max, SystemTime::now) {
                Taken::Nothing => {
                    self.keep_part(id, &bytes);
                    return None;
                }
                Taken::Ignored => {}
                Taken::Frame(payload) if payload.is_empty() => {
                    self.break_off(id, ErrorCode::BadFrame, FrameError::Empty.to_string());
                }
                Taken::Frame(payload) => {
                    if let Some(stop) = self.take_frame(id, payload) {
                        self.keep(id, &bytes, true);
                        return Some(stop);
                    }
                }
                Taken::Answer(answer) => self.answer_request(id, answer),
                Taken::Pong(pong) => {
                    if self.connections[id.0 as usize].out.len() < WAITING_FOR_PONG_MAX {
                        self.queue_raw(id.0, pong);
                    }
                }
                Taken::Close(code) => self.take_close_of_socket(id, code),
                Taken::Fault(fault) => self.end_faulty_socket(id, fault),
            }
        }
    }

    /// Whether somebody who says nothing more waits for what is queued: over HTTP and WebSocket that is good manners.
    pub(super) fn is_owed_an_answer(&self, id: Name) -> bool {
        let connection = &self.connections[id.0 as usize];
        connection.web().is_some() && !connection.out.is_empty()
    }

    /// Keeps what is not whole. The deadline of a message in pieces runs from its first one.
    fn keep_part(&mut self, id: Name, bytes: &[u8]) {
        let now = self.deadlines.now();
        let connection = &mut self.connections[id.0 as usize];
        let is_within = connection.web().is_some_and(Web::is_within_message);
        let since = connection.part_since;
        self.keep(id, bytes, false);
        if is_within {
            let connection = &mut self.connections[id.0 as usize];
            connection.part_since = if since == 0 { now.max(1) } else { since };
            self.look_by(id, now + self.limits.frame);
        }
    }

    fn take_close_of_socket(&mut self, id: Name, code: Option<CloseCode>) {
        self.counters.websocket_closed_by_client(code);
        self.say_close(id, code, "");
        self.close_after_writing(id, CloseReason::Client);
    }

    fn end_faulty_socket(&mut self, id: Name, fault: Fault) {
        debug!("a WebSocket ends: {fault}");
        self.counters.refused(Refusal::BadFrame);
        self.say_close(id, Some(fault.code()), &fault.to_string());
        self.close_after_writing(id, CloseReason::ProtocolError);
    }

    // ---- Writing ----

    /// Queues a frame as a message of a WebSocket. Where there is none yet, or none any more, nobody could read it.
    pub(super) fn queue_message(&mut self, index: u32, kind: FrameOut, frame: &Bytes) {
        if !self.connections[index as usize].web().is_some_and(Web::is_open) {
            return;
        }
        self.counters.frame_out(kind, 1, frame.len() as u64);
        let payload = frame.slice(PREFIX_BYTES..);
        let header = message_header(payload.len(), &mut self.encoder);
        self.queue_raw(index, header);
        self.queue_raw(index, payload);
    }

    /// Queues bytes as they are.
    fn queue_raw(&mut self, index: u32, bytes: Bytes) {
        let connection = &mut self.connections[index as usize];
        connection.out_bytes += bytes.len();
        connection.out.push_back(bytes);
        self.mark_dirty(index);
    }

    fn answer_request(&mut self, id: Name, answer: Answer) {
        let (status, closes) = (answer.status, answer.closes);
        self.counters.http_answered(status);
        if let Some(why) = answer.refusal {
            debug!("a connection does not become a WebSocket: {}", why.label());
            self.counters.upgrade_refused(why);
        }
        self.connections[id.0 as usize].part_since = 0;
        self.queue_answer(id.0, answer);
        if closes {
            let reason = if status.is_broken() { CloseReason::ProtocolError } else { CloseReason::Client };
            self.close_after_writing(id, reason);
        }
    }

    fn queue_answer(&mut self, index: u32, answer: Answer) {
        let (head, body) = answer.into_bytes();
        self.queue_raw(index, head);
        if !body.is_empty() {
            self.queue_raw(index, body);
        }
    }

    /// What a browser's connection is told last when it ends for a reason of ours: a close, or, if it has begun a request
    /// and not finished it, that it took too long.
    pub(super) fn say_web_farewell(&mut self, id: Name, reason: CloseReason) {
        let connection = &self.connections[id.0 as usize];
        match connection.web() {
            None => {}
            Some(Web::Socket(_)) => self.say_close(id, Some(Web::close_code(reason)), ""),
            Some(Web::Http(_)) if reason == CloseReason::Timeout && !connection.unread.is_empty() => {
                self.counters.http_answered(HttpStatus::Timeout);
                self.queue_answer(id.0, Http::timed_out(SystemTime::now()));
            }
            Some(Web::Http(_)) => {}
        }
    }

    /// Says a close to a WebSocket, unless it was said.
    fn say_close(&mut self, id: Name, code: Option<CloseCode>, reason: &str) {
        let web = self.connections[id.0 as usize].web_mut();
        if let Some(close) = web.and_then(|web| web.close(code, reason)) {
            self.counters.websocket_closed_by_us(code);
            self.queue_raw(id.0, close);
        }
    }
}
