//! One shard: owns the state, takes inputs apart and hands each to the part that knows it.
//!
//! The parts are `impl Shard` blocks in `shard/`, one for each feature; they do not call each other except through
//! the messages of [`crate::message`], which also carry what one shard says to itself.

mod accounts;
mod append;
mod blocks;
mod departures;
mod devices;
mod emails;
mod fanout;
mod groups;
mod holders;
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
mod receipts;
mod retention;
mod roles;
mod signals;
mod sync;
mod watchers;
mod watching;

use blocks::{BlockCheck, BlockWait};

use crate::account::Email;
use crate::budget::Budgets;
use crate::conversation::{Home, HomeState, Log};
use crate::ids::{Conversation, PartitionId, Seq, ShardId, Timestamp, UserId};
use crate::machine::{CloseReason, Counters, Effect, Input, Output, ReadToken};
use crate::message::{ConversationMessage, Message, Pull, SessionMessage, StateQuery, UsersMessage, WatchAsk};
use crate::partition::{Gated, Partition};
use crate::presence::Watched;
use crate::records::{Batch, OwnedDevices, PartitionState, Read, ReadResult, Retention, Write};
use crate::request::{Caller, ConversationState, InfoQuery, Refusal, Reply, ReplyTo, Request, SessionId};
use crate::rings::Rings;
use crate::sessions::{Sessions, User};
use crate::settings::Settings;
use crate::slots::SlotTable;
use crate::subscriptions::{FollowedIndex, Subscriptions};
use crate::watches::Watches;
use hashbrown::HashMap;
use slab::Slab;
use std::collections::{BTreeSet, VecDeque};

use accounts::Lookup;
use emails::BusyEmail;

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

/// What a read is for.
#[derive(Debug)]
enum PendingRead {
    Conversation(Conversation),
    User(UserId),
    Account(UserId, Lookup),
    Email(Email),
    /// A pull, the seq it continues from, the state that goes with the page, and whether that counts as unread all there
    /// is, of which the page's ordinal is to be taken off.
    Pull(Conversation, Pull, Seq, Option<Box<ConversationState>>, bool),
    History(Conversation, Caller, Option<Seq>),
    /// A state that lacks the ordinal that is read.
    State(Conversation, StateQuery, Box<ConversationState>),
    FindName(Conversation),
    /// Who wrote a group's older messages, up to a seq.
    Recall(Conversation, Seq),
    MessageInfo(Conversation, Caller, InfoQuery),
    Presence(Box<WatchAsk>),
    /// For a shard's check of a block.
    Strangers(ShardId, usize),
    /// About a user of a conversation that is about to begin.
    Acquaintance(Conversation, UserId),
    Missing(Conversation),
    /// The devices of those whose users are in memory.
    Devices(Conversation, Vec<OwnedDevices>),
    Target(Conversation),
    Expired(Conversation, Retention),
    Walk,
}

