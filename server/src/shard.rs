//! One shard's thread: sockets, the pure core, and the turns that connect them.
//!
//! Everything happens on one single-threaded runtime. Connection tasks read what is there and hand frames to the core;
//! the first input wakes the *turn* task, which therefore runs after all connections that are ready now. A turn takes
//! in what other threads have sent, decides, makes one commit, carries out the effects, and writes to each socket
//! once. So the busier the shard, the larger its batches.

mod accepting;
mod channels;
mod connection;
mod deadlines;
mod effects;
mod login;
mod opening;
mod passwords;
#[cfg(feature = "planted-faults")]
mod planted;
mod reading;
mod router;
mod ticking;
mod trunk;
mod web;
mod writing;

pub use router::lane_messages_max;

use crate::addresses::Place;
use crate::auth::hasher::{HashAnswer, Hasher};
use crate::auth::session_token::SessionToken;
use crate::commit::{self, Committer, JOBS_PER_SHARD_MAX};
use crate::config::Durability;
use crate::edge::layers::Layers;
use crate::mailbox::Mailbox;
use crate::metrics::{CommitCounters, Distributions, FrameIn, ShardCounters, Transport};
use crate::node::{Node, Phase};
use crate::readers::{Answer, Reader};
use crate::wire;
use bytes::BytesMut;
use connection::{Connection, Name};
use deadlines::Deadlines;
use hubbub_core::Shard as Core;
use hubbub_core::bucket::Rate;
use hubbub_core::ids::{PartitionId, ShardId, Timestamp};
use hubbub_core::machine::{Input, Output};
use hubbub_core::message::Message;
use hubbub_core::records::{Batch, OutboxRow};
use hubbub_core::slots::SlotTable;
use hubbub_store::commit_log::{Ack, Local};
use hubbub_store::{CommitError, Store};
use login::Login;
use passwords::Errand;
use router::Router;
use slab::Slab;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};
use trunk::Trunk;
use writing::WriteScratch;

/// What shards put into each other's mailboxes.
#[derive(Debug)]
pub enum Envelope {
    /// For the core.
    Message(Message),
    /// A connection that is at home at the receiver.
    Parcel(Box<Parcel>),
}

/// A connection on its way home.
#[derive(Debug)]
pub struct Parcel {
    stream: std::net::TcpStream,
    layers: Option<Box<Layers>>,
    /// Among those of its address.
    place: Option<Place>,
    /// Read from the socket and not yet taken apart.
    unread: Vec<u8>,
    /// Not yet written to the socket.
    unsent: Vec<u8>,
    passenger: Passenger,
}

/// Whom a connection serves that moves to another shard.
#[derive(Debug)]
enum Passenger {
    /// A user who is homed there.
    Login(Box<Login>),
    /// A gateway, which chose that shard.
    Trunk { request_id: u64, shard: ShardId },
}

impl Passenger {
    fn request_id(&self) -> u64 {
        match self {
            Passenger::Login(login) => login.request_id,
            Passenger::Trunk { request_id, .. } => *request_id,
        }
    }
}

/// What a shard is started with.
pub struct Parts {
    /// Its number.
    pub id: usize,
    /// Where its connections come from.
    pub listeners: Vec<(Transport, TcpListener)>,
    /// The machine.
    pub core: Core,
    /// Who lives where.
    pub slots: SlotTable,
    /// What its partitions had not delivered.
    pub outbox: Vec<(PartitionId, Vec<OutboxRow>)>,
    /// The store, for reads from its cache.
    pub store: Store,
    /// The log, for commits that do not wait for a device.
    pub log: Local,
    /// The commit thread, for those that do.
    pub committer: Committer,
    /// The reader pool.
    pub reader: Reader,
    /// The pool that hashes passwords.
    pub hasher: Hasher,
    /// What all shards share.
    pub node: Arc<Node>,
}

/// Envelopes taken from one lane in one turn.
const LANE_STEP: usize = 1_024;
/// Rounds of deciding and committing in one turn, before others get theirs.
const ROUNDS_MAX: usize = 4;
/// Capacity of the buffers that small frames are encoded into.
const ENCODE_BYTES: usize = 64 * 1024;
/// Tasks polled before the runtime looks for events again. The turn stands behind all that are ready.
const EVENT_INTERVAL: u32 = 512;
/// How long a full lane is left alone.
const BACKLOG_PAUSE: Duration = Duration::from_millis(1);

