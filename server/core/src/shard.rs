//! One shard: owns the state, takes inputs apart and hands each to the part that knows it.
//!
//! The parts are `impl Shard` blocks in `shard/`, one for each feature; they do not call each other except through
//! the messages of [`crate::message`], which also carry what one shard says to itself.

mod accounts;
mod append;
mod blocks;
mod departures;
mod devices;
mod dispatch;
mod emails;
mod fanout;
mod groups;
mod holders;
mod homes;
mod invites;
mod limits;
mod lists;
mod login;
mod marks;
mod memberships;
mod operations;
mod outbox;
mod pages;
mod presence;
mod reads;
mod receipts;
mod retention;
mod roles;
mod signals;
mod sync;
mod ticks;
mod watchers;
mod watching;

use blocks::{BlockCheck, BlockWait};
use emails::BusyEmail;
use reads::PendingRead;

use crate::account::Email;
use crate::budget::Budgets;
use crate::conversation::Home;
use crate::ids::{Conversation, PartitionId, Seq, ShardId, Timestamp, UserId};
use crate::machine::{CloseReason, Counters, Effect, Input, Output, Waiting};
use crate::message::{ConversationMessage, Message, SessionMessage};
use crate::partition::{Gated, Partition};
use crate::presence::Watched;
use crate::records::{Batch, PartitionState, Write};
use crate::request::{Caller, Refusal, Reply, ReplyTo, SessionId};
use crate::rings::Rings;
use crate::sessions::{Sessions, User};
use crate::settings::Settings;
use crate::slots::SlotTable;
use crate::subscriptions::{FollowedIndex, Subscriptions};
use crate::watches::Watches;
use hashbrown::HashMap;
use slab::Slab;
use std::collections::{BTreeSet, VecDeque};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// See the module.
#[derive(Debug)]
pub struct Shard {
    id: ShardId,
    settings: Settings,
    slots: SlotTable,
    now: Timestamp,
    out: Output,
    counters: Counters,
    storage_full: bool,
    /// Bytes decided and not committed.
    pending_bytes: usize,

    /// By partition id; `None` for those of other shards.
    partitions: Vec<Option<Partition>>,
    homes: Slab<Home>,
    home_by_id: Map<Conversation, usize>,
    /// Where the sweep for unused conversations stands.
    sweep_at: usize,

    /// Blocks whose users are being looked up.
    block_checks: Slab<BlockCheck>,
    /// Blocks that are not in force yet.
    block_waits: Map<UserId, Vec<BlockWait>>,
    /// Blocks to tell a conversation again at the next tick, after a failed read.
    block_retries: Vec<(Conversation, ConversationMessage)>,
    /// Calls that ring.
    rings: Rings,

    users: Map<UserId, User>,
    sessions: Sessions,
    budgets: Budgets,
    subscriptions: Subscriptions,
    /// Users whom somebody watches, and who are homed here.
    watched: Map<UserId, Box<Watched>>,
    /// Whom sessions here watch.
    watches: Watches,
    /// Users to look at again, by time.
    presence_due: BTreeSet<(Timestamp, UserId)>,
    /// Users of whom watchers are to be told, by time.
    presence_pushes: BTreeSet<(Timestamp, UserId)>,
    /// Users whose last activity is to be written.
    presence_unwritten: VecDeque<UserId>,
    presence_flushed: Timestamp,
    /// Sessions that ask for presence again at the next tick, after a failed read.
    stale: Vec<SessionId>,
    /// Marks that wait for the next tick.
    marks: Map<(Conversation, UserId, crate::ids::DeviceId), (Seq, Seq)>,
    /// Groups (by index) with counts to be pushed.
    summaries: Vec<usize>,
    /// Pages to ask for again at the next tick, after a failed read.
    retries: Vec<(SessionId, FollowedIndex)>,
    /// Subscriptions to look at once the edge has carried out what was pushed to them.
    settling: Vec<(SessionId, FollowedIndex)>,

