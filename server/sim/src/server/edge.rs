//! The edge of a server: connections with bounded queues, from a login to the last frame.

use super::Server;
use super::line::{ByteLine, FRAME_BYTES_MAX, Line};
use crate::device::read_signal;
use crate::dice::Dice;
use crate::sabotage::Sabotage;
use bytes::{Bytes, BytesMut};
use hubbub_codec::proto;
use hubbub_codec::proto::client_frame::Body;

use hubbub_core::ids::{Conversation, DeviceId, LogId, Seq, Timestamp, UserId};
use hubbub_core::machine::{CloseReason, Effect, Input, Open};
use hubbub_core::message::{ReceiptsPush, Run, Start, Summary};
use hubbub_core::presence::UserPresence;
use hubbub_core::records::Page;
use hubbub_core::request::{Reply, Request, SessionId};
use hubbub_core::signal::{Signal, SignalPush};
use hubbub_server::wire;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Longest body of a message.
const BODY_BYTES_MAX: usize = 60_000;
/// Longest body of a signal.
const SIGNAL_BYTES_MAX: usize = 1_000;

/// A connection: its shard, its place there, and how often the place was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub(super) usize, pub(super) SessionId);

/// What a client reads.
#[derive(Clone, Debug)]
pub enum Frame {
    /// An answer.
    Reply(u64, Reply),
    /// Entries as they are committed.
    Run(Run),
    /// Entries that continue a log.
    Page {
        /// Whose log.
        conversation: Conversation,
        /// Which life of it.
        log_id: LogId,
        /// What the server thinks the client holds.
        from: Seq,
        /// The entries.
        page: Page,
    },
    /// Marks.
    Receipts(ReceiptsPush),
    /// What became of the user's messages in a group.
    Summaries(Conversation, Vec<Summary>),
    /// A signal.
    Signal(Box<SignalPush>),
    /// Presence of users.
    Presence(Vec<UserPresence>),
    /// A membership began or ended.
    Membership(Conversation, bool),
    /// The device logged in anew.
    Replaced,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    generation: u64,
    pub(super) stage: Stage,
    pub(super) line: Line,
    lagging: bool,
    in_progress: usize,
    /// When its client last wrote something.
    heard: Duration,
    /// When its open session last heard something.
    pub(super) active: Timestamp,
    /// When it opened, at most.
    pub(super) opened: Timestamp,
    /// Blocks (by request) that are not answered: their numbers, and whom they are about.
    blocks: BTreeMap<u64, (u64, Vec<UserId>)>,
    /// The client is gone, and the server has not noticed.
    abandoned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The token was checked; the shard has not heard of it.
    Arriving,
    /// The core was told.
    Opening,
    Open,
    /// Gone for the core; what is queued may still be read.
    Closing,
}

