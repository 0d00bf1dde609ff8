//! One node: shards with their lanes, batches and reads under way, and the edge with its connections.
//!
//! A *turn* is what a shard's thread does at once: it takes in a few inputs, decides, carries everything out, and
//! gives its batches away. What may happen in another order on a real node is drawn from the dice: batches of
//! different partitions become durable in any order, and so do answers of reads.

use crate::dice::Dice;
use crate::lanes::Lane;
use crate::ledger::Ledger;
use hubbub_core::Shard;
use hubbub_core::ids::{Conversation, DeviceId, LogId, PartitionId, Seq, ShardId, Timestamp, UserId};
use hubbub_core::machine::{CloseReason, Effect, Input, Open, Output, ReadToken};
use hubbub_core::message::{ReceiptsPush, Run, Start};
use hubbub_core::records::{Batch, Page, Read};
use hubbub_core::request::{Reply, Request, SessionId};
use hubbub_core::settings::Settings;
use hubbub_core::slots::SlotTable;
use std::collections::{BTreeMap, VecDeque};

/// A connection: its shard, its place there, and how often the place was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(usize, SessionId);

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
struct Connection {
    user: UserId,
    device: DeviceId,
    generation: u64,
    stage: Stage,
    up: VecDeque<(u64, Request)>,
    out: VecDeque<Frame>,
    lagging: bool,
    in_progress: usize,
    /// The client is gone, and the server has not noticed.
    abandoned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The token was checked; the shard has not heard of it.
    Arriving,
    /// The core was told.
    Opening,
    Open,
    /// Gone for the core; what is queued may still be read.
    Closing,
}

/// Limits of the edge.
#[derive(Clone, Copy, Debug)]
pub struct EdgeLimits {
    /// Frames queued for a connection beyond which pushes are refused.
    pub outbound_frames_max: usize,
    /// Requests in progress of one connection.
    pub requests_max: usize,
    /// Messages in a lane.
    pub lane_messages_max: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Server {
    /// What is durable, and what must hold.
    pub ledger: Ledger,
    /// The clock.
    pub now: Timestamp,
    /// In so many of 1,000 cases a read fails.
    pub read_failures: usize,
    shards: Vec<Shard>,
    slots: SlotTable,
    settings: Settings,
    limits: EdgeLimits,
    lanes: Vec<Vec<Lane>>,
    /// Sealed and not durable, by partition.
    sealed: Vec<VecDeque<Batch>>,
    /// Durable, and the core does not know it, by partition.
    durable: Vec<VecDeque<u64>>,
    reads: Vec<(usize, ReadToken, Read)>,
    connections: BTreeMap<ConnectionId, Connection>,
    generation: u32,
    ticks: u64,
    ticked: Vec<u64>,
}

/// Batches of a partition under way, beyond which its shard only gathers.
const BATCHES_MAX: usize = 3;

impl Server {
    /// A server without data.
    #[must_use]
    pub fn new(settings: Settings, slots: SlotTable, limits: EdgeLimits) -> Server {
        let mut server = Server {
            ledger: Ledger::default(),
            now: Timestamp(1_700_000_000_000_000),
            read_failures: 0,
            shards: Vec::new(),
            slots,
            settings,
            limits,
            lanes: Vec::new(),
            sealed: Vec::new(),
            durable: Vec::new(),
            reads: Vec::new(),
            connections: BTreeMap::new(),
            generation: 0,
            ticks: 0,
            ticked: Vec::new(),
        };
        server.start();
        server
    }

    fn start(&mut self) {
        let states = self.ledger.store.partition_states(self.slots.partitions());
        let count = usize::from(self.slots.shards());
        let shard = |id| Shard::new(ShardId(id as u16), self.settings.clone(), self.slots.clone(), &states);
        self.shards = (0..count).map(shard).collect();
        let lane = |from| (0..count).map(|_| Lane::new(from, self.limits.lane_messages_max)).collect();
        self.lanes = (0..count).map(lane).collect();
        self.sealed = states.iter().map(|_| VecDeque::new()).collect();
        self.durable = states.iter().map(|_| VecDeque::new()).collect();
        self.ticked = vec![self.ticks; count];
    }