/// See the module.
struct Shard {
    id: usize,
    core: Core,
    slots: SlotTable,
    connections: Slab<Connection>,
    generation: u32,
    deadlines: Deadlines,
    begun: Instant,
    node: Arc<Node>,
    mailbox: Arc<Mailbox<Envelope>>,
    router: Router,
    store: Store,
    log: Local,
    inline: bool,
    committer: Committer,
    reader: Reader,
    hasher: Hasher,
    counters: ShardCounters,
    commits: CommitCounters,
    acks: Vec<Ack>,
    batches: Vec<Batch>,
    spare: Output,
    jobs: usize,
    wire_limits: wire::Limits,
    limits: Limits,

    /// Registrations and passwords under way, by ticket.
    errands: HashMap<u64, Box<Errand>>,
    next_ticket: u64,
    /// Logins whose password was right, until their reading tasks take them.
    proven: HashMap<(u32, u32), Box<Login>>,
    /// Session tokens that were made and not yet told.
    new_tokens: HashMap<(u32, u32), SessionToken>,

    /// Trunks that belong here.
    trunks: Slab<Trunk>,
    /// Of them those with frames to be written.
    dirty_trunks: Vec<u32>,
    /// Channels that may be read again.
    resumed: Vec<Name>,

    /// Reads of all connections go here first.
    scratch: BytesMut,
    /// What layers make of them.
    opened: BytesMut,
    write_scratch: WriteScratch,
    /// Small frames are encoded here.
    encoder: BytesMut,
    /// Connections (by index) with frames that were queued in this turn.
    dirty: Vec<u32>,
    /// Connections that are not read while a lane is congested.
    held: Vec<(u32, u32)>,
    /// Bytes that blocked connections hold.
    outbound_bytes: usize,
    /// When effects were last carried out.
    carried_out: Timestamp,
    turn: Option<Waker>,
    turn_pending: bool,
    /// The core knows that the process will end.
    told_to_stop: bool,
    /// Since when clients are told to go.
    leaving_since: Option<deadlines::Ticks>,
    #[cfg(feature = "planted-faults")]
    planting: crate::planted::Planting,
    /// For the tasks that it starts.
    handle: std::rc::Weak<RefCell<Shard>>,
    left: bool,
}

/// Limits of one connection, from the configuration.
#[derive(Clone, Copy, Debug)]
struct Limits {
    frame_bytes_max: usize,
    requests_max: u16,
    requests: Rate,
    outbound_bytes_max: usize,
    node_outbound_bytes_max: usize,
    login: deadlines::Ticks,
    frame: deadlines::Ticks,
    write: deadlines::Ticks,
    idle: deadlines::Ticks,
    /// What either side may send in a channel of a trunk before the other has taken any of it.
    window_bytes: u32,
}

/// Runs a shard until the node leaves. Blocks its thread.
///
/// # Errors
/// The runtime cannot be made, or the listener not be registered with it.
pub fn run(parts: Parts) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build_local(tokio::runtime::LocalOptions::default())?;
    runtime.block_on(async move {
        let mut parts = parts;
        let take = |(transport, listener)| Ok((transport, tokio::net::TcpListener::from_std(listener)?));
        let listeners =
            std::mem::take(&mut parts.listeners).into_iter().map(take).collect::<std::io::Result<Vec<_>>>()?;
        let outbox = parts.outbox.clone();
        let shard = Shard::new(parts);
        let accept = |(transport, listener)| {
            tokio::task::spawn_local(accepting::accept_loop(shard.clone(), transport, listener)).abort_handle()
        };
        let accepting: Vec<_> = listeners.into_iter().map(accept).collect();
        tokio::task::spawn_local(ticking::tick_loop(shard.clone()));
        shard.borrow_mut().note_disk();
        shard.borrow_mut().recover(outbox);
        let turns = tokio::task::spawn_local(turn_loop(shard.clone(), accepting));
        let _ = turns.await; // A panic there has already ended the process.
        Ok(())
    })
}