/// A frame for a client, before it is known which language it speaks.
pub(super) enum FrameBytes<'a> {
    /// An answer to a request of this user.
    Reply(UserId, u64, &'a Reply),
    /// Everything else.
    Push(&'a Effect),
    /// The device logged in anew.
    Replaced,
    /// Nothing was heard for too long.
    Idle,
}

impl FrameBytes<'_> {
    pub(super) fn to_value(&self) -> Frame {
        match self {
            FrameBytes::Reply(_, request_id, reply) => Frame::Reply(*request_id, (*reply).clone()),
            FrameBytes::Push(Effect::PushRun(run, _)) => Frame::Run(run.clone()),
            FrameBytes::Push(Effect::PushPage { conversation, log_id, from, page, .. }) => {
                Frame::Page { conversation: *conversation, log_id: *log_id, from: *from, page: page.clone() }
            }
            FrameBytes::Push(Effect::PushReceipts(push, _)) => Frame::Receipts(push.clone()),
            FrameBytes::Push(Effect::PushSummaries(conversation, summaries, _)) => {
                Frame::Summaries(*conversation, summaries.clone())
            }
            FrameBytes::Push(Effect::PushSignal(push, _)) => Frame::Signal(push.clone()),
            FrameBytes::Push(Effect::PushPresence(users, _)) => Frame::Presence(users.clone()),
            FrameBytes::Push(Effect::PushMembership(_, conversation, member)) => {
                Frame::Membership(*conversation, *member)
            }
            FrameBytes::Push(effect) => unreachable!("{effect:?} is no push"),
            FrameBytes::Replaced => Frame::Replaced,
            FrameBytes::Idle => unreachable!("plain devices may be silent"),
        }
    }

    pub(super) fn to_bytes(&self) -> Bytes {
        match self {
            FrameBytes::Reply(user, request_id, Reply::LoggedIn { created, token_expires }) => {
                wire::logged_in_frame(*request_id, *user, *created, "", *token_expires)
            }
            FrameBytes::Reply(_, request_id, reply) => {
                let mut bytes = BytesMut::new();
                wire::reply_frame(*request_id, (*reply).clone(), FRAME_BYTES_MAX, &mut bytes);
                bytes.freeze()
            }
            FrameBytes::Push(Effect::PushRun(run, _)) => wire::run_frame(run),
            FrameBytes::Push(Effect::PushPage { conversation, log_id, from, page, .. }) => {
                wire::page_frame(conversation, *log_id, *from, page)
            }
            FrameBytes::Push(Effect::PushReceipts(push, _)) => wire::receipts_frame(push),
            FrameBytes::Push(Effect::PushSummaries(conversation, summaries, _)) => {
                wire::summaries_frame(conversation, summaries)
            }
            FrameBytes::Push(Effect::PushSignal(push, _)) => wire::signal_frame(push),
            FrameBytes::Push(Effect::PushPresence(users, _)) => wire::presence_frames(users, FRAME_BYTES_MAX),
            FrameBytes::Push(Effect::PushMembership(_, conversation, member)) => {
                wire::membership_frame(conversation, *member)
            }
            FrameBytes::Push(effect) => unreachable!("{effect:?} is no push"),
            FrameBytes::Replaced => wire::bye_frame(proto::bye::Reason::Replaced, 0),
            FrameBytes::Idle => wire::bye_frame(proto::bye::Reason::Idle, 0),
        }
    }
}

impl Server {
    /// A device that speaks the core's language connects and proves who it is.
    pub fn connect(&mut self, user: UserId, device: DeviceId) -> ConnectionId {
        self.accept(user, device, Line::Values { up: VecDeque::new(), out: VecDeque::new() })
    }

    /// A client of the protocol connects. Its socket is at its user's home at once.
    pub fn connect_bytes(&mut self, user: UserId, device: DeviceId) -> ConnectionId {
        self.accept(user, device, Line::Bytes(ByteLine::default()))
    }

    fn accept(&mut self, user: UserId, device: DeviceId, line: Line) -> ConnectionId {
        let shard = usize::from(self.slots.shard_of_user(user).0);
        let taken = |index| self.connections.keys().any(|id| id.0 == shard && id.1.index == index);
        let index = (0..).find(|index| !taken(*index)).expect("there are few connections");
        self.generation += 1;
        let id = ConnectionId(shard, SessionId { index, generation: self.generation });
        let connection = Connection {
            user,
            device,
            generation: u64::from(self.generation),
            stage: Stage::Arriving,
            line,
            lagging: false,
            in_progress: 0,
            heard: self.elapsed,
            active: Timestamp(0),
            opened: Timestamp(0),
            blocks: BTreeMap::new(),
            abandoned: false,
        };
        self.connections.insert(id, connection);
        id
    }

    /// The connection breaks: what was queued in either direction is lost.
    pub fn disconnect(&mut self, id: ConnectionId) {
        self.note_all_openings();
        let Some(connection) = self.connections.remove(&id) else { return };
        if matches!(connection.stage, Stage::Opening | Stage::Open) {
            self.shards[id.0].handle(Input::Closed(id.1), self.now);
        }
    }