    /// The power fails without a sync since an earlier time.
    pub fn lose_power(&mut self, earlier: &Ledger) {
        self.ledger.go_back_to(earlier);
        self.settings.log_epoch += 1;
        let shards = self.slots.shards();
        self.crash(shards);
    }

    /// Whether that ever happened.
    #[must_use]
    pub fn has_lost_power(&self) -> bool {
        self.settings.log_epoch > 0
    }

    /// Whether the disk is nearly full.
    pub fn set_storage_full(&mut self, full: bool) {
        self.shards.iter_mut().for_each(|shard| shard.handle(Input::StorageFull(full), self.now));
    }

    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        self.slots.partitions()
    }

    /// The process dies: all that is not durable is gone, and every connection. Then it starts again, with so many
    /// shards.
    pub fn crash(&mut self, shards: u16) {
        self.slots = SlotTable::from_slots(*self.slots.slots(), shards);
        self.reads.clear();
        self.connections.clear();
        self.start();
        self.ledger.check_acked();
        for row in self.ledger.store.outbox() {
            let partition = self.slots.partition_of_conversation(&row.conversation);
            let shard = usize::from(self.slots.shard_of(partition).0);
            self.shards[shard].handle(Input::Recovered(partition, vec![row]), self.now);
        }
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// Conversations in memory.
    #[must_use]
    pub fn conversations_loaded(&self) -> usize {
        self.shards.iter().map(Shard::conversations_loaded).sum()
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.reads.is_empty()
            && self.lanes.iter().flatten().all(Lane::is_empty)
            && self.sealed.iter().all(VecDeque::is_empty)
            && self.durable.iter().all(VecDeque::is_empty)
            && self.shards.iter().all(|shard| !shard.has_output())
            && self.connections.values().all(|c| c.up.is_empty() && c.out.is_empty() && c.stage == Stage::Open)
    }

    /// What is under way, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let full = |lane: &&Lane| !lane.is_empty();
        let lanes = self.lanes.iter().flatten().filter(full).count();
        let batches: usize = self.sealed.iter().map(VecDeque::len).sum();
        let unknown: usize = self.durable.iter().map(VecDeque::len).sum();
        let mut text = format!("{lanes} lanes, {batches} batches, {unknown} commits, {} reads", self.reads.len());
        for (id, connection) in &self.connections {
            let Connection { user, device, stage, up, out, .. } = connection;
            if *stage != Stage::Open || !up.is_empty() || !out.is_empty() {
                text += &format!("; {id:?} of {user}/{device}: {stage:?}, up {}, out {}", up.len(), out.len());
            }
        }
        text
    }

    /// A tick is due on every shard.
    pub fn tick(&mut self) {
        self.ticks += 1;
    }

    // ---- Connections ----

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

    // ---- Durability ----

    /// Makes the oldest batch of some partition durable; false when there is none.
    pub fn commit(&mut self, dice: &mut Dice) -> bool {
        let waiting: Vec<usize> = (0..self.sealed.len()).filter(|p| !self.sealed[*p].is_empty()).collect();
        let Some(&partition) = dice.pick(&waiting) else { return false };
        let batch = self.sealed[partition].pop_front().expect("it is not empty");
        self.ledger.apply(&batch);
        self.durable[partition].push_back(batch.position);
        true
    }

    // ---- A turn ----

    /// One shard takes its turn, with up to so many inputs.
    pub fn turn(&mut self, shard: usize, inputs: usize, dice: &mut Dice) {
        for _ in 0..inputs {
            self.take_one(shard, dice);
        }
        self.carry_out(shard, dice);
        let partitions = 0..self.sealed.len() as u16;
        let own = partitions.filter(|p| self.slots.shard_of(PartitionId(*p)) == ShardId(shard as u16));
        if own.clone().all(|partition| self.sealed[usize::from(partition)].len() < BATCHES_MAX) {
            let mut batches = Vec::new();
            self.shards[shard].seal(self.now, &mut batches);
            for batch in batches {
                self.sealed[usize::from(batch.partition.0)].push_back(batch);
            }
            self.carry_out(shard, dice);
        }
        self.lanes[shard].iter_mut().for_each(Lane::flush);
    }