    /// Addresses about which something is being decided.
    emails: Map<Email, BusyEmail>,
    /// What each read under way is for.
    reads: Slab<PendingRead>,
    /// Lists that wait for states.
    lists: Slab<lists::PendingList>,
    /// Messages to this shard itself that have not been handled.
    local: VecDeque<Message>,
    users_swept: Timestamp,
    /// Syncs of all sessions that have not been answered.
    syncs_open: usize,
    sweeper: retention::Sweeper,
}

impl Shard {
    /// A shard with the partitions that `slots` gives it, each in the state that `partitions` (by id) tells.
    #[must_use]
    pub fn new(id: ShardId, settings: Settings, slots: SlotTable, partitions: &[PartitionState]) -> Shard {
        let partitions = partitions.iter().enumerate().map(|(p, state)| {
            let partition = PartitionId(p as u16);
            (slots.shard_of(partition) == id).then(|| Partition::new(partition, *state))
        });
        Shard {
            id,
            settings,
            now: Timestamp(0),
            out: Output::default(),
            counters: Counters::default(),
            storage_full: false,
            pending_bytes: 0,
            partitions: partitions.collect(),
            slots,
            homes: Slab::new(),
            home_by_id: Map::default(),
            sweep_at: 0,
            block_checks: Slab::new(),
            block_waits: Map::default(),
            block_retries: Vec::new(),
            rings: Rings::default(),
            users: Map::default(),
            sessions: Sessions::default(),
            budgets: Budgets::default(),
            subscriptions: Subscriptions::default(),
            watched: Map::default(),
            watches: Watches::default(),
            presence_due: BTreeSet::new(),
            presence_pushes: BTreeSet::new(),
            presence_unwritten: VecDeque::new(),
            presence_flushed: Timestamp(0),
            stale: Vec::new(),
            marks: Map::default(),
            summaries: Vec::new(),
            retries: Vec::new(),
            settling: Vec::new(),
            emails: Map::default(),
            reads: Slab::new(),
            lists: Slab::new(),
            local: VecDeque::new(),
            users_swept: Timestamp(0),
            syncs_open: 0,
            sweeper: retention::Sweeper::default(),
        }
    }

