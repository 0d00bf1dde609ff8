//! The edge of a server: connections with bounded queues, from a login to the last frame.

use super::Server;
use crate::dice::Dice;
use hubbub_core::ids::{Conversation, DeviceId, LogId, Seq, UserId};
use hubbub_core::machine::{CloseReason, Effect, Input, Open};
use hubbub_core::message::{ReceiptsPush, Run, Start};
use hubbub_core::records::Page;
use hubbub_core::request::{Reply, Request, SessionId};
use std::collections::VecDeque;

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
    pub(super) up: VecDeque<(u64, Request)>,
    pub(super) out: VecDeque<Frame>,
    lagging: bool,
    in_progress: usize,
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

impl Server {
    /// A client connects and proves who it is.
    pub fn connect(&mut self, user: UserId, device: DeviceId) -> ConnectionId {
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
            up: VecDeque::new(),
            out: VecDeque::new(),
            lagging: false,
            in_progress: 0,
            abandoned: false,
        };
        self.connections.insert(id, connection);
        id
    }

    /// The connection breaks: what was queued in either direction is lost.
    pub fn disconnect(&mut self, id: ConnectionId) {
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

    /// A client writes a request.
    pub fn write(&mut self, id: ConnectionId, request_id: u64, request: Request) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.up.push_back((request_id, request));
        }
    }

    /// A client reads the next frame.
    pub fn read(&mut self, id: ConnectionId) -> Option<Frame> {
        let connection = self.connections.get_mut(&id)?;
        let frame = connection.out.pop_front()?;
        if connection.out.is_empty() {
            if connection.stage == Stage::Closing {
                self.connections.remove(&id);
            } else if std::mem::take(&mut connection.lagging) {
                self.shards[id.0].handle(Input::OutboundDrained(id.1), self.now);
            }
        }
        Some(frame)
    }

    /// The connections that have something to read.
    #[must_use]
    pub fn readable(&self) -> Vec<ConnectionId> {
        let readable =
            self.connections.iter().filter(|(_, connection)| !connection.out.is_empty() && !connection.abandoned);
        readable.map(|(id, _)| *id).collect()
    }

    /// Reads a request of some connection, or hears of a new one.
    pub(super) fn take_frame(&mut self, shard: usize, dice: &mut Dice) {
        let requests_max = self.limits.requests_max;
        let ready = self.connections.iter().filter(|(id, connection)| {
            id.0 == shard
                && match connection.stage {
                    Stage::Arriving => true,
                    Stage::Open => {
                        !connection.lagging && connection.in_progress < requests_max && !connection.up.is_empty()
                    }
                    Stage::Opening | Stage::Closing => false,
                }
        });
        let ready: Vec<ConnectionId> = ready.map(|(id, _)| *id).collect();
        let Some(&id) = dice.pick(&ready) else { return };
        let connection = self.connections.get_mut(&id).expect("it was just seen");
        if connection.stage == Stage::Arriving {
            connection.stage = Stage::Opening;
            let (user, device, generation) = (connection.user, connection.device, connection.generation);
            let open = Open { session: id.1, user, device, generation, request_id: 1 };
            return self.shards[shard].handle(Input::Open(open), self.now);
        }
        let (request_id, request) = connection.up.pop_front().expect("it is not empty");
        connection.in_progress += usize::from(request_id != 0);
        self.shards[shard].handle(Input::Request { session: id.1, request_id, request }, self.now);
    }

    // ---- What leaves ----

    pub(super) fn give(&mut self, id: ConnectionId, effect: &Effect) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        self.ledger.check_effect(connection.user, effect);
        let entries = match effect {
            Effect::Reply { request_id, reply, .. } => return connection.reply(*request_id, reply),
            Effect::PushRun(run, _) => {
                let before = Start::Cursor(Seq(run.first.0 - 1), run.log_id);
                Some((run.conversation, before, Frame::Run(run.clone())))
            }
            Effect::PushPage { conversation, log_id, from, start, page, .. } => {
                let (conversation, log_id, from, page) = (*conversation, *log_id, *from, page.clone());
                Some((conversation, *start, Frame::Page { conversation, log_id, from, page }))
            }
            _ => None,
        };
        let room = !connection.lagging && connection.out.len() < self.limits.outbound_frames_max;
        if connection.stage != Stage::Open {
            return;
        }
        match (entries, effect) {
            (Some((_, _, frame)), _) if room => connection.out.push_back(frame),
            (Some((conversation, position, _)), _) => {
                connection.lagging = true;
                let full = Input::OutboundFull { session: id.1, conversation, position };
                self.shards[id.0].handle(full, self.now);
            }
            (None, Effect::PushReceipts(push, _)) if room => connection.out.push_back(Frame::Receipts(push.clone())),
            (None, Effect::PushMembership(_, conversation, member)) if room => {
                connection.out.push_back(Frame::Membership(*conversation, *member));
            }
            _ => {}
        }
        // Drained at once when nothing else is queued: the socket takes everything.
        if connection.lagging && connection.out.is_empty() {
            connection.lagging = false;
            self.shards[id.0].handle(Input::OutboundDrained(id.1), self.now);
        }
    }

    pub(super) fn close(&mut self, id: ConnectionId, reason: CloseReason) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.stage == Stage::Closing {
            return;
        }
        if reason == CloseReason::Replaced {
            connection.out.push_back(Frame::Replaced);
        }
        connection.stage = Stage::Closing;
        connection.up.clear();
        connection.lagging = false;
        if connection.abandoned || connection.out.is_empty() {
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
        self.out.push_back(Frame::Reply(request_id, reply.clone()));
    }
}
