//! A small world around the machine: shards, a store, and everything in between under the test's control.
//!
//! Nothing happens but in [`World::go`], which carries out, delivers, reads and commits until nothing is left to do,
//! save for what the test holds back. Each session's frames are lines (see `show`).

use super::show;
use hubbub_core::Shard;
use hubbub_core::account::TokenHash;
use hubbub_core::ids::{ClientMessageId, Conversation, DeviceId, GroupId, LogId, Seq, ShardId, Timestamp, UserId};
use hubbub_core::machine::{Effect, Input, Open, Output, Proof, ReadToken};
use hubbub_core::message::{Message, Start};
use hubbub_core::question::{Answer, Credentials, Question};
use hubbub_core::records::{Batch, GroupSettings, OutboxRow, PagePosition, Read};
use hubbub_core::request::{Action, Append, Reply, Request, SessionId, SyncCursor};
use hubbub_core::settings::Settings;
use hubbub_core::signal::{Signal, SignalKind};
use hubbub_core::slots::SlotTable;
use hubbub_shadow::Store;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(crate) const PARTITIONS: u16 = 4;
/// When a world begins, in seconds.
pub(crate) const EPOCH_S: i64 = 1_700_000_000;

pub(crate) struct World {
    pub(crate) shards: Vec<Shard>,
    pub(crate) slots: SlotTable,
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) now: Timestamp,
    /// Sealed and not committed, in order.
    pub(crate) batches: VecDeque<Batch>,
    messages: VecDeque<(ShardId, Message)>,
    pub(crate) reads: VecDeque<(usize, ReadToken, Read)>,
    pub(crate) hold_commits: bool,
    pub(crate) hold_messages: bool,
    pub(crate) hold_reads: bool,
    /// Runs and receipts between shards are lost, as when lanes are full.
    pub(crate) drop_runs: bool,
    /// Presence was lost from one shard to another, and nobody was told.
    lost: BTreeMap<(usize, ShardId), UserId>,
    pub(crate) fail_reads: bool,
    /// Sessions whose sockets take nothing.
    pub(crate) full: BTreeSet<Client>,
    frames: BTreeMap<Client, Vec<String>>,
    /// What was carried out, while the test wants to know.
    pub(crate) effects: Vec<Effect>,
    pub(crate) log_effects: bool,
    /// The newest answer to anybody.
    pub(crate) last_reply: Option<Reply>,
    clients: Vec<Place>,
    request_id: u64,
    /// The last that were told.
    pub(crate) credentials: Option<Credentials>,
}

#[derive(Clone, Copy)]
struct Place {
    shard: usize,
    session: SessionId,
}

/// A session, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Client(usize);

impl World {
    /// A world of so many shards.
    pub(crate) fn new(shards: u16) -> World {
        World::with(shards, Settings::default())
    }

    pub(crate) fn with(shards: u16, settings: Settings) -> World {
        let mut world = World {
            shards: Vec::new(),
            slots: SlotTable::even(PARTITIONS, shards),
            settings,
            store: Store::new(PARTITIONS),
            now: Timestamp(EPOCH_S * 1_000_000),
            batches: VecDeque::new(),
            messages: VecDeque::new(),
            reads: VecDeque::new(),
            hold_commits: false,
            hold_messages: false,
            hold_reads: false,
            drop_runs: false,
            lost: BTreeMap::new(),
            fail_reads: false,
            full: BTreeSet::new(),
            frames: BTreeMap::new(),
            effects: Vec::new(),
            log_effects: false,
            last_reply: None,
            clients: Vec::new(),
            request_id: 0,
            credentials: None,
        };
        world.start();
        world
    }

    fn start(&mut self) {
        let states = self.store.partition_states();
        let shards = 0..self.slots.shards();
        let shard = |id| Shard::new(ShardId(id), self.settings.clone(), self.slots.clone(), &states);
        self.shards = shards.map(shard).collect();
    }