    /// Handles one input. What is to be done is then in [`Shard::take_output`].
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.now = now;
        match input {
            Input::Request { session, request_id, request } => self.handle_request(session, request_id, request),
            Input::Message(message) => self.handle_message(message),
            Input::Committed(partition, position) => self.handle_committed(partition, position),
            Input::Loaded(token, result) => self.handle_loaded(token, Some(result)),
            Input::LoadFailed(token) => self.handle_loaded(token, None),
            Input::Open(open) => self.handle_open(*open),
            Input::Ask { asker, request_id, question } => self.handle_question(asker, request_id, question),
            Input::Closed(session) => self.handle_closed(session),
            Input::OutboundFull { session, conversation, position } => {
                self.handle_full(session, conversation, position);
            }
            Input::OutboundDrained(session) => self.handle_drained(session),
            Input::Active(session) => self.note_activity(session),
            Input::PresenceMissed(session) => self.handle_presence_missed(session),
            Input::PresenceLost(shard, from) => self.handle_presence_lost(shard, from),
            Input::Stopping => self.handle_stopping(),
            Input::Recovered(_, rows) => self.send_facts(rows),
            Input::StorageFull(full) => self.storage_full = full,
            Input::Tick => self.handle_tick(),
        }
        self.handle_local();
    }

    fn handle_local(&mut self) {
        while let Some(message) = self.local.pop_front() {
            self.handle_message(message);
        }
    }

    /// Swaps what is to be done, in order, for an empty vessel.
    pub fn take_output(&mut self, empty: Output) -> Output {
        debug_assert!(empty.effects.is_empty());
        std::mem::replace(&mut self.out, empty)
    }

    /// Whether effects wait in [`Shard::take_output`].
    #[must_use]
    pub fn has_output(&self) -> bool {
        !self.out.effects.is_empty()
    }

    /// Closes the open batch of every partition and appends them to `batches`, to be committed in this order. To be
    /// called after all effects were carried out: it may leave new ones.
    pub fn seal(&mut self, now: Timestamp, batches: &mut Vec<Batch>) {
        self.settle();
        self.handle_local();
        for p in 0..self.partitions.len() {
            let Some(partition) = &mut self.partitions[p] else { continue };
            if !partition.has_open() {
                continue;
            }
            let touched = partition.take_touched();
            for &home in &touched {
                self.close_block(home);
            }
            let partition = self.partition(PartitionId(p as u16));
            partition.return_touched(touched);
            batches.extend(partition.seal(now));
        }
    }

    /// Plain counts since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Conversations in memory at their home.
    #[must_use]
    pub fn conversations_loaded(&self) -> usize {
        self.homes.len()
    }

    /// Users homed here whom somebody watches.
    #[must_use]
    pub fn watched_users(&self) -> usize {
        self.watched.len()
    }

    /// What waits, now.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        Waiting { pending_bytes: self.pending_bytes, syncs: self.syncs_open, calls_ringing: self.rings.len() }
    }

    /// A message for a conversation's home, here or elsewhere.
    fn send_home(&mut self, conversation: Conversation, message: ConversationMessage) {
        self.send(self.slots.shard_of_conversation(&conversation), Message::ToConversation(conversation, message));
    }

    fn send(&mut self, shard: ShardId, message: Message) {
        if shard == self.id {
            self.local.push_back(message);
        } else {
            self.out.effects.push(Effect::Forward(shard, message));
        }
    }

    /// Sends once everything decided so far in the partition is durable.
    fn send_gated(&mut self, partition: PartitionId, shard: ShardId, message: Message) {
        self.gate(partition, Gated::Send(shard, message));
    }

    fn gate(&mut self, partition: PartitionId, item: Gated) {
        if let Some(item) = self.partition(partition).gate(item) {
            self.release(item);
        }
    }

    fn handle_committed(&mut self, partition: PartitionId, position: u64) {
        self.pending_bytes -= self.partition(partition).committed(position);
        while let Some(item) = self.partition(partition).pop_released() {
            self.release(item);
        }
    }

    fn release(&mut self, item: Gated) {
        match item {
            Gated::Send(shard, message) => self.send(shard, message),
            Gated::Run(home, run, ordinal) => self.release_run(home, run, ordinal),
            Gated::Receipts(home, receipts) => self.release_receipts(home, receipts),
            Gated::Read(token, read) => self.out.effects.push(Effect::Read(token, read)),
        }
    }

    // ---- Answers ----

    /// Refuses at once: a refusal reveals nothing that is not durable.
    fn refuse(&mut self, caller: Caller, refusal: Refusal) {
        self.reply_now(caller.reply_to, Reply::Refused(refusal));
    }

    fn reply_now(&mut self, to: ReplyTo, reply: Reply) {
        self.send(to.shard, Message::ToSession(SessionMessage::Reply(to, reply)));
    }

    /// Answers once everything decided so far in the partition is durable.
    fn reply_gated(&mut self, partition: PartitionId, to: ReplyTo, reply: Reply) {
        self.send_gated(partition, to.shard, Message::ToSession(SessionMessage::Reply(to, reply)));
    }

    fn reply_here(&mut self, to: ReplyTo, reply: Reply) {
        self.counters.refusals += u64::from(matches!(reply, Reply::Refused(_)));
        self.out.effects.push(Effect::Reply { session: to.session, request_id: to.request_id, reply });
    }

    fn close(&mut self, session: SessionId, reason: CloseReason) {
        self.out.effects.push(Effect::Close(session, reason));
    }

    // ---- Partitions ----

    fn partition(&mut self, partition: PartitionId) -> &mut Partition {
        self.partitions[usize::from(partition.0)].as_mut().expect("messages are routed to the owner")
    }

    fn write(&mut self, partition: PartitionId, write: Write) {
        self.partition(partition).write(write);
    }
}