/// A disconnected user is kept this long, so that an older login still in a queue is recognised as such.
const USER_IDLE_MS: u64 = 30_000;
/// Conversations looked at by each tick's sweep.
const SWEEP_STEP: usize = 1_024;

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
            Input::PresenceLost(shard) => self.handle_presence_lost(shard),
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

    fn handle_request(&mut self, session: SessionId, request_id: u64, request: Request) {
        let Some(caller) = self.caller(session, request_id) else { return };
        self.note_activity(session);
        if let Err(refusal) = self.charge(caller, &request) {
            return self.refuse(caller, refusal);
        }
        match request {
            Request::Append { conversation, append } => {
                self.counters.sends += 1;
                self.send_home(conversation, ConversationMessage::Append(caller, Box::new(append)));
            }
            Request::Mark { conversation, delivered, read } => self.mark(caller, conversation, delivered, read),
            Request::Sync { cursors, include_others } => self.sync(session, request_id, &cursors, include_others),
            Request::CreateGroup { client_message_id, title, members, settings } => {
                self.create_group(caller, client_message_id, title, members, settings);
            }
            Request::CreateInvite { group, invite } => {
                self.send_home(Conversation::Group(group), ConversationMessage::CreateInvite(caller, invite));
            }
            Request::RevokeInvites(group) => {
                self.send_home(Conversation::Group(group), ConversationMessage::RevokeInvites(caller));
            }
            Request::Signal { conversation, signal } => {
                self.send_home(conversation, ConversationMessage::Signal(caller, signal));
            }
            Request::Watch(users) => self.watch_users(caller, users),
            Request::Unwatch(users) => self.unwatch_users(caller, users),
            Request::Block(users) => self.block(caller, users),
            Request::Unblock(users) => self.unblock(caller, users),
            Request::ListBlocked => self.list_blocked(caller),
            Request::SetStatus(change) => self.set_status(caller, change),
            Request::History { conversation, position, limit, raw } => {
                self.send_home(conversation, ConversationMessage::History(caller, position, limit, raw));
            }
            Request::MessageInfo { conversation, query } => {
                self.send_home(conversation, ConversationMessage::MessageInfo(caller, query));
            }
            Request::GetGroup { group, members_after, members_limit } => {
                let message = ConversationMessage::GetGroup(caller, members_after, members_limit);
                self.send_home(Conversation::Group(group), message);
            }
            Request::ListConversations { after, limit, with_states } => {
                self.list_conversations(caller, after, limit, with_states);
            }
            Request::GetProfile(user) => self.get_profile(caller, user),
            Request::UpdateProfile(change) => self.update_profile(caller, *change),
            Request::ChangePassword(change) => self.change_password(caller, *change),
            Request::LogOut { all_devices } => self.log_out(caller, all_devices),
            Request::ListDevices => self.list_devices(caller),
            Request::RenameDevice(device, name) => self.rename_device(caller, device, name),
            Request::RevokeDevice(device) => self.revoke_device(caller, device),
        }
    }

    fn caller(&mut self, session: SessionId, request_id: u64) -> Option<Caller> {
        let shard = self.id;
        let session = self.sessions.get(session)?;
        let reply_to = ReplyTo { shard, session: session.id, request_id };
        Some(Caller { user: session.user, device: session.device, reply_to })
    }

    fn handle_message(&mut self, message: Message) {
        match message {
            Message::ToConversation(conversation, message) => self.handle_home(conversation, message),
            Message::ToUsers(message) => self.handle_users_message(message),
            Message::ToEmail(email, message) => self.handle_email(email, message),
            Message::ToAsker(to, answer) => {
                self.out.effects.push(Effect::Answer { asker: to.session, request_id: to.request_id, answer });
            }
            Message::Learn { partition, rows } => self.learn(partition, rows),
            Message::ToSession(message) => self.handle_session_message(message),
        }
    }

    fn handle_users_message(&mut self, message: UsersMessage) {
        match message {
            UsersMessage::FindMissing { partition, users, conversation } => {
                self.find_missing(partition, users, conversation);
            }
            UsersMessage::Devices { partition, users, conversation } => {
                self.tell_devices(partition, users, conversation);
            }
            UsersMessage::MakeAccount(asker, registration, reserved_until) => {
                self.make_account(asker, *registration, reserved_until);
            }
            UsersMessage::Credentials(asker, user, email) => self.look_up(user, Lookup::Credentials(asker, email)),
            UsersMessage::Holds(user, email) => self.look_up(user, Lookup::Holds(email)),
            UsersMessage::Profile(caller, user) => self.look_up(user, Lookup::Profile(caller)),
            UsersMessage::Watch(ask) => self.watch(ask),
            UsersMessage::Unwatch(watcher, users) => self.unwatch(watcher, &users),
            UsersMessage::FindStrangers { partition, users, shard, check } => {
                self.find_strangers(partition, users, shard, check);
            }
            UsersMessage::Strangers { check, users } => self.strangers_found(check, users),
            UsersMessage::Acquaint(user, conversation) => self.acquaint(user, conversation),
            UsersMessage::Confirm(user, rows) => self.user_facts_confirmed(user, &rows),
        }
    }

    fn handle_session_message(&mut self, message: SessionMessage) {
        match message {
            SessionMessage::Run(run) => self.handle_run(run),
            SessionMessage::Reply(to, reply) => {
                if self.sessions.get(to.session).is_some() {
                    self.reply_here(to, reply);
                }
            }
            SessionMessage::Page(page) => self.handle_page(*page),
            SessionMessage::Receipts(receipts) => self.handle_receipts(receipts),
            SessionMessage::Presence(push) => self.handle_presence(*push),
            SessionMessage::Watched(answer) => self.handle_watched(*answer),
            SessionMessage::Signal(push) => self.handle_signal(*push),
            SessionMessage::State(list, conversation, state) => self.handle_listed_state(list, &conversation, state),
            SessionMessage::Summaries(push) => self.handle_summaries(push),
            SessionMessage::Behind(conversation, head) => self.handle_behind(conversation, head),
            SessionMessage::AllBehind(home) => self.handle_all_behind(home),
            SessionMessage::End(session, reason) => self.handle_end(session, reason),
            SessionMessage::MembershipChanged(user, conversation, membership) => {
                self.handle_membership_changed(user, conversation, membership);
            }
        }
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

    /// Asks the store, once everything decided so far in the partition is durable.
    fn read_gated(&mut self, partition: PartitionId, pending: PendingRead, read: Read) {
        let token = ReadToken(self.reads.insert(pending) as u32);
        self.gate(partition, Gated::Read(token, read));
    }

    fn read(&mut self, pending: PendingRead, read: Read) {
        let token = ReadToken(self.reads.insert(pending) as u32);
        self.out.effects.push(Effect::Read(token, read));
    }

    fn handle_loaded(&mut self, token: ReadToken, result: Option<ReadResult>) {
        let pending = self.reads.remove(token.0 as usize);
        match (pending, result) {
            (PendingRead::Conversation(conversation), Some(ReadResult::Conversation(stored))) => {
                self.conversation_loaded(conversation, stored);
            }
            (PendingRead::Conversation(conversation), _) => self.conversation_not_loaded(conversation),
            (PendingRead::User(user), Some(ReadResult::User(stored))) => self.user_loaded(user, stored),
            (PendingRead::User(user), _) => self.user_not_loaded(user),
            (PendingRead::Account(user, lookup), Some(ReadResult::Account(account))) => {
                self.looked_up(user, lookup, account);
            }
            (PendingRead::Account(_, lookup), _) => self.lookup_failed(lookup),
            (PendingRead::Email(email), Some(ReadResult::Email(record))) => self.email_loaded(&email, record),
            (PendingRead::Email(email), _) => self.email_not_known(&email),
            (PendingRead::Pull(conversation, pull, from, state, counts_all), Some(ReadResult::Page(page))) => {
                self.answer_pull(conversation, pull, from, state, page, counts_all);
            }
            (PendingRead::Pull(conversation, pull, ..), _) => self.pull_failed(conversation, pull),
            (PendingRead::History(conversation, caller, skip_from), Some(ReadResult::Page(page))) => {
                self.answer_history(conversation, caller, skip_from, page);
            }
            (PendingRead::History(_, caller, _), _) => self.refuse(caller, Refusal::ReadFailed),
            (PendingRead::State(conversation, query, state), Some(ReadResult::Page(page))) => {
                self.state_read(conversation, query, state, Some(page.ordinal.unwrap_or(0)));
            }
            (PendingRead::State(conversation, query, state), _) => self.state_read(conversation, query, state, None),
            (PendingRead::FindName(conversation), Some(ReadResult::FindName { found, oldest })) => {
                self.name_searched(conversation, Some((found, oldest)));
            }
            (PendingRead::Presence(ask), Some(ReadResult::Presence(stored))) => {
                self.presence_loaded(&ask, Some(stored))
            }
            (PendingRead::Presence(ask), _) => self.presence_loaded(&ask, None),
            (PendingRead::Strangers(shard, check), result) => {
                let users = match result {
                    Some(ReadResult::MissingUsers(missing)) => missing,
                    _ => vec![UserId(0)],
                };
                self.send(shard, Message::ToUsers(UsersMessage::Strangers { check, users }));
            }
            (PendingRead::Acquaintance(conversation, user), result) => {
                let refusal = match result {
                    Some(ReadResult::Acquaintance { exists: false, .. }) => Some(Refusal::UnknownUser(user)),
                    Some(ReadResult::Acquaintance { blocks, .. }) => blocks.then_some(Refusal::Blocked),
                    _ => Some(Refusal::ReadFailed),
                };
                self.send_home(conversation, ConversationMessage::Acquainted(refusal));
            }
            (PendingRead::FindName(conversation), _) => self.name_searched(conversation, None),
            (PendingRead::Recall(conversation, up_to), Some(ReadResult::Authors(authors))) => {
                self.recalled(conversation, up_to, Some(&authors));
            }
            (PendingRead::Recall(conversation, up_to), _) => self.recalled(conversation, up_to, None),
            (PendingRead::MessageInfo(conversation, caller, query), Some(ReadResult::Authors(authors))) => {
                let author = authors.iter().find(|(seq, _)| *seq == query.seq).map(|(_, author)| *author);
                self.answer_message_info(conversation, caller, query, author);
            }
            (PendingRead::MessageInfo(_, caller, _), _) => self.refuse(caller, Refusal::ReadFailed),
            (PendingRead::Missing(conversation), Some(ReadResult::MissingUsers(missing))) => {
                self.send_home(conversation, ConversationMessage::Missing(missing));
            }
            (PendingRead::Missing(conversation), _) => {
                // Nobody is known to exist: the request is refused, and may be sent again.
                self.send_home(conversation, ConversationMessage::Missing(vec![UserId(0)]));
            }
            (PendingRead::Devices(conversation, told), Some(ReadResult::Devices(read))) => {
                self.devices_read(conversation, told, Some(read));
            }
            (PendingRead::Devices(conversation, told), _) => self.devices_read(conversation, told, None),
            (PendingRead::Target(conversation), Some(ReadResult::Target(target))) => {
                self.target_found(conversation, Some(target));
            }
            (PendingRead::Target(conversation), _) => self.target_found(conversation, None),
            (PendingRead::Expired(conversation, retention), Some(ReadResult::Expired(expired))) => {
                self.expired(conversation, retention, Some(expired));
            }
            (PendingRead::Expired(conversation, retention), _) => self.expired(conversation, retention, None),
            (PendingRead::Walk, Some(ReadResult::Walk(rows))) => self.walked(Some(rows)),
            (PendingRead::Walk, _) => self.walked(None),
        }
    }

    // ---- Conversations at their home ----

    /// A request for a conversation homed here: handled now, or parked behind what came before it.
    fn handle_home(&mut self, conversation: Conversation, message: ConversationMessage) {
        let home = match self.home_by_id.get(&conversation) {
            Some(&home) if self.homes[home].busy.is_some() && message.is_signal() => return self.drop_signal(),
            Some(&home) => home,
            None if matches!(message, ConversationMessage::Unfollow(_)) => return,
            // What is not in memory is followed by nobody.
            None if message.is_signal() => return self.drop_signal(),
            None => self.load(conversation),
        };
        self.homes[home].used = self.now;
        match message {
            ConversationMessage::Confirm(rows) => self.conversation_facts_confirmed(home, &rows),
            ConversationMessage::Missing(missing) => self.users_checked(home, missing),
            ConversationMessage::Acquainted(refusal) => self.acquainted(home, refusal),
            ConversationMessage::Devices(answer) => self.devices_told(home, answer),
            message if self.homes[home].busy.is_some() => self.homes[home].parked.push_back(message),
            message => self.process(home, message),
        }
        self.resume(home);
    }

    fn load(&mut self, conversation: Conversation) -> usize {
        let partition = self.slots.partition_of_conversation(&conversation);
        let home = self.homes.insert(Home::loading(conversation, partition, self.now));
        self.home_by_id.insert(conversation, home);
        self.read_gated(partition, PendingRead::Conversation(conversation), Read::Conversation(conversation));
        home
    }

    fn conversation_loaded(
        &mut self,
        conversation: Conversation,
        stored: Option<Box<crate::records::StoredConversation>>,
    ) {
        let Some(&home) = self.home_by_id.get(&conversation) else { return };
        self.homes[home].state = match stored {
            Some(stored) => HomeState::Ready(Box::new(Log::from_stored(*stored, self.settings.log_epoch))),
            None => HomeState::Absent,
        };
        self.homes[home].busy = None;
        self.resume(home);
    }

    fn conversation_not_loaded(&mut self, conversation: Conversation) {
        let Some(home) = self.home_by_id.remove(&conversation) else { return };
        for message in self.homes.remove(home).parked {
            self.refuse_message(conversation, message, Refusal::ReadFailed);
        }
    }

    /// Handles parked requests in order, as far as nothing holds them up.
    fn resume(&mut self, home: usize) {
        while self.homes[home].busy.is_none() {
            let Some(message) = self.homes[home].parked.pop_front() else { break };
            self.process(home, message);
        }
        let unused = &self.homes[home];
        if matches!(unused.state, HomeState::Absent) && unused.is_settled() {
            self.forget(home);
        }
    }

    fn forget(&mut self, home: usize) {
        let home = self.homes.remove(home);
        self.home_by_id.remove(&home.id);
    }

    fn process(&mut self, home: usize, message: ConversationMessage) {
        match message {
            ConversationMessage::Append(caller, append) => self.append(home, caller, append),
            ConversationMessage::Pull(pull) => self.pull(home, pull),
            ConversationMessage::History(caller, position, limit, raw) => {
                self.history(home, caller, position, limit, raw);
            }
            ConversationMessage::GetGroup(caller, after, limit) => self.get_group(home, caller, after, limit),
            ConversationMessage::State(query) => self.tell_state(home, query),
            ConversationMessage::CreateInvite(caller, invite) => self.create_invite(home, caller, invite),
            ConversationMessage::RevokeInvites(caller) => self.revoke_invites(home, caller),
            ConversationMessage::MessageInfo(caller, query) => self.message_info(home, caller, query),
            ConversationMessage::Mark(mark) => self.apply_mark(home, mark),
            ConversationMessage::Signal(caller, signal) => self.signal(home, caller, *signal),
            ConversationMessage::LearnBlock { user, blocked, version, row } => {
                self.apply_block(home, user, blocked, version, row);
            }
            ConversationMessage::Unfollow(shard) => self.homes[home].followers.remove(shard),
            ConversationMessage::Confirm(_)
            | ConversationMessage::Missing(_)
            | ConversationMessage::Acquainted(_)
            | ConversationMessage::Devices(_) => {
                unreachable!("these are never parked")
            }
        }
    }

    /// Answers a request that cannot be processed at all.
    fn refuse_message(&mut self, conversation: Conversation, message: ConversationMessage, refusal: Refusal) {
        match message {
            ConversationMessage::Append(caller, _)
            | ConversationMessage::History(caller, ..)
            | ConversationMessage::CreateInvite(caller, _)
            | ConversationMessage::RevokeInvites(caller)
            | ConversationMessage::MessageInfo(caller, _)
            | ConversationMessage::GetGroup(caller, ..) => self.refuse(caller, refusal),
            ConversationMessage::Signal(caller, _) => self.answer_signal(caller, Reply::Refused(refusal)),
            ConversationMessage::State(query) => self.answer_state(query, conversation, None),
            ConversationMessage::Pull(pull) => self.pull_failed(conversation, pull),
            ConversationMessage::Mark(mark) => self.postpone_mark(conversation, mark, refusal),
            message @ ConversationMessage::LearnBlock { .. } => self.block_retries.push((conversation, message)),
            ConversationMessage::Unfollow(_)
            | ConversationMessage::Confirm(_)
            | ConversationMessage::Missing(_)
            | ConversationMessage::Acquainted(_)
            | ConversationMessage::Devices(_) => {}
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

    // ---- Time ----

    fn handle_tick(&mut self) {
        self.flush_marks();
        self.push_summaries();
        self.time_out_rings();
        self.tick_presence();
        self.refresh_stale();
        self.retry_blocks();
        for (session, followed) in std::mem::take(&mut self.retries) {
            self.want_page(session, followed);
        }
        self.sweep_homes();
        self.sweep_retention();
        if self.now >= self.users_swept.plus_ms(USER_IDLE_MS) {
            self.users_swept = self.now;
            self.sweep_users();
            self.note_connected();
        }
    }

    /// Drops a few conversations that nobody follows or uses from memory.
    fn sweep_homes(&mut self) {
        let idle_ms = self.settings.conversation_idle_ms;
        for _ in 0..SWEEP_STEP.min(self.homes.len()) {
            self.sweep_at += 1;
            if self.sweep_at >= self.homes.capacity() {
                self.sweep_at = 0;
            }
            let Some(home) = self.homes.get(self.sweep_at) else { continue };
            if home.followers.is_empty() && home.used.plus_ms(idle_ms) <= self.now && home.is_settled() {
                self.forget(self.sweep_at);
            }
        }
    }

    fn sweep_users(&mut self) {
        let (now, budgets) = (self.now, &mut self.budgets);
        self.users.retain(|_, user| match user {
            User::Loading(_) => true,
            User::Ready(user) => {
                let (activity, used) = (&user.activity, user.used.plus_ms(USER_IDLE_MS));
                user.sessions().next().is_some()
                    || used > now
                    || activity.online
                    || activity.unwritten
                    || user.budget.is_some_and(|budget| !budgets.release(budget, now))
            }
        });
    }
}