    /// Everything that is not durable is lost; what the outbox holds is sent again.
    pub(crate) fn crash(&mut self) {
        self.batches.clear();
        self.messages.clear();
        self.reads.clear();
        self.full.clear();
        self.lost.clear();
        self.start();
        for row in self.store.outbox() {
            let partition = self.slots.partition_of_owner(&row.owner());
            let shard = usize::from(self.slots.shard_of(partition).0);
            self.shards[shard].handle(Input::Recovered(partition, vec![row]), self.now);
        }
    }

    /// Facts are sent once more.
    pub(crate) fn learn_again(&mut self, rows: &[OutboxRow]) {
        for row in rows {
            let partition = self.slots.partition_of_owner(&row.owner());
            let shard = usize::from(self.slots.shard_of(partition).0);
            self.shards[shard].handle(Input::Recovered(partition, vec![row.clone()]), self.now);
        }
        self.go();
    }

    /// The `n`-th user (from 0) who is homed on a shard. Users of later shards have higher ids, so that a direct
    /// conversation lives on the earlier shard.
    pub(crate) fn user_on(&self, shard: u16, n: usize) -> UserId {
        (u64::from(shard) * 1_000 + 1..)
            .map(UserId)
            .filter(|user| self.slots.shard_of_user(*user) == ShardId(shard))
            .nth(n)
            .expect("ids go on")
    }

    // ---- Sessions ----

    /// A new session of device 1, logged in.
    pub(crate) fn login(&mut self, user: UserId) -> Client {
        self.login_device(user, 1)
    }

    pub(crate) fn login_device(&mut self, user: UserId, device: u64) -> Client {
        let client = self.open(user, device, self.clients.len() as u64);
        self.go();
        self.take(client);
        client
    }

    /// Accounts of users who were here before and are away.
    pub(crate) fn make_accounts(&mut self, users: &[UserId]) {
        for &user in users {
            let client = self.open(user, 1, 0);
            self.go();
            self.close(client);
        }
        self.frames.clear();
        // Longer than a user without a session is kept.
        self.pass_ms(60_000);
        self.tick();
        self.go();
    }

    /// Asks for a session, as the edge does after a token was checked.
    pub(crate) fn open(&mut self, user: UserId, device: u64, generation: u64) -> Client {
        let shard = usize::from(self.slots.shard_of_user(user).0);
        let client = self.place(shard);
        let Place { session, .. } = self.clients[client.0];
        let open = Open::new(session, user, DeviceId(device), generation, 1);
        self.shards[shard].handle(Input::Open(Box::new(open)), self.now);
        client
    }

    /// Asks for a session, with a proof of any kind.
    pub(crate) fn open_by(&mut self, user: UserId, device: u64, proof: Proof, new_token: Option<TokenHash>) -> Client {
        let shard = usize::from(self.slots.shard_of_user(user).0);
        let client = self.place(shard);
        let Place { session, .. } = self.clients[client.0];
        let open = Open::new(session, user, DeviceId(device), self.clients.len() as u64, 1);
        self.shards[shard].handle(Input::Open(Box::new(Open { proof, new_token, ..open })), self.now);
        client
    }

    /// A connection without a session asks.
    pub(crate) fn ask(&mut self, shard: usize, question: Question) -> Client {
        let client = self.place(shard);
        let Place { session, .. } = self.clients[client.0];
        self.shards[shard].handle(Input::Ask { asker: session, request_id: 1, question }, self.now);
        client
    }

    fn place(&mut self, shard: usize) -> Client {
        let client = Client(self.clients.len());
        self.clients.push(Place { shard, session: SessionId { index: client.0 as u32, generation: 7 } });
        client
    }

    /// Logs in and asks for everything.
    pub(crate) fn online(&mut self, user: UserId) -> Client {
        self.online_device(user, 1)
    }

    pub(crate) fn online_device(&mut self, user: UserId, device: u64) -> Client {
        let client = self.login_device(user, device);
        self.sync(client, &[], true);
        self.go();
        self.take(client);
        client
    }

    pub(crate) fn close(&mut self, client: Client) {
        let Place { shard, session } = self.clients[client.0];
        self.shards[shard].handle(Input::Closed(session), self.now);
    }

    /// The socket has taken everything.
    pub(crate) fn drain(&mut self, client: Client) {
        self.full.remove(&client);
        let Place { shard, session } = self.clients[client.0];
        self.shards[shard].handle(Input::OutboundDrained(session), self.now);
    }

