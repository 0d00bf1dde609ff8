//! From the socket to the core: each connection's task reads into the shard's one buffer and takes frames apart there.
//!
//! A task that may not read (too many requests in progress, too much to be sent, logging in, a congested shard) waits
//! for the shard instead of the socket; what it had read stays with its connection, at most one read and one frame.

use super::Shard;
use super::accepting::turned_away;
use super::connection::{Line, Name, Stage, session};
use super::deadlines::TICK_MS;
use crate::addresses::{Place, TooMany};
use crate::edge::layers::{Fault, Layers};
use crate::edge::proxy::Origin;
use crate::edge::web::Web;
use crate::metrics::{CloseReason, FrameIn, FrameOut, ProxyHeader, Refusal};
use crate::node::Phase;
use crate::wire;
use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::decode_frame;
use hubbub_codec::proto::client_frame::Body;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{ClientFrame, ErrorCode};
use hubbub_core::bucket::RetryAfterMs;
use hubbub_core::machine::Input;
use hubbub_core::request::{Refusal as Refused, Reply};
use prost::Message as _;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::net::tcp::OwnedReadHalf;
use tracing::debug;

/// Most bytes of one read.
const READ_BYTES: usize = 64 * 1024;

/// Longest frame before login, of which the token (at most 4 KiB) is the most: nobody knows who holds this memory.
const STRANGER_FRAME_BYTES_MAX: usize = 8 * 1024;

/// What ends a reading task.
pub(super) enum Stop {
    /// The connection is gone.
    Gone,
    /// The connection moves to another shard.
    Move(super::Passenger),
}

/// Reads a connection until it ends or moves. It holds the connection's place among those of its address.
pub(super) async fn read_loop(
    shard: Rc<RefCell<Shard>>,
    id: Name,
    mut socket: OwnedReadHalf,
    mut place: Option<Place>,
) {
    let stop = std::future::poll_fn(|cx| shard.borrow_mut().poll_read(id, &mut socket, &mut place, cx)).await;
    if let Stop::Move(passenger) = stop {
        shard.borrow_mut().send_parcel(id.0, socket, place, passenger);
    }
}