    /// The client goes without a word: what it has written still arrives.
    pub fn abandon(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.abandoned = true;
        }
    }

    /// The server notices who is gone.
    pub fn drop_abandoned(&mut self) {
        let gone = self.connections.iter().filter(|(_, connection)| connection.abandoned);
        let gone: Vec<ConnectionId> = gone.map(|(id, _)| *id).collect();
        gone.into_iter().for_each(|id| self.disconnect(id));
    }

    /// Whether a connection is there.
    #[must_use]
    pub fn is_connected(&self, id: ConnectionId) -> bool {
        self.connections.contains_key(&id)
    }

    /// A device writes a request.
    pub fn write(&mut self, id: ConnectionId, request_id: u64, request: Request) {
        if let Some(Connection { line: Line::Values { up, .. }, .. }) = self.connections.get_mut(&id) {
            up.push_back((request_id, request));
        }
    }

    /// A client writes bytes.
    pub fn write_bytes(&mut self, id: ConnectionId, bytes: &[u8]) {
        if let Some(Connection { line: Line::Bytes(line), .. }) = self.connections.get_mut(&id) {
            line.write(bytes);
        }
    }

    /// A device reads the next frame.
    pub fn read(&mut self, id: ConnectionId) -> Option<Frame> {
        let connection = self.connections.get_mut(&id)?;
        let Line::Values { out, .. } = &mut connection.line else { return None };
        let frame = out.pop_front()?;
        self.was_read(id);
        Some(frame)
    }

    /// A client reads some bytes.
    pub fn read_bytes(&mut self, id: ConnectionId, dice: &mut Dice) -> Option<Bytes> {
        let connection = self.connections.get_mut(&id)?;
        let Line::Bytes(line) = &mut connection.line else { return None };
        let bytes = line.read(dice);
        self.was_read(id);
        Some(bytes)
    }

    fn was_read(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.line.out_len() > 0 {
        } else if connection.stage == Stage::Closing {
            self.connections.remove(&id);
        } else if std::mem::take(&mut connection.lagging) {
            self.shards[id.0].handle(Input::OutboundDrained(id.1), self.now);
        }
    }

    /// The connections that have something to read.
    #[must_use]
    pub fn readable(&self) -> Vec<ConnectionId> {
        let readable =
            self.connections.iter().filter(|(_, connection)| connection.line.out_len() > 0 && !connection.abandoned);
        readable.map(|(id, _)| *id).collect()
    }

    /// Reads a request of some connection, or hears of a new one.
    pub(super) fn take_frame(&mut self, shard: usize, dice: &mut Dice) {
        let requests_max = self.limits.requests_max;
        let ready = self.connections.iter().filter(|(id, connection)| {
            id.0 == shard
                && match connection.stage {
                    Stage::Arriving => matches!(connection.line, Line::Values { .. }) || connection.line.is_readable(),
                    Stage::Open => {
                        !connection.lagging && connection.in_progress < requests_max && connection.line.is_readable()
                    }
                    Stage::Opening | Stage::Closing => false,
                }
        });
        let ready: Vec<ConnectionId> = ready.map(|(id, _)| *id).collect();
        let Some(&id) = dice.pick(&ready) else { return };
        let connection = self.connections.get_mut(&id).expect("it was just seen");
        connection.heard = self.elapsed;
        match &mut connection.line {
            Line::Values { .. } if connection.stage == Stage::Arriving => self.open(id, 1),
            Line::Values { up, .. } => {
                let (request_id, request) = up.pop_front().expect("it is readable");
                if self.trace {
                    println!("  {}/{} writes {request_id}: {request:?}", connection.user, connection.device);
                }
                self.take_request(id, request_id, request);
            }
            Line::Bytes(line) => {
                if let Some(frame) = line.next_frame(dice) {
                    if self.trace {
                        println!("  {}/{} writes {frame:?}", connection.user, connection.device);
                    }
                    let body = frame.body.expect("clients say something");
                    self.take_body(id, frame.request_id, body);
                }
            }
        }
    }

    fn open(&mut self, id: ConnectionId, request_id: u64) {
        let connection = self.connections.get_mut(&id).expect("the caller has seen it");
        connection.stage = Stage::Opening;
        let (user, device, generation) = (connection.user, connection.device, connection.generation);
        let open = Box::new(Open::new(id.1, user, device, generation, request_id));
        self.note_opening(id);
        self.shards[id.0].handle(Input::Open(open), self.now);
    }

    fn take_request(&mut self, id: ConnectionId, request_id: u64, request: Request) {
        let connection = self.connections.get_mut(&id).expect("the caller has seen it");
        connection.in_progress += usize::from(request_id != 0);
        self.note_active(id);
        self.note_request(id, request_id, &request);
        self.shards[id.0].handle(Input::Request { session: id.1, request_id, request }, self.now);
    }

    /// What the edge of a real server does with a frame.
    fn take_body(&mut self, id: ConnectionId, request_id: u64, body: Body) {
        let welcome = self.welcome();
        let time_us = self.now.0;
        let connection = self.connections.get_mut(&id).expect("the caller has seen it");
        let Line::Bytes(line) = &mut connection.line else { unreachable!("bodies come as bytes") };
        match body {
            Body::Hello(_) if !line.greeted => {
                line.greeted = true;
                line.answer(wire::welcome_frame(request_id, welcome));
            }
            Body::Login(login) if line.greeted && connection.stage == Stage::Arriving => {
                assert_eq!(login.device_id, connection.device.0, "a client logs in as its device");
                self.open(id, request_id);
            }
            Body::Ping(ping) => {
                line.answer(wire::pong_frame(request_id, ping.nonce, time_us));
                if connection.stage == Stage::Open {
                    self.note_active(id);
                    self.shards[id.0].handle(Input::Active(id.1), self.now);
                }
            }
            body if connection.stage == Stage::Open => {
                let limits = wire::Limits {
                    body_bytes_max: BODY_BYTES_MAX,
                    signal_bytes_max: SIGNAL_BYTES_MAX,
                    users_max: 1_000,
                };
                match wire::request(body, connection.user, &limits) {
                    Ok(request) => self.take_request(id, request_id, request),
                    Err(refusal) => panic!("{} writes what is refused at the edge: {refusal}", connection.user),
                }
            }
            body => panic!("{} writes {body:?} before its time", connection.user),
        }
    }

    /// What the ledger must know of a request.
    fn note_request(&mut self, id: ConnectionId, request_id: u64, request: &Request) {
        let connection = self.connections.get_mut(&id).expect("the caller has seen it");
        match request {
            Request::Block(users) | Request::Unblock(users) => {
                let blocked = matches!(request, Request::Block(_));
                let number = self.ledger.ask_block(connection.user, users, blocked);
                connection.blocks.insert(request_id, (number, users.clone()));
            }
            Request::Signal { conversation, signal } => {
                self.ledger.ask_signal(conversation, read_signal(&signal.body).1);
                if self.sabotage == Some(Sabotage::PassSignals) {
                    self.pass_signal(id, *conversation, signal);
                }
            }
            _ => {}
        }
    }

    /// Sabotage: a signal goes straight to the other one of two people.
    fn pass_signal(&mut self, id: ConnectionId, conversation: Conversation, signal: &Signal) {
        let Connection { user: from, device, .. } = self.connections[&id];
        let others = self.connections.iter().filter(|(_, other)| conversation.peer_of(from) == Some(other.user));
        let others: Vec<ConnectionId> = others.map(|(id, _)| *id).collect();
        let push = SignalPush { conversation, from, device, except: None, signal: signal.clone() };
        let effect = Effect::PushSignal(Box::new(push), 0..0);
        others.into_iter().for_each(|id| self.give(id, &effect));
    }

    /// What the ledger must know of an answer.
    fn note_reply(&mut self, id: ConnectionId, request_id: u64, reply: &Reply) {
        if let Reply::LoggedIn { .. } = reply {
            self.note_opening(id);
        }
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if let Some((number, users)) = connection.blocks.remove(&request_id) {
            self.ledger.answer_block(number, connection.user, &users, *reply == Reply::Done);
        }
    }

    fn welcome(&self) -> proto::Welcome {
        proto::Welcome {
            version: 1,
            limits: Some(proto::Limits {
                frame_bytes_max: FRAME_BYTES_MAX as u32,
                body_bytes_max: BODY_BYTES_MAX as u32,
                signal_bytes_max: SIGNAL_BYTES_MAX as u32,
                requests_in_progress_max: self.limits.requests_max as u32,
                ..Default::default()
            }),
            keepalive_ms: self.limits.keepalive_ms,
            auth_methods: vec![proto::AuthMethod::Jwt.into()],
            ..Default::default()
        }
    }

    // ---- What leaves ----

    pub(super) fn give(&mut self, id: ConnectionId, effect: &Effect) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        self.ledger.check_effect(connection.user, effect);
        // Where the session stands when entries do not fit.
        let entries = match effect {
            Effect::Reply { request_id, reply, .. } => {
                connection.reply(*request_id, reply);
                return self.note_reply(id, *request_id, reply);
            }
            Effect::PushRun(run, _) => Some((run.conversation, Start::Cursor(Seq(run.first.0 - 1), run.log_id))),
            Effect::PushPage { conversation, start, .. } => Some((*conversation, *start)),
            _ => None,
        };
        let room = !connection.lagging && connection.line.out_len() < self.limits.outbound_frames_max;
        if connection.stage != Stage::Open {
            return;
        }
        if room {
            connection.line.push(FrameBytes::Push(effect));
        } else if let Some((conversation, position)) = entries {
            connection.lagging = true;
            let full = Input::OutboundFull { session: id.1, conversation, position };
            self.shards[id.0].handle(full, self.now);
        } else if let Effect::PushPresence(..) = effect {
            connection.lagging = true;
            self.shards[id.0].handle(Input::PresenceMissed(id.1), self.now);
        } else {
            self.hints_dropped += 1;
        }
        // Drained at once when nothing else is queued: the socket takes everything.
        if connection.lagging && connection.line.out_len() == 0 {
            connection.lagging = false;
            self.shards[id.0].handle(Input::OutboundDrained(id.1), self.now);
        }
    }

    /// Closes connections of the protocol that were silent for too long.
    pub(super) fn close_idle(&mut self) {
        let idle = Duration::from_millis(u64::from(self.limits.keepalive_ms)) * 5 / 2;
        let silent = self.connections.iter().filter(|(_, connection)| {
            let protocol = matches!(connection.line, Line::Bytes(_)) && connection.stage == Stage::Open;
            protocol && self.elapsed - connection.heard > idle
        });
        let silent: Vec<ConnectionId> = silent.map(|(id, _)| *id).collect();
        silent.into_iter().for_each(|id| self.end(id, Some(FrameBytes::Idle)));
    }

    pub(super) fn close(&mut self, id: ConnectionId, reason: CloseReason) {
        // Nobody here logs out or revokes a device.
        self.end(id, (reason == CloseReason::Replaced).then_some(FrameBytes::Replaced));
    }

    fn end(&mut self, id: ConnectionId, farewell: Option<FrameBytes<'_>>) {
        self.note_all_openings();
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.stage == Stage::Closing {
            return;
        }
        if let Some(farewell) = farewell {
            connection.line.push(farewell);
        }
        connection.stage = Stage::Closing;
        connection.line.forget_up();
        connection.lagging = false;
        if connection.abandoned || connection.line.out_len() == 0 {
            self.connections.remove(&id);
        }
        self.shards[id.0].handle(Input::Closed(id.1), self.now);
    }
}

impl Connection {
    fn reply(&mut self, request_id: u64, reply: &Reply) {
        match reply {
            Reply::LoggedIn { .. } => {
                assert_eq!(self.stage, Stage::Opening, "a session is opened once");
                self.stage = Stage::Open;
            }
            _ if self.stage == Stage::Closing => return,
            Reply::LogReset { .. } => {}
            _ if request_id == 0 => return,
            _ if self.stage == Stage::Open => {
                self.in_progress = self.in_progress.checked_sub(1).expect("each request is answered once");
            }
            _ => {}
        }
        self.line.push(FrameBytes::Reply(self.user, request_id, reply));
    }
}