    // ---- Requests ----

    pub(crate) fn request(&mut self, client: Client, request: Request) {
        self.request_id += 1;
        let Place { shard, session } = self.clients[client.0];
        let input = Input::Request { session, request_id: self.request_id, request };
        self.shards[shard].handle(input, self.now);
    }

    /// A request that wants no answer.
    pub(crate) fn tell(&mut self, client: Client, request: Request) {
        let Place { shard, session } = self.clients[client.0];
        self.shards[shard].handle(Input::Request { session, request_id: 0, request }, self.now);
    }

    pub(crate) fn send(&mut self, client: Client, conversation: Conversation, name: &str) {
        self.request(client, Request::Append { conversation, append: append(name, message()) });
    }

    pub(crate) fn send_body(&mut self, client: Client, conversation: Conversation, name: &str, bytes: usize) {
        let body = vec![b'x'; bytes].into();
        let action = Action::Message { kind: 0, body, content_type: String::new(), reply_to: Seq(0) };
        self.request(client, Request::Append { conversation, append: append(name, action) });
    }

    pub(crate) fn act(&mut self, client: Client, conversation: Conversation, name: &str, action: Action) {
        self.request(client, Request::Append { conversation, append: append(name, action) });
    }

    pub(crate) fn resend(&mut self, client: Client, conversation: Conversation, name: &str, after: u64) {
        let append = Append { resend: true, after: Seq(after), ..append(name, message()) };
        self.request(client, Request::Append { conversation, append });
    }

    pub(crate) fn sync(&mut self, client: Client, cursors: &[(Conversation, u64)], include_others: bool) {
        let cursor = |&(conversation, seq)| SyncCursor { conversation, log_id: LogId(0), seq: Seq(seq) };
        let cursors = cursors.iter().map(cursor).collect();
        self.request(client, Request::Sync { cursors, include_others });
    }

    pub(crate) fn mark(&mut self, client: Client, conversation: Conversation, delivered: u64, read: u64) {
        self.request(client, mark(conversation, delivered, read));
    }

    /// A signal that wants an answer.
    pub(crate) fn signal(&mut self, client: Client, conversation: Conversation, kind: SignalKind, call_id: u64) {
        self.request(client, signal(conversation, kind, call_id));
    }

    pub(crate) fn history(&mut self, client: Client, conversation: Conversation, position: PagePosition, limit: usize) {
        self.request(client, Request::History { conversation, position, limit, raw: false });
    }

    /// The log as it was written.
    pub(crate) fn raw_history(&mut self, client: Client, conversation: Conversation) {
        let position = PagePosition::After(Seq(0));
        self.request(client, Request::History { conversation, position, limit: 200, raw: true });
    }

    /// The whole log in its newest form.
    pub(crate) fn newest(&mut self, client: Client, conversation: Conversation) {
        self.history(client, conversation, PagePosition::After(Seq(0)), 200);
    }

    pub(crate) fn act_again(
        &mut self,
        client: Client,
        conversation: Conversation,
        name: &str,
        after: u64,
        action: Action,
    ) {
        let append = Append { resend: true, after: Seq(after), ..append(name, action) };
        self.request(client, Request::Append { conversation, append });
    }

    /// Makes a group, and takes its frames off everybody.
    pub(crate) fn group(&mut self, owner: Client, name: &str, members: &[UserId]) -> Conversation {
        self.create_group(owner, name, members);
        self.go();
        let known: BTreeSet<Conversation> = self.store.conversations().copied().collect();
        self.frames.clear();
        let made = known.into_iter().filter(|conversation| matches!(conversation, Conversation::Group(_)));
        made.max_by_key(|group| self.store.headers(group).next().map(|header| header.message_id)).expect("one was made")
    }

    pub(crate) fn create_group(&mut self, owner: Client, name: &str, members: &[UserId]) {
        self.request(owner, creation(name, members, GroupSettings::default()));
    }