impl Shard {
    fn poll_read(
        &mut self,
        id: Name,
        socket: &mut OwnedReadHalf,
        place: &mut Option<Place>,
        cx: &mut Context<'_>,
    ) -> Poll<Stop> {
        loop {
            if self.connection(id).is_none() {
                return Poll::Ready(Stop::Gone);
            }
            if self.connections[id.0 as usize].stage == Stage::Proven {
                let login = self.proven.remove(&id).expect("it was put there with the stage");
                match self.admit(id, login) {
                    Some(stop) => return Poll::Ready(stop),
                    None => continue,
                }
            }
            if self.is_held(id) {
                let connection = self.connection(id).expect("it was just there");
                if let Some(socket) = connection.socket_mut() {
                    socket.waker = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
            let connection = self.connection(id).expect("it was just there");
            if connection.unread_whole {
                let unread = Bytes::from(std::mem::take(&mut connection.unread));
                connection.unread_whole = false;
                if let Some(stop) = self.take_plain(id, unread.into()) {
                    return Poll::Ready(stop);
                }
                continue;
            }
            let connection = &self.connections[id.0 as usize];
            let is_layered = connection.layers().is_some();
            let unread = connection.layers().map_or(&connection.unread[..], Layers::rest);
            self.scratch.reserve(unread.len() + READ_BYTES);
            self.scratch.extend_from_slice(unread);
            let read = tokio_util::io::poll_read_buf(Pin::new(&mut *socket), cx, &mut self.scratch);
            match read {
                Poll::Pending => {
                    self.scratch.clear();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(0)) => {
                    self.scratch.clear();
                    if self.is_owed_an_answer(id) {
                        self.close_after_writing(id, CloseReason::Client);
                    } else {
                        self.drop_connection(id, CloseReason::Client);
                    }
                    return Poll::Ready(Stop::Gone);
                }
                Poll::Ready(Ok(read)) => {
                    let stop = if is_layered { self.take_layered(id, place) } else { self.take_bare(id) };
                    if let Some(stop) = stop {
                        return Poll::Ready(stop);
                    }
                    if read >= READ_BYTES {
                        // There may be much more: let the others read first.
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                Poll::Ready(Err(error)) => {
                    self.scratch.clear();
                    self.drop_connection(id, close_reason(&error));
                    return Poll::Ready(Stop::Gone);
                }
            }
        }
    }

    /// Takes what was read as frames.
    fn take_bare(&mut self, id: Name) -> Option<Stop> {
        let bytes = self.scratch.split().freeze();
        self.note_heard(id);
        self.take_bytes(id, bytes)
    }

    /// What a connection had unread stands in front of what was just read.
    fn note_heard(&mut self, id: Name) {
        let now = self.deadlines.now();
        let connection = &mut self.connections[id.0 as usize];
        connection.unread.clear();
        connection.last_heard = now;
    }

    /// Takes what was read through the connection's layers, and then as frames.
    fn take_layered(&mut self, id: Name, place: &mut Option<Place>) -> Option<Stop> {
        let connection = &mut self.connections[id.0 as usize];
        if connection.stage.is_over() {
            self.scratch.clear();
            return None;
        }
        self.opened.reserve(connection.unread.len() + self.scratch.len());
        self.opened.extend_from_slice(&connection.unread);
        let before = (self.opened.len(), connection.sealed_bytes());
        let layers = connection.layers_mut().expect("it was just there");
        let taken = layers.take(&mut self.scratch, &mut self.opened);
        self.scratch.clear();
        let bytes = self.opened.split();
        let sealed = connection.sealed_bytes();
        connection.out_bytes += sealed - before.1;
        if sealed > 0 {
            self.mark_dirty(id.0);
        }
        match taken {
            Ok(news) => {
                news.handshake.into_iter().for_each(|how| self.counters.tls_handshake(how));
                if news.origin.is_some_and(|origin| !self.take_origin(id, origin, place)) {
                    return None;
                }
            }
            Err(fault) => {
                self.end_broken(id, &fault);
                return None;
            }
        }
        if bytes.len() > before.0 {
            self.note_heard(id);
            if let Some(stop) = self.take_plain(id, bytes) {
                return Some(stop);
            }
        }
        self.note_layers(id);
        None
    }

    /// Takes what has no layer around it any more.
    fn take_plain(&mut self, id: Name, bytes: BytesMut) -> Option<Stop> {
        if self.connection(id).is_some_and(|connection| connection.web().is_some()) {
            self.take_web_bytes(id, bytes)
        } else {
            self.take_bytes(id, bytes.freeze())
        }
    }

    /// What has come through the layers was handled: what is left in them has a deadline as a part of a frame has, and a
    /// client that said that it is done is let go.
    fn note_layers(&mut self, id: Name) {
        let now = self.deadlines.now();
        let frame_ticks = self.limits.frame;
        let Some(connection) = self.connection(id) else { return };
        let Some(layers) = connection.layers() else { return };
        let (is_over, has_rest) = (layers.is_over(), !layers.rest().is_empty());
        if is_over {
            self.close_after_writing(id, CloseReason::Client);
        } else if has_rest && connection.part_since == 0 {
            connection.part_since = now.max(1);
            self.look_by(id, now + frame_ticks);
        } else if !has_rest && connection.unread.is_empty() && !connection.web().is_some_and(Web::is_within_message) {
            connection.part_since = 0;
        }
    }

    /// Ends a connection whose layers are broken.
    fn end_broken(&mut self, id: Name, fault: &Fault) {
        debug!("a connection ends: {fault}");
        match fault {
            Fault::Tls(fault) => self.counters.tls_failed(fault.kind()),
            Fault::Header(_) => self.counters.proxy_header(ProxyHeader::Refused),
        }
        self.close_after_writing(id, CloseReason::ProtocolError);
    }

    /// A proxy has said whom it brings: whether there is room for them.
    fn take_origin(&mut self, id: Name, origin: Origin, place: &mut Option<Place>) -> bool {
        let Origin::Client(address) = origin else {
            self.counters.proxy_header(ProxyHeader::Local);
            return true;
        };
        self.counters.proxy_header(ProxyHeader::Client);
        match self.node.edge.addresses.admit(address) {
            Ok(own) => {
                *place = own;
                true
            }
            Err(TooMany) => {
                let reason = CloseReason::AddressLimit;
                self.counters.refused(Refusal::Overloaded);
                if self.connections[id.0 as usize].is_through() {
                    self.queue(id.0, FrameOut::Error, turned_away(reason));
                }
                self.close_after_writing(id, reason);
                false
            }
        }
    }

    /// Whether a connection may not be read now.
    pub(super) fn is_held(&mut self, id: (u32, u32)) -> bool {
        let requests_max = self.limits.requests_max;
        let connection = &self.connections[id.0 as usize];
        let own = matches!(connection.stage, Stage::Proving | Stage::Proven | Stage::Opening)
            || connection.lagging
            || connection.out_bytes > self.limits.outbound_bytes_max
            || (connection.stage == Stage::Open && connection.in_progress >= requests_max);
        if own || self.node.phase() != Phase::Running {
            return true;
        }
        let congested = self.router.is_congested();
        if congested {
            self.held.push(id);
        }
        congested
    }

    /// Lets connections read again that were held by a congested lane.
    pub(super) fn release_held(&mut self) {
        if !self.held.is_empty() && !self.router.is_congested() {
            for id in std::mem::take(&mut self.held) {
                self.wake(id);
            }
        }
    }

    /// Lets a connection be read again that waits for us; harmless when it does not.
    pub(super) fn wake(&mut self, id: Name) {
        let Some(connection) = self.connection(id) else { return };
        match &mut connection.line {
            Line::Socket(socket) | Line::Trunk(socket, _) => {
                if let Some(waker) = socket.waker.take() {
                    waker.wake();
                }
            }
            Line::Channel(_) if connection.unread_whole || connection.stage == Stage::Proven => {
                self.resumed.push(id);
                self.want_turn();
            }
            Line::Channel(_) => {}
        }
    }

    /// Takes frames off `bytes` while the connection may be read; keeps the rest with the connection.
    pub(super) fn take_bytes(&mut self, id: (u32, u32), mut bytes: Bytes) -> Option<Stop> {
        loop {
            match self.connection(id) {
                None => return Some(Stop::Gone),
                // A farewell was sent: the rest is read only so that the client gets to read the farewell.
                Some(connection) if connection.stage.is_over() => return None,
                Some(connection) if connection.stage == Stage::Trunk => return self.take_trunk_bytes(id, bytes),
                Some(_) => {}
            }
            if self.is_held(id) {
                self.keep(id, &bytes, true);
                return None;
            }
            match decode_frame(&mut bytes, self.frame_bytes_max(id)) {
                Ok(Some(frame)) => {
                    if let Some(stop) = self.take_frame(id, frame) {
                        // What was read behind the frame goes where the connection goes.
                        self.keep(id, &bytes, true);
                        return Some(stop);
                    }
                }
                Ok(None) => {
                    self.keep(id, &bytes, false);
                    return None;
                }
                Err(error) => {
                    self.break_off(id, ErrorCode::BadFrame, error.to_string());
                    return None;
                }
            }
        }
    }

    /// Longest frame that this connection may send now.
    pub(super) fn frame_bytes_max(&self, id: (u32, u32)) -> usize {
        match self.connections[id.0 as usize].stage {
            Stage::Silent | Stage::Greeted | Stage::Proving | Stage::Proven => {
                self.limits.frame_bytes_max.min(STRANGER_FRAME_BYTES_MAX)
            }
            _ => self.limits.frame_bytes_max,
        }
    }

    pub(super) fn keep(&mut self, id: (u32, u32), bytes: &[u8], whole: bool) {
        let now = self.deadlines.now();
        let frame_ticks = self.limits.frame;
        let Some(connection) = self.connection(id) else { return };
        if bytes.is_empty() {
            connection.unread = Vec::new();
            connection.unread_whole = false;
            connection.part_since = 0;
            return;
        }
        connection.unread.clear();
        connection.unread.extend_from_slice(bytes);
        connection.unread_whole = whole;
        if !whole && connection.part_since == 0 {
            connection.part_since = now.max(1);
            self.look_by(id, now + frame_ticks);
        }
    }

    pub(super) fn take_frame(&mut self, id: (u32, u32), payload: Bytes) -> Option<Stop> {
        let bytes = payload.len() + hubbub_codec::frame::PREFIX_BYTES;
        self.connections[id.0 as usize].part_since = 0;
        let frame = match ClientFrame::decode(payload) {
            Ok(frame) => frame,
            Err(_) => {
                self.break_off(id, ErrorCode::BadFrame, "the frame is not a ClientFrame".to_owned());
                return None;
            }
        };
        self.frame_in(kind_of(frame.body.as_ref()), bytes);
        match self.connections[id.0 as usize].stage {
            Stage::Open => {
                self.take_request(id, frame);
                None
            }
            Stage::Silent => self.greet(id, frame),
            Stage::Greeted => self.log_in(id, frame),
            Stage::Proving | Stage::Proven | Stage::Opening => None,
            Stage::Trunk | Stage::Closing | Stage::Lingering => None,
        }
    }

    /// A frame of a logged-in client.
    fn take_request(&mut self, id: (u32, u32), frame: ClientFrame) {
        let request_id = frame.request_id;
        if let Some(Body::Ping(ping)) = frame.body {
            let session = session(id);
            self.core.handle(Input::Active(session), super::now());
            return self.pong(id, request_id, ping.nonce);
        }
        // Marks without a reply cost next to nothing (they wait for a tick), and the last one must not be lost.
        let is_quiet_mark = request_id == 0 && matches!(frame.body, Some(Body::Delivered(_) | Body::Read(_)));
        if !is_quiet_mark && let Err(refusal) = self.charge(id) {
            return self.refuse(id, request_id, refusal);
        }
        let body = match frame.body {
            Some(body) => body,
            None => {
                let message = "this server does not know this kind of request".to_owned();
                return self.answer_error(id, request_id, Action::FixRequest, ErrorCode::Unsupported, message);
            }
        };
        let wants_no_reply = matches!(body, Body::Delivered(_) | Body::Read(_) | Body::Signal(_));
        if request_id == 0 && !wants_no_reply {
            let message = "request_id 0 is for Delivered, Read and Signal only".to_owned();
            return self.break_off(id, ErrorCode::Invalid, message);
        }
        let body = match body {
            Body::ChangePassword(change) => return self.begin_password_change(id, request_id, change),
            body => body,
        };
        let connection = &mut self.connections[id.0 as usize];
        let (user, session) = (connection.user, session(id));
        match wire::request(body, user, &self.wire_limits) {
            Ok(request) => {
                connection.in_progress += u16::from(request_id != 0);
                #[cfg(not(feature = "planted-faults"))]
                self.input(Input::Request { session, request_id, request });
                #[cfg(feature = "planted-faults")]
                self.input_planted(session, request_id, request);
            }
            Err(refusal) => self.refuse(id, request_id, refusal),
        }
    }

    /// Takes one request off what the connection may ask for.
    fn charge(&mut self, id: (u32, u32)) -> Result<(), Refused> {
        let now = self.deadlines.coarse_time();
        let connection = &mut self.connections[id.0 as usize];
        match connection.requests.admit(1, &self.limits.requests, now) {
            Ok(charged) => connection.requests = charged,
            Err(RetryAfterMs(wait_ms)) => {
                // The time may be a tick behind when the client tries again.
                let retry_after_ms = wait_ms.saturating_add(TICK_MS as u32);
                return Err(Refused::RateLimited { setting: "limits.connection_requests_per_second", retry_after_ms });
            }
        }
        Ok(())
    }

    /// Refuses a request that the core never sees. Without a request id it is only counted.
    pub(super) fn refuse(&mut self, id: (u32, u32), request_id: u64, refusal: Refused) {
        let (_, code, _) = wire::refusal_parts(&refusal);
        self.counters.refused(Refusal::from_code(code.into()));
        refusal.setting().into_iter().for_each(|setting| self.counters.pressure.limited(setting));
        if request_id != 0 {
            self.queue_reply(id.0, request_id, Reply::Refused(refusal));
        }
    }
}

fn close_reason(error: &io::Error) -> CloseReason {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            CloseReason::Client
        }
        _ => CloseReason::IoError,
    }
}

fn kind_of(body: Option<&Body>) -> FrameIn {
    match body {
        None => FrameIn::Unknown,
        Some(Body::Hello(_)) => FrameIn::Hello,
        Some(Body::Login(_)) => FrameIn::Login,
        Some(Body::Ping(_)) => FrameIn::Ping,
        Some(Body::Sync(_)) => FrameIn::Sync,
        Some(Body::Send(_)) => FrameIn::Send,
        Some(Body::Delivered(_)) => FrameIn::Delivered,
        Some(Body::Read(_)) => FrameIn::Read,
        Some(Body::History(_)) => FrameIn::History,
        Some(Body::CreateGroup(_)) => FrameIn::CreateGroup,
        Some(Body::AddMembers(_)) => FrameIn::AddMembers,
        Some(Body::RemoveMembers(_)) => FrameIn::RemoveMembers,
        Some(Body::Leave(_)) => FrameIn::Leave,
        Some(Body::GetGroup(_)) => FrameIn::GetGroup,
        Some(Body::ListConversations(_)) => FrameIn::ListConversations,
        Some(Body::Register(_)) => FrameIn::Register,
        Some(Body::Logout(_)) => FrameIn::Logout,
        Some(Body::Edit(_)) => FrameIn::Edit,
        Some(Body::Revoke(_)) => FrameIn::Revoke,
        Some(Body::React(_)) => FrameIn::React,
        Some(Body::GetMessageInfo(_)) => FrameIn::GetMessageInfo,
        Some(Body::Signal(_)) => FrameIn::Signal,
        Some(Body::UpdateGroup(_)) => FrameIn::UpdateGroup,
        Some(Body::SetRole(_)) => FrameIn::SetRole,
        Some(Body::DeleteGroup(_)) => FrameIn::DeleteGroup,
        Some(Body::MuteMember(_)) => FrameIn::MuteMember,
        Some(Body::CreateInvite(_)) => FrameIn::CreateInvite,
        Some(Body::RevokeInvites(_)) => FrameIn::RevokeInvites,
        Some(Body::JoinGroup(_)) => FrameIn::JoinGroup,
        Some(Body::SetRetention(_)) => FrameIn::SetRetention,
        Some(Body::Watch(_)) => FrameIn::Watch,
        Some(Body::Unwatch(_)) => FrameIn::Unwatch,
        Some(Body::SetStatus(_)) => FrameIn::SetStatus,
        Some(Body::Block(_)) => FrameIn::Block,
        Some(Body::Unblock(_)) => FrameIn::Unblock,
        Some(Body::ListBlocked(_)) => FrameIn::ListBlocked,
        Some(Body::GetProfile(_)) => FrameIn::GetProfile,
        Some(Body::UpdateProfile(_)) => FrameIn::UpdateProfile,
        Some(Body::ChangePassword(_)) => FrameIn::ChangePassword,
        Some(Body::ListDevices(_)) => FrameIn::ListDevices,
        Some(Body::RenameDevice(_)) => FrameIn::RenameDevice,
        Some(Body::RevokeDevice(_)) => FrameIn::RevokeDevice,
        Some(Body::OpenTrunk(_)) => FrameIn::OpenTrunk,
    }
}
