//! One node: shards with their lanes, batches and reads under way, and the edge with its connections.
//!
//! A *turn* is what a shard's thread does at once: it takes in a few inputs, decides, carries everything out, and
//! gives its batches away. What may happen in another order on a real node is drawn from the dice: batches of
//! different partitions become durable in any order, and so do answers of reads.

mod activity;
mod edge;
mod line;

pub use activity::Whereabouts;
pub use edge::{ConnectionId, Frame};

use crate::dice::Dice;
use crate::lanes::Lane;
use crate::ledger::Ledger;
use crate::sabotage::Sabotage;
use edge::{Connection, Stage};
use hubbub_core::Shard;
use hubbub_core::ids::{PartitionId, ShardId, Timestamp, UserId};
use hubbub_core::machine::{Effect, Input, Output, ReadToken};
use hubbub_core::records::{Batch, Read};
use hubbub_core::request::SessionId;
use hubbub_core::settings::Settings;
use hubbub_core::slots::SlotTable;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Limits of the edge.
#[derive(Clone, Copy, Debug)]
pub struct EdgeLimits {
    /// Frames queued for a connection beyond which pushes are refused.
    pub outbound_frames_max: usize,
    /// Requests in progress of one connection.
    pub requests_max: usize,
    /// Messages in a lane.
    pub lane_messages_max: usize,
    /// After so much silence clients of the protocol ping, in milliseconds.
    pub keepalive_ms: u32,
}

/// See the module.
#[derive(Debug)]
pub struct Server {
    /// What is durable, and what must hold.
    pub ledger: Ledger,
    /// The clock, which may step back.
    pub now: Timestamp,
    /// Time since the beginning, which does not.
    pub elapsed: Duration,
    /// In so many of 1,000 cases a read fails.
    pub read_failures: usize,
    /// Pushes of marks, signals and the like for which a client or a lane had no room.
    hints_dropped: u64,
    /// Print what clients write and hear.
    pub trace: bool,
    /// A fault of the server, put in on purpose.
    pub sabotage: Option<Sabotage>,
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
    /// How often it has started.
    lives: u64,
    /// When users were last active, at least and at most; of those who were heard since the start.
    activity: BTreeMap<UserId, (Timestamp, Timestamp)>,
    /// When presence last found no room between two shards.
    presence_lost: Duration,
    /// How often that was.
    presences_lost: u64,
    /// Signals that were numbered.
    signals: u64,
}

/// Batches of a partition under way, beyond which its shard only gathers.
const BATCHES_MAX: usize = 3;

impl Server {
    /// A server without data.
    #[must_use]
    pub fn new(settings: Settings, slots: SlotTable, limits: EdgeLimits) -> Server {
        let mut ledger = Ledger::new(slots.partitions());
        ledger.retention = settings.retention.default;
        let mut server = Server {
            ledger,
            now: Timestamp(1_700_000_000_000_000),
            elapsed: Duration::ZERO,
            read_failures: 0,
            hints_dropped: 0,
            trace: false,
            sabotage: None,
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
            lives: 0,
            activity: BTreeMap::new(),
            presence_lost: Duration::ZERO,
            presences_lost: 0,
            signals: 0,
        };
        server.start();
        server
    }

    fn start(&mut self) {
        let states = self.ledger.store.partition_states();
        let count = usize::from(self.slots.shards());
        let shard = |id| Shard::new(ShardId(id as u16), self.settings.clone(), self.slots.clone(), &states);
        self.shards = (0..count).map(shard).collect();
        let lane = |from| (0..count).map(|_| Lane::new(from, self.limits.lane_messages_max)).collect();
        self.lanes = (0..count).map(lane).collect();
        self.sealed = states.iter().map(|_| VecDeque::new()).collect();
        self.durable = states.iter().map(|_| VecDeque::new()).collect();
        self.ticked = vec![self.ticks; count];
        self.lives += 1;
        self.activity.clear();
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

    /// Whether resends may be older than what the server searches.
    #[must_use]
    pub fn forgets(&self) -> bool {
        self.settings.dedup_age_max_ms < Settings::default().dedup_age_max_ms
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
        if self.sabotage == Some(Sabotage::LoseAcked) {
            self.ledger.lose_acked();
        }
        self.start();
        self.ledger.check_acked();
        for row in self.ledger.store.outbox() {
            let partition = self.slots.partition_of_owner(&row.owner());
            let shard = usize::from(self.slots.shard_of(partition).0);
            self.shards[shard].handle(Input::Recovered(partition, vec![row]), self.now);
        }
    }

    /// Whether every push of marks has found room.
    #[must_use]
    pub fn has_told_all(&self) -> bool {
        self.hints_dropped == 0 && self.lanes.iter().flatten().all(|lane| lane.dropped() == 0)
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
            && self.connections.values().all(|c| c.line.is_read() && c.line.out_len() == 0 && c.stage == Stage::Open)
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
            let Connection { user, device, stage, line, .. } = connection;
            if *stage != Stage::Open || !line.is_read() || line.out_len() > 0 {
                text +=
                    &format!("; {id:?} of {user}/{device}: {stage:?}, read {}, out {}", line.is_read(), line.out_len());
            }
        }
        text
    }