    fn take_one(&mut self, shard: usize, dice: &mut Dice) {
        if self.ticked[shard] < self.ticks {
            self.ticked[shard] += 1;
            self.shards[shard].handle(Input::Tick, self.now);
            return;
        }
        match dice.below(4) {
            0 => self.take_message(shard, dice),
            1 => self.take_commit(shard, dice),
            2 => self.take_read(shard, dice),
            _ => self.take_frame(shard, dice),
        }
    }

    fn take_message(&mut self, shard: usize, dice: &mut Dice) {
        let senders: Vec<usize> = (0..self.lanes.len()).filter(|from| self.lanes[*from][shard].has_message()).collect();
        let Some(&from) = dice.pick(&senders) else { return };
        if let Some(message) = self.lanes[from][shard].pop() {
            self.shards[shard].handle(Input::Message(message), self.now);
        }
    }

    fn take_commit(&mut self, shard: usize, dice: &mut Dice) {
        let own = |p: &usize| self.slots.shard_of(PartitionId(*p as u16)) == ShardId(shard as u16);
        let known: Vec<usize> = (0..self.durable.len()).filter(own).filter(|p| !self.durable[*p].is_empty()).collect();
        let Some(&partition) = dice.pick(&known) else { return };
        if let Some(position) = self.durable[partition].pop_front() {
            self.shards[shard].handle(Input::Committed(PartitionId(partition as u16), position), self.now);
        }
    }

    fn take_read(&mut self, shard: usize, dice: &mut Dice) {
        let own: Vec<usize> = (0..self.reads.len()).filter(|at| self.reads[*at].0 == shard).collect();
        if let Some(&at) = dice.pick(&own) {
            let (_, token, read) = self.reads.remove(at);
            self.answer(shard, token, &read, dice);
        }
    }

    fn answer(&mut self, shard: usize, token: ReadToken, read: &Read, dice: &mut Dice) {
        let failed = dice.per_mille(self.read_failures);
        let input = if failed { Input::LoadFailed(token) } else { Input::Loaded(token, self.ledger.store.read(read)) };
        self.shards[shard].handle(input, self.now);
    }

    /// Reads a request of some connection, or hears of a new one.
    fn take_frame(&mut self, shard: usize, dice: &mut Dice) {
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

    // ---- Effects ----

    fn carry_out(&mut self, shard: usize, dice: &mut Dice) {
        while self.shards[shard].has_output() {
            let output = self.shards[shard].take_output(Output::default());
            for effect in output.effects {
                self.carry_out_one(shard, effect, &output.targets, dice);
            }
        }
    }

    fn carry_out_one(&mut self, shard: usize, effect: Effect, targets: &[SessionId], dice: &mut Dice) {
        let for_sessions: Vec<SessionId> = match &effect {
            Effect::PushRun(_, range) | Effect::PushReceipts(_, range) => {
                targets[range.start as usize..range.end as usize].to_vec()
            }
            Effect::Reply { session, .. } | Effect::PushPage { session, .. } | Effect::PushMembership(session, ..) => {
                vec![*session]
            }
            Effect::Close(session, reason) => return self.close(ConnectionId(shard, *session), *reason),
            Effect::Forward(to, message) => return self.lanes[shard][usize::from(to.0)].send(message.clone()),
            Effect::Read(token, read) => {
                // Half of what is asked for lies in the cache; a search never does.
                if matches!(read, Read::FindName { .. }) || dice.per_mille(500) {
                    self.reads.push((shard, *token, read.clone()));
                } else {
                    self.answer(shard, *token, read, dice);
                }
                return;
            }
            Effect::Commit(_) => unreachable!("batches come from seal"),
        };
        for session in for_sessions {
            self.give(ConnectionId(shard, session), &effect);
        }
    }

    fn give(&mut self, id: ConnectionId, effect: &Effect) {
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

    fn close(&mut self, id: ConnectionId, reason: CloseReason) {
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