/// Takes turns until the shard has left.
async fn turn_loop(shard: Rc<RefCell<Shard>>, accepting: Vec<tokio::task::AbortHandle>) {
    let bell = shard.borrow().mailbox.bell().clone();
    let mut pause: Option<std::pin::Pin<Box<tokio::time::Sleep>>> = None;
    std::future::poll_fn(|cx| {
        let mut shard = shard.borrow_mut();
        // Silent and listening before looking, so that whatever comes later wakes this task again.
        while bell.poll_rung(cx).is_ready() {
            bell.take_wait().into_iter().for_each(|wait| shard.distributions().mailbox_wait.took(wait));
        }
        let begun = Instant::now();
        shard.take_turn(cx);
        shard.counters.pressure.totals.turns += 1;
        shard.distributions().turn.took(begun.elapsed());
        if shard.left {
            return Poll::Ready(());
        }
        if shard.node.phase() != Phase::Running {
            accepting.iter().for_each(tokio::task::AbortHandle::abort);
        }
        if shard.router.has_backlog() {
            let mut sleep = pause.take().unwrap_or_else(|| Box::pin(tokio::time::sleep(BACKLOG_PAUSE)));
            if std::future::Future::poll(sleep.as_mut(), cx).is_pending() {
                pause = Some(sleep);
            } else {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    })
    .await;
}

impl Shard {
    fn new(parts: Parts) -> Rc<RefCell<Shard>> {
        let node = parts.node;
        let limits = &node.config.limits;
        let limits = Limits {
            frame_bytes_max: limits.frame_bytes_max,
            requests_max: limits.requests_in_progress_max.min(u32::from(u16::MAX)) as u16,
            requests: Rate::per_second(
                limits.connection_requests_per_second.into(),
                limits.connection_requests_burst.into(),
            ),
            outbound_bytes_max: limits.connection_outbound_bytes_max,
            node_outbound_bytes_max: limits.outbound_bytes_max,
            login: deadlines::ticks(limits.login_deadline_ms),
            frame: deadlines::ticks(limits.frame_deadline_ms),
            write: deadlines::ticks(limits.write_deadline_ms),
            idle: deadlines::ticks(limits.keepalive_ms * 5 / 2),
            window_bytes: trunk::window_bytes(limits.frame_bytes_max),
        };
        let wire_limits = wire::Limits {
            body_bytes_max: node.config.limits.body_bytes_max,
            signal_bytes_max: node.config.signal_bytes_max(),
            users_max: (limits.frame_bytes_max - 1_024) / 8,
        };
        Rc::new_cyclic(|handle| {
            RefCell::new(Shard {
                id: parts.id,
                core: parts.core,
                slots: parts.slots,
                connections: Slab::new(),
                generation: 0,
                deadlines: Deadlines::new(),
                begun: Instant::now(),
                mailbox: node.mailboxes[parts.id].clone(),
                router: Router::new(parts.id, &node.mailboxes),
                inline: node.config.durability != Durability::Fsync,
                node,
                store: parts.store,
                log: parts.log,
                committer: parts.committer,
                reader: parts.reader,
                hasher: parts.hasher,
                counters: ShardCounters::register(parts.id),
                commits: CommitCounters::register(),
                acks: Vec::new(),
                batches: Vec::new(),
                spare: Output::default(),
                jobs: 0,
                wire_limits,
                limits,
                errands: HashMap::new(),
                next_ticket: 0,
                proven: HashMap::new(),
                new_tokens: HashMap::new(),
                trunks: Slab::new(),
                dirty_trunks: Vec::new(),
                resumed: Vec::new(),
                scratch: BytesMut::new(),
                opened: BytesMut::new(),
                write_scratch: WriteScratch::default(),
                encoder: BytesMut::with_capacity(ENCODE_BYTES),
                dirty: Vec::new(),
                held: Vec::new(),
                outbound_bytes: 0,
                carried_out: Timestamp(0),
                turn: None,
                turn_pending: false,
                told_to_stop: false,
                leaving_since: None,
                #[cfg(feature = "planted-faults")]
                planting: crate::planted::Planting::default(),
                handle: handle.clone(),
                left: false,
            })
        })
    }

    fn recover(&mut self, outbox: Vec<(PartitionId, Vec<OutboxRow>)>) {
        for (partition, rows) in outbox {
            if !rows.is_empty() {
                self.input(Input::Recovered(partition, rows));
            }
        }
    }

    /// Gives the core an input and sees to it that a turn follows.
    fn input(&mut self, input: Input) {
        self.core.handle(input, now());
        self.want_turn();
    }

    fn want_turn(&mut self) {
        if !self.turn_pending {
            self.turn_pending = true;
            if let Some(turn) = &self.turn {
                turn.wake_by_ref();
            }
        }
    }

    // ---- A turn ----

    fn take_turn(&mut self, cx: &mut Context<'_>) {
        match &mut self.turn {
            Some(turn) => turn.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        self.turn_pending = false;
        let more = self.take_in();
        self.resume_channels();
        self.decide_and_commit();
        self.flush_dirty();
        self.router.flush();
        self.release_held();
        if self.node.phase() != Phase::Running {
            self.wind_up();
        }
        if more || self.core.has_output() {
            self.want_turn();
        }
    }

    /// Takes in what other threads have sent; true when there is more.
    fn take_in(&mut self) -> bool {
        let now = now();
        let mut more = false;
        for lane in 0..self.mailbox.senders() {
            let mut taken = 0;
            while taken < LANE_STEP {
                let Some(envelope) = self.mailbox.pop(lane) else { break };
                taken += 1;
                match envelope {
                    Envelope::Message(message) => self.core.handle(Input::Message(message), now),
                    Envelope::Parcel(parcel) => self.take_parcel(*parcel),
                }
            }
            more |= taken == LANE_STEP;
        }
        while let Some(positions) = self.committer.committed().pop() {
            self.jobs -= 1;
            for (partition, position) in positions {
                self.core.handle(Input::Committed(partition, position), now);
            }
        }
        while let Some(Answer { token, result, since }) = self.reader.pop() {
            self.distributions().read.took(since.elapsed());
            let input = result.map_or(Input::LoadFailed(token), |result| Input::Loaded(token, result));
            self.core.handle(input, now);
        }
        while let Some(HashAnswer { ticket, outcome, since }) = self.hasher.pop() {
            self.distributions().hash.took(since.elapsed());
            self.hashed(ticket.0, outcome);
        }
        more
    }

    /// Carries out effects and commits what was decided, until nothing is left that can go on now.
    fn decide_and_commit(&mut self) {
        for _ in 0..ROUNDS_MAX {
            self.carry_out();
            if self.jobs >= JOBS_PER_SHARD_MAX {
                return;
            }
            let mut batches = std::mem::take(&mut self.batches);
            self.core.seal(now(), &mut batches);
            let done = batches.is_empty();
            self.batches = if done { batches } else { self.commit(batches) };
            if done {
                return;
            }
        }
        self.carry_out();
        self.want_turn();
    }

    /// Commits batches: here when that neither waits nor overtakes, else by the commit thread. Returns the empty list.
    fn commit(&mut self, mut batches: Vec<Batch>) -> Vec<Batch> {
        #[cfg(feature = "planted-faults")]
        self.plant_in_store(&mut batches);
        if !self.inline || self.jobs > 0 {
            self.submit(batches);
            return Vec::new();
        }
        let begun = Instant::now();
        self.acks.clear();
        match self.log.append_unless_stalled(&batches, &mut self.acks) {
            Ok(()) => {
                commit::check_outcomes(&self.acks);
                self.commits.committed(commit::entries_in(&batches), begun.elapsed());
                let now = now();
                for batch in batches.drain(..) {
                    self.core.handle(Input::Committed(batch.partition, batch.position), now);
                }
                batches
            }
            Err(CommitError::Stalled) => {
                self.submit(batches);
                Vec::new()
            }
            Err(error) => commit::end_process(&error),
        }
    }

    fn submit(&mut self, batches: Vec<Batch>) {
        self.jobs += 1;
        self.committer.submit(batches);
    }

    // ---- An orderly stop ----

    /// Nothing is read any more: finish what was read, then tell everybody to go.
    fn wind_up(&mut self) {
        if self.node.phase() == Phase::Leaving {
            self.leave();
            return;
        }
        let news = !std::mem::replace(&mut self.told_to_stop, true);
        if news {
            self.input(Input::Stopping);
        }
        let busy = news
            || self.jobs > 0
            || self.reader.under_way() > 0
            || self.hasher.under_way() > 0
            || self.core.has_output()
            || self.router.has_backlog()
            || self.mailbox.depth() > 0;
        self.node.set_quiet(self.id, !busy);
    }

    fn frame_in(&mut self, kind: FrameIn, bytes: usize) {
        self.counters.frame_in(kind, bytes);
    }

    fn distributions(&mut self) -> &mut Distributions {
        &mut self.counters.pressure.distributions
    }

    fn shard_id(&self) -> ShardId {
        ShardId(self.id as u16)
    }
}

/// Microseconds since the epoch.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_micros() as i64)
}