    /// Time passes.
    pub fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.elapsed += Duration::from_millis(ms);
        self.ledger.latest = self.ledger.latest.max(self.now);
    }

    /// Somebody sets the clock back.
    pub fn set_clock_back(&mut self, ms: u64) {
        self.note_all_openings();
        self.now = Timestamp(self.now.0 - ms as i64 * 1_000);
    }

    /// A tick is due on every shard.
    pub fn tick(&mut self) {
        self.ticks += 1;
        self.close_idle();
    }

    // ---- Durability ----

    /// Makes the oldest batch of some partition durable; false when there is none.
    pub fn commit(&mut self, dice: &mut Dice) -> bool {
        let waiting: Vec<usize> = (0..self.sealed.len()).filter(|p| !self.sealed[*p].is_empty()).collect();
        let Some(&partition) = dice.pick(&waiting) else { return false };
        let mut batch = self.sealed[partition].pop_front().expect("it is not empty");
        if let Some(sabotage) = self.sabotage {
            sabotage.spoil_batch(&mut batch);
        }
        let position = batch.position;
        self.ledger.apply(batch);
        if self.sabotage != Some(Sabotage::CommitEarly) {
            self.durable[partition].push_back(position);
        }
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
                if self.sabotage == Some(Sabotage::CommitEarly) {
                    self.durable[usize::from(batch.partition.0)].push_back(batch.position);
                }
                self.sealed[usize::from(batch.partition.0)].push_back(batch);
            }
            self.carry_out(shard, dice);
        }
        self.lanes[shard].iter_mut().for_each(Lane::flush);
        for to in 0..self.lanes.len() {
            if let Some(from) = self.lanes[shard][to].take_presence_lost() {
                self.presence_lost = self.elapsed;
                self.presences_lost += 1;
                self.shards[shard].handle(Input::PresenceLost(ShardId(to as u16), from), self.now);
            }
        }
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
        let input = if dice.per_mille(self.read_failures) {
            Input::LoadFailed(token)
        } else {
            let result = self.ledger.store.read(read);
            Input::Loaded(
                token,
                match self.sabotage {
                    Some(sabotage) => sabotage.spoil_read(read, result),
                    None => result,
                },
            )
        };
        self.shards[shard].handle(input, self.now);
    }

    // ---- Effects ----

    fn carry_out(&mut self, shard: usize, dice: &mut Dice) {
        while self.shards[shard].has_output() {
            let output = self.shards[shard].take_output(Output::default());
            for effect in output.effects {
                let effect = match self.sabotage {
                    Some(sabotage) => sabotage.spoil(effect, dice),
                    None => Some(effect),
                };
                let Some(effect) = effect else { continue };
                let times = match (self.sabotage, &effect) {
                    (Some(Sabotage::RepeatPresence), Effect::PushPresence(..)) => 3,
                    _ => 1,
                };
                for _ in 0..times {
                    self.carry_out_one(shard, effect.clone(), &output.targets, dice);
                }
            }
        }
    }

    fn carry_out_one(&mut self, shard: usize, effect: Effect, targets: &[SessionId], dice: &mut Dice) {
        let for_sessions: Vec<SessionId> = match &effect {
            Effect::PushRun(_, range)
            | Effect::PushReceipts(_, range)
            | Effect::PushSummaries(_, _, range)
            | Effect::PushSignal(_, range)
            | Effect::PushPresence(_, range) => targets[range.start as usize..range.end as usize].to_vec(),
            Effect::Reply { session, .. } | Effect::PushPage { session, .. } | Effect::PushMembership(session, ..) => {
                vec![*session]
            }
            Effect::Close(session, reason) => return self.close(ConnectionId(shard, *session), *reason),
            // Nobody in this world registers.
            Effect::Answer { .. } => return,
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
        };
        for session in for_sessions {
            self.give(ConnectionId(shard, session), &effect);
        }
    }
}