    pub(crate) fn get_group(&mut self, client: Client, group: Conversation, after: UserId, limit: usize) {
        let Conversation::Group(group) = group else { panic!("a group") };
        self.request(client, Request::GetGroup { group, members_after: after, members_limit: limit });
    }

    // ---- Time ----

    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    /// So much time passes, tick by tick.
    pub(crate) fn run_ms(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.tick();
            self.go();
        }
    }

    /// The process ends in order, and starts again.
    pub(crate) fn restart(&mut self) {
        for shard in &mut self.shards {
            shard.handle(Input::Stopping, self.now);
        }
        self.go();
        self.crash();
    }

    /// A session is heard of without a request.
    pub(crate) fn ping(&mut self, client: Client) {
        let Place { shard, session } = self.clients[client.0];
        self.shards[shard].handle(Input::Active(session), self.now);
    }

    /// A tick on every shard.
    pub(crate) fn tick(&mut self) {
        self.pass_ms(100);
        if !self.drop_runs {
            for ((from, to), user) in std::mem::take(&mut self.lost) {
                self.shards[from].handle(Input::PresenceLost(to, user), self.now);
            }
        }
        for shard in &mut self.shards {
            shard.handle(Input::Tick, self.now);
        }
    }

    pub(crate) fn set_storage_full(&mut self, full: bool) {
        for shard in &mut self.shards {
            shard.handle(Input::StorageFull(full), self.now);
        }
    }

    /// Lets everything happen that is not held back.
    ///
    /// # Panics
    /// When it never ends.
    pub(crate) fn go(&mut self) {
        for _ in 0..100_000 {
            if !self.step() {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    fn step(&mut self) -> bool {
        if (0..self.shards.len()).any(|shard| self.carry_out(shard)) {
            return true;
        }
        if !self.hold_messages
            && let Some((to, message)) = self.messages.pop_front()
        {
            self.shards[usize::from(to.0)].handle(Input::Message(message), self.now);
            return true;
        }
        if !self.hold_reads
            && let Some((shard, token, read)) = self.reads.pop_front()
        {
            let answer = Input::Loaded(token, self.store.read(&read));
            let input = if self.fail_reads { Input::LoadFailed(token) } else { answer };
            self.shards[shard].handle(input, self.now);
            return true;
        }
        let mut sealed = Vec::new();
        self.shards.iter_mut().for_each(|shard| shard.seal(self.now, &mut sealed));
        self.batches.extend(sealed);
        if self.shards.iter().any(Shard::has_output) {
            return true;
        }
        !self.hold_commits && self.commit()
    }

    /// Makes the oldest batch durable.
    pub(crate) fn commit(&mut self) -> bool {
        let Some(batch) = self.batches.pop_front() else { return false };
        let shard = usize::from(self.slots.shard_of(batch.partition).0);
        let committed = Input::Committed(batch.partition, batch.position);
        self.store.apply(batch);
        self.shards[shard].handle(committed, self.now);
        true
    }

    fn carry_out(&mut self, shard: usize) -> bool {
        if !self.shards[shard].has_output() {
            return false;
        }
        let output = self.shards[shard].take_output(Output::default());
        for effect in output.effects {
            if self.log_effects {
                self.effects.push(effect.clone());
            }
            self.carry_out_one(shard, effect, &output.targets);
        }
        true
    }

    fn carry_out_one(&mut self, shard: usize, effect: Effect, targets: &[SessionId]) {
        let line = show::effect(&effect);
        match effect {
            Effect::Forward(to, message) => {
                let lost = self.drop_runs && (message.as_run().is_some() || message.is_droppable());
                if let Some(user) = message.presence_of().filter(|_| lost) {
                    let lowest = self.lost.entry((shard, to)).or_insert(user);
                    *lowest = user.min(*lowest);
                }
                if !lost {
                    self.messages.push_back((to, message));
                }
            }
            Effect::Read(token, read) => self.reads.push_back((shard, token, read)),
            Effect::PushRun(run, range) => {
                for &session in &targets[range.start as usize..range.end as usize] {
                    let before = Start::Cursor(Seq(run.first.0 - 1), run.log_id);
                    self.push(shard, session, run.conversation, before, line.clone());
                }
            }
            Effect::PushPage { session, conversation, start, .. } => {
                self.push(shard, session, conversation, start, line);
            }
            Effect::PushPresence(_, range) => {
                for &session in &targets[range.start as usize..range.end as usize] {
                    self.push_presence(shard, session, line.clone());
                }
            }
            Effect::PushReceipts(_, range) | Effect::PushSummaries(_, _, range) | Effect::PushSignal(_, range) => {
                for &session in &targets[range.start as usize..range.end as usize] {
                    self.push_hint(session, line.clone());
                }
            }
            Effect::PushMembership(session, ..) => self.push_hint(session, line),
            Effect::Reply { session, request_id, ref reply } => {
                self.last_reply = Some(reply.clone());
                if request_id != 0 || matches!(reply, Reply::LoggedIn { .. }) {
                    self.note(session, line);
                }
            }
            Effect::Close(session, _) => self.note(session, line),
            Effect::Answer { asker, ref answer, .. } => {
                if let Answer::Credentials(Some(found)) = answer {
                    self.credentials = Some(*found.clone());
                }
                self.note(asker, line);
            }
        }
    }

    fn push(
        &mut self,
        shard: usize,
        session: SessionId,
        conversation: Conversation,
        position: Start,
        line: Option<String>,
    ) {
        if self.full.contains(&Client(session.index as usize)) {
            let input = Input::OutboundFull { session, conversation, position };
            self.shards[shard].handle(input, self.now);
        } else {
            self.note(session, line);
        }
    }

    fn push_presence(&mut self, shard: usize, session: SessionId, line: Option<String>) {
        if self.full.contains(&Client(session.index as usize)) {
            self.shards[shard].handle(Input::PresenceMissed(session), self.now);
        } else {
            self.note(session, line);
        }
    }

    fn push_hint(&mut self, session: SessionId, line: Option<String>) {
        if !self.full.contains(&Client(session.index as usize)) {
            self.note(session, line);
        }
    }

    fn note(&mut self, session: SessionId, line: Option<String>) {
        let line = line.expect("what is for a session can be shown");
        self.frames.entry(Client(session.index as usize)).or_default().push(line);
    }

    /// What a session was sent since the last time.
    pub(crate) fn take(&mut self, client: Client) -> Vec<String> {
        self.frames.remove(&client).unwrap_or_default()
    }
}

/// Lets everything happen, and compares what a session was sent since the last look.
#[track_caller]
pub(crate) fn check(world: &mut World, client: Client, expected: &[&str]) {
    world.go();
    assert_eq!(world.take(client), expected);
}

pub(crate) fn id(name: &str) -> ClientMessageId {
    ClientMessageId::new(name.as_bytes()).expect("1 to 16 bytes")
}

pub(crate) fn append(name: &str, action: Action) -> Append {
    Append { client_message_id: id(name), resend: false, after: Seq(0), action }
}

/// A request that makes a group.
pub(crate) fn creation(name: &str, members: &[UserId], settings: GroupSettings) -> Request {
    let (client_message_id, title) = (id(name), "team".to_owned());
    Request::CreateGroup { client_message_id, title, members: members.to_vec(), settings }
}

/// A request for a page of conversations.
pub(crate) fn list(after: Option<Conversation>, limit: usize, with_states: bool) -> Request {
    Request::ListConversations { after, limit, with_states }
}

pub(crate) fn message() -> Action {
    let body = b"hello".as_slice().into();
    Action::Message { kind: 0, body, content_type: String::new(), reply_to: Seq(0) }
}

pub(crate) fn mark(conversation: Conversation, delivered: u64, read: u64) -> Request {
    Request::Mark { conversation, delivered: Seq(delivered), read: Seq(read) }
}

pub(crate) fn signal(conversation: Conversation, kind: SignalKind, call_id: u64) -> Request {
    let signal = Box::new(Signal { kind, body: b"now".as_slice().into(), call_id });
    Request::Signal { conversation, signal }
}

pub(crate) fn dm(a: UserId, b: UserId) -> Conversation {
    Conversation::direct(a, b).expect("two users")
}

pub(crate) fn nobody() -> Conversation {
    Conversation::Group(GroupId(404))
}
