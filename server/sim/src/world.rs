//! A world drawn from a seed: people with devices, a server, and everything that may go wrong between them.

mod presence;

use crate::app::App;
use crate::client::{Client, Invitation};
use crate::device::{Device, SYNC_ENTRIES_MAX, group_of};
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::rules::may_write;
use crate::sabotage::Sabotage;
use crate::server::{ConnectionId, EdgeLimits, Server};
use bytes::Bytes;
use hubbub_codec::content;
use hubbub_codec::ids as codec;
use hubbub_codec::timeline::Timeline;
use hubbub_core::bucket::Rate;
use hubbub_core::ids::{Conversation, DeviceId, Seq, UserId};
use hubbub_core::records::{GroupSettings, Retention, Role};
use hubbub_core::request::{Action, Mute};
use hubbub_core::settings::{RetentionSettings, Settings, UserRates};
use hubbub_core::slots::SlotTable;
use std::collections::BTreeMap;

/// What a run has done, for people.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Durable entries, by what they say.
    pub entries: BTreeMap<&'static str, u64>,
    /// Messages acked.
    pub acks: u64,
    /// Resends that were found.
    pub duplicates: u64,
    /// Entries that devices took.
    pub taken: u64,
    /// Entries that came to a device again.
    pub repeated: u64,
    /// Crashes of the server.
    pub crashes: u64,
    /// Broken connections.
    pub breaks: u64,
    /// Users of whom somebody was told without having asked.
    pub presences: u64,
    /// Times at which presence found no room between two shards.
    pub presences_lost: u64,
    /// Blocks that came into force between two people.
    pub cuts: u64,
}

/// See the module.
#[derive(Debug)]
pub struct World {
    dice: Dice,
    server: Server,
    clients: Vec<Client>,
    /// Clients that do not read before this step.
    slow_until: Vec<usize>,
    users: Vec<UserId>,
    /// In so many of 1,000 steps the server crashes.
    crashes_per_mille: usize,
    breaks_per_mille: usize,
    /// The server is at its limits now and then.
    refusals: bool,
    /// A crash may take durable data with it.
    power_fails: bool,
    /// What was durable some time ago.
    earlier: Option<Box<Ledger>>,
    trace: bool,
    /// Steps taken.
    steps: usize,
    /// Bodies written.
    bodies: u64,
    /// Statuses given.
    statuses: u64,
    /// In so many of 1,000 cases in which somebody may block another, they do.
    blocks_per_mille: usize,
    /// By how much the clock was set back in all.
    set_back_ms: u64,
    /// Clients that do not connect while others come to rest.
    absent: Vec<bool>,
    /// The newest ones.
    invitations: Vec<Invitation>,
    summary: Summary,
}

/// Steps within which a world without further wishes comes to rest.
const REST_STEPS_MAX: usize = 200_000;
/// Times, 100 ms apart, at which nothing may be under way before a world rests: clients send their last marks within.
const QUIET_CHECKS: usize = 5;

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn new(seed: u64, trace: bool) -> World {
        let mut dice = Dice::new(seed);
        let shards = dice.between(1, 4) as u16;
        let slots = SlotTable::even(shards * dice.between(1, 3) as u16, shards);
        let refusals = dice.per_mille(300);
        let settings = settings(&mut dice, refusals);
        let limits = EdgeLimits {
            outbound_frames_max: dice.between(1, 12),
            requests_max: dice.between(2, 12),
            lane_messages_max: dice.between(1, 24),
            keepalive_ms: dice.between(5_000, 240_000) as u32,
        };
        let mut server = Server::new(settings, slots, limits);
        server.trace = trace;
        server.read_failures = if refusals { 30 } else { 0 };
        let users: Vec<UserId> = (0..dice.between(2, 7)).map(|n| UserId(n as u64 * 37 + 1)).collect();
        let mut clients = Vec::new();
        for &user in &users {
            for device in 1..=dice.between(1, 3) as u64 {
                clients.push(client(user, DeviceId(device), refusals, &mut dice));
            }
        }
        let crashes_per_mille = *dice.pick(&[0, 0, 2, 5]).unwrap_or(&0);
        let breaks_per_mille = *dice.pick(&[0, 10, 40]).unwrap_or(&0);
        let power_fails = dice.per_mille(200);
        let blocks_per_mille = *dice.pick(&[0, 200, 1_000]).unwrap_or(&0);
        let absent = vec![false; clients.len()];
        World {
            dice,
            server,
            slow_until: vec![0; clients.len()],
            clients,
            users,
            crashes_per_mille,
            breaks_per_mille,
            refusals,
            power_fails,
            earlier: None,
            trace,
            steps: 0,
            bodies: 0,
            statuses: 0,
            blocks_per_mille,
            set_back_ms: 0,
            absent,
            invitations: Vec::new(),
            summary: Summary::default(),
        }
    }

    /// With a fault in its server.
    #[must_use]
    pub fn sabotaged(mut self, sabotage: Sabotage) -> World {
        self.server.sabotage = Some(sabotage);
        self
    }

    /// Lives for so many steps, comes to rest, and checks that everybody has everything.
    pub fn run(&mut self, steps: usize) -> Summary {
        for step in 0..steps {
            self.steps = step + 1;
            self.step(step);
        }
        self.come_to_rest();
        self.check_rest();
        // Whoever has everything must also be live: each conversation gets one more message.
        self.say_something_everywhere();
        self.come_to_rest();
        self.check_rest();
        self.look_at_everything();
        self.see_each_other();
        self.check_memory();
        let ledger = &self.server.ledger;
        self.summary.acks = ledger.acks;
        self.summary.duplicates = ledger.duplicates;
        self.summary.taken = ledger.taken;
        self.summary.repeated = ledger.repeated;
        self.summary.entries = ledger.kinds.clone();
        self.summary.cuts = ledger.blocks.cuts_made();
        self.summary.presences = self.clients.iter().map(|client| client.watched().1.all_pushes()).sum();
        self.summary.presences_lost = self.server.presences_lost();
        self.summary.clone()
    }

    /// Steps taken so far.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    fn note(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{}", what());
        }
    }

    // ---- A step ----

    fn step(&mut self, step: usize) {
        self.server.pass(self.dice.between(0, 3) as u64);
        if step.is_multiple_of(40) {
            self.server.tick();
        }
        if self.dice.per_mille(1) {
            self.note(|| format!("{step}: a minute passes"));
            self.server.pass(61_000);
        }
        if self.dice.per_mille(4) {
            self.server.pass(self.dice.between(50, 700) as u64);
        }
        if self.dice.per_mille(1) {
            self.note(|| format!("{step}: the clock steps back"));
            let ms = self.dice.between(1, 10_000) as u64;
            self.set_back_ms += ms;
            self.server.set_clock_back(ms);
        }
        if self.power_fails && self.dice.per_mille(3) {
            self.earlier = Some(Box::new(self.server.ledger.clone()));
        }
        if self.refusals && self.dice.per_mille(2) {
            let full = self.dice.per_mille(300);
            self.server.set_storage_full(full);
        }
        if self.dice.per_mille(self.crashes_per_mille) {
            self.crash(step);
        }
        match self.dice.below(10) {
            0..=3 => self.turn(),
            4 => {
                self.server.commit(&mut self.dice);
            }
            5..=7 => self.deliver(step),
            _ => self.act(step),
        }
    }

    fn crash(&mut self, step: usize) {
        self.summary.crashes += 1;
        match self.earlier.take().filter(|_| self.dice.per_mille(500)) {
            Some(earlier) => {
                self.note(|| format!("{step}: the power fails"));
                self.server.lose_power(&earlier);
            }
            None => {
                let shards = self.dice.between(1, usize::from(self.server.partitions())).min(4);
                self.note(|| format!("{step}: the server crashes, and comes back with {shards} shards"));
                self.server.crash(shards as u16);
            }
        }
        for client in &mut self.clients {
            client.lose_connection(&mut self.server);
        }
    }

    fn turn(&mut self) {
        let shard = self.dice.below(self.server.shards());
        let inputs = self.dice.between(1, 6);
        self.server.turn(shard, inputs, &mut self.dice);
    }

    /// Some client reads.
    fn deliver(&mut self, step: usize) {
        let slow: Vec<ConnectionId> = self.slow(step).collect();
        let mut readable = self.server.readable();
        readable.retain(|id| !slow.contains(id));
        let Some(&id) = self.dice.pick(&readable) else { return };
        self.deliver_to(id);
    }

    fn slow(&self, step: usize) -> impl Iterator<Item = ConnectionId> {
        let slow = self.clients.iter().zip(&self.slow_until).filter(move |(_, until)| **until > step);
        slow.filter_map(|(client, _)| client.connection())
    }

    fn deliver_to(&mut self, id: ConnectionId) {
        let client = self.clients.iter_mut().find(|client| client.connection() == Some(id));
        let client = client.expect("abandoned connections are not read");
        client.read(&mut self.server, &mut self.dice);
        if !self.server.is_connected(id) {
            client.lose_connection(&mut self.server);
        }
    }

    // ---- What people do ----

    fn act(&mut self, step: usize) {
        let at = self.dice.below(self.clients.len());
        let client = &mut self.clients[at];
        client.wake(&mut self.server);
        if client.connection().is_some_and(|id| !self.server.is_connected(id)) {
            client.lose_connection(&mut self.server);
        }
        if client.connection().is_none() {
            client.connect(&mut self.server);
            return self.note(|| format!("{step}: {} connects", self.name(at)));
        }
        if self.dice.per_mille(self.breaks_per_mille) {
            return self.break_off(step, at);
        }
        match self.dice.below(23) {
            20..=22 => self.care(step, at),
            0..=6 => self.say(step, at),
            7 | 8 => self.operate(step, at),
            9..=11 => self.change_group(step, at),
            12..=15 => self.mark(at),
            16 if self.dice.per_mille(500) => self.look(at),
            16 => self.signal(at),
            17 => self.sync_again(at),
            18 if self.dice.per_mille(100) => self.slow_until[at] = step + self.dice.between(10, 300),
            _ => self.clients[at].flush(&mut self.server),
        }
    }

    fn name(&self, at: usize) -> String {
        format!("{}/{}", self.clients[at].user(), self.clients[at].id())
    }

    fn break_off(&mut self, step: usize, at: usize) {
        self.summary.breaks += 1;
        self.note(|| format!("{step}: {} is cut off", self.name(at)));
        let (client, server) = (&mut self.clients[at], &mut self.server);
        let id = client.connection().expect("it is connected");
        match self.dice.below(4) {
            // Its new connection may come before the server knows that the old one is gone.
            0 | 1 => server.abandon(id),
            _ => server.disconnect(id),
        }
        client.lose_connection(server);
        match client {
            Client::Plain(device) if self.dice.per_mille(400) => device.connect(server),
            Client::App(app) if self.dice.per_mille(200) => {
                let with_data = self.dice.per_mille(700);
                app.restart(server, with_data, &mut self.dice);
            }
            _ => {}
        }
    }

    fn say(&mut self, step: usize, at: usize) {
        let user = self.clients[at].user();
        let known = self.clients[at].conversations();
        let peer = *self.dice.pick(&self.users).expect("there are users");
        let direct = Conversation::direct(user, peer).filter(|_| self.has_account(peer));
        let conversation = if self.dice.per_mille(700) { self.dice.pick(&known).copied().or(direct) } else { direct };
        let Some(conversation) = conversation else { return };
        self.note(|| format!("{step}: {user} writes to {conversation:?}"));
        let bytes = if self.dice.per_mille(30) { self.dice.between(10_000, 40_000) } else { self.dice.below(40) };
        let body = self.body(bytes);
        self.clients[at].append(&mut self.server, conversation, message(body));
    }

    /// A body that no other message has.
    fn body(&mut self, bytes: usize) -> Bytes {
        self.bodies += 1;
        format!("message {:>width$}", self.bodies, width = bytes.max(1)).into()
    }

    /// Somebody edits, takes back or reacts to a message, mostly one that they may; or chooses the retention.
    fn operate(&mut self, step: usize, at: usize) {
        let Some(conversation) = self.some_conversation(at) else { return };
        let own = codec::UserId(self.clients[at].user().0);
        let messages = self.server.ledger.timeline(&conversation).into_iter().flat_map(Timeline::messages);
        let (own, others): (Vec<_>, Vec<_>) = messages.partition(|(_, message)| message.sender == own);
        let seqs: Vec<Seq> =
            (if self.dice.per_mille(700) { own } else { others }).into_iter().map(|(seq, _)| Seq(seq.0)).collect();
        let Some(&seq) = self.dice.pick(&seqs) else { return };
        let emoji = (*self.dice.pick(&["a", "b", "c"]).expect("there are some")).to_owned();
        let action = match self.dice.below(12) {
            0..=3 => Action::Edit { seq, body: self.body(3), content_type: String::new() },
            4..=6 => Action::Revoke(seq),
            7 | 8 => Action::React { seq, emoji, remove: false },
            9 | 10 => Action::React { seq, emoji, remove: true },
            _ => Action::SetRetention(some_retention(&mut self.dice)),
        };
        self.note(|| format!("{step}: {} {action:?} {conversation:?}", self.clients[at].user()));
        self.clients[at].append(&mut self.server, conversation, action);
    }

    fn has_account(&self, user: UserId) -> bool {
        self.server.ledger.store.has_account(user)
    }

    fn change_group(&mut self, step: usize, at: usize) {
        let some: Vec<UserId> = self.users.iter().copied().filter(|_| self.dice.per_mille(400)).collect();
        let known = self.clients[at].conversations();
        let groups: Vec<Conversation> = known.into_iter().filter(|id| group_of(id).is_some()).collect();
        let kind = self.dice.below(14);
        let some_group = self.dice.pick(&groups).copied();
        // Mostly by somebody who may.
        let ruler = if self.dice.per_mille(700) { self.ruler() } else { None };
        let (at, some_group) = ruler.map_or((at, some_group), |(at, group)| (at, Some(group)));
        let Some(group) = some_group.filter(|_| kind > 0) else {
            if groups.len() < 3 {
                self.note(|| format!("{step}: {} makes a group with {some:?}", self.clients[at].user()));
                self.clients[at].create_group(&mut self.server, some);
            }
            return;
        };
        let own = self.clients[at].user();
        let others: Vec<UserId> = some.into_iter().filter(|user| *user != own).collect();
        let action = match kind {
            1..=3 => Action::AddMembers(others),
            4 | 5 => Action::RemoveMembers(others),
            6 => Action::Leave,
            7..=10 => self.administer(kind, others),
            11 => return self.invite(at, group),
            _ => return self.join(at),
        };
        self.note(|| format!("{step}: {own} {action:?} {group:?}"));
        self.clients[at].append(&mut self.server, group, action);
    }

    /// A client of somebody who administers a group.
    fn ruler(&mut self) -> Option<(usize, Conversation)> {
        let all = self.server.ledger.store.conversations().filter(|id| group_of(id).is_some());
        let all: Vec<Conversation> = all.copied().collect();
        let group = *self.dice.pick(&all)?;
        let members = self.server.ledger.timeline(&group)?.members();
        let rules = |client: &Client| {
            members.get(&codec::UserId(client.user().0)).is_some_and(|member| member.role > content::Role::Member)
        };
        let rulers: Vec<usize> = (0..self.clients.len()).filter(|at| rules(&self.clients[*at])).collect();
        Some((*self.dice.pick(&rulers)?, group))
    }

    fn administer(&mut self, kind: usize, others: Vec<UserId>) -> Action {
        let member = others.first().copied().unwrap_or(UserId(1));
        let dice = &mut self.dice;
        match kind {
            7 if dice.per_mille(300) => Action::DeleteGroup,
            7 | 8 => {
                let settings =
                    GroupSettings { announcement_only: dice.per_mille(300), members_may_add: dice.per_mille(500) };
                let settings = dice.per_mille(700).then_some(settings);
                let title = settings.is_none().then(|| format!("team {}", dice.below(100)));
                Action::UpdateGroup { title, settings }
            }
            9 => {
                let role = *dice.pick(&[Role::Member, Role::Admin, Role::Admin, Role::Owner]).expect("there are some");
                Action::SetRole { member, role }
            }
            _ => {
                let mute = *dice.pick(&[Mute::Lift, Mute::Seconds(1), Mute::UntilLifted]).expect("there are some");
                Action::MuteMember { member, mute }
            }
        }
    }

    fn invite(&mut self, at: usize, group: Conversation) {
        if let Some(group) = group_of(&group) {
            self.clients[at].invite(&mut self.server, group, &mut self.dice);
        }
    }

    /// Somebody uses an invitation that a client of its kind has got.
    fn join(&mut self, at: usize) {
        let made: Vec<Invitation> = self.clients.iter_mut().flat_map(Client::take_invitations).collect();
        self.invitations.extend(made);
        let keep_from = self.invitations.len().saturating_sub(INVITATIONS_MAX);
        self.invitations.drain(..keep_from);
        if let Some(invitation) = self.dice.pick(&self.invitations) {
            self.clients[at].join(&mut self.server, invitation);
        }
    }

    fn mark(&mut self, at: usize) {
        if let Some(conversation) = self.some_conversation(at) {
            self.clients[at].mark(&mut self.server, conversation, &mut self.dice);
        }
    }

    fn look(&mut self, at: usize) {
        if let Some(conversation) = self.some_conversation(at) {
            self.clients[at].look(&mut self.server, conversation, &mut self.dice);
        }
    }

    fn signal(&mut self, at: usize) {
        if let Some(conversation) = self.some_conversation(at) {
            self.clients[at].signal(&mut self.server, conversation, &mut self.dice);
        }
    }

    fn sync_again(&mut self, at: usize) {
        if let Some(conversation) = self.some_conversation(at) {
            self.clients[at].sync_again(&mut self.server, conversation);
        }
    }

    fn some_conversation(&mut self, at: usize) -> Option<Conversation> {
        let known = self.clients[at].conversations();
        self.dice.pick(&known).copied()
    }

    // ---- Rest ----

    fn come_to_rest(&mut self) {
        self.note(|| "coming to rest".to_owned());
        self.server.read_failures = 0;
        self.server.set_storage_full(false);
        self.server.drop_abandoned();
        let mut quiet = 0;
        for step in 0..REST_STEPS_MAX {
            self.server.pass(1);
            if step.is_multiple_of(100) {
                self.server.tick();
                self.call_everybody();
                quiet = if self.is_quiet() { quiet + 1 } else { 0 };
                if quiet >= QUIET_CHECKS {
                    return;
                }
            }
            match self.dice.below(4) {
                0 | 1 => self.turn(),
                2 => {
                    self.server.commit(&mut self.dice);
                }
                _ => self.deliver(usize::MAX),
            }
        }
        let devices: Vec<String> = self.clients.iter().map(Client::describe).collect();
        panic!("the world does not come to rest: {}; {}", self.server.describe(), devices.join("; "));
    }

    /// Everybody is connected and sends what waits.
    fn call_everybody(&mut self) {
        let present = self.clients.iter_mut().zip(&self.absent).filter(|(_, absent)| !**absent);
        for (client, _) in present {
            if client.connection().is_none_or(|id| !self.server.is_connected(id)) {
                client.lose_connection(&mut self.server);
                client.connect(&mut self.server);
            }
            client.flush(&mut self.server);
        }
    }

    fn is_quiet(&self) -> bool {
        let mut present = self.clients.iter().zip(&self.absent).filter(|(_, absent)| !**absent);
        self.server.is_quiet() && present.all(|(client, _)| client.is_idle())
    }

    fn say_something_everywhere(&mut self) {
        let conversations: Vec<Conversation> = self.server.ledger.store.conversations().copied().collect();
        for conversation in conversations {
            let store = &self.server.ledger.store;
            let may_write = |client: &Client| match self.server.ledger.timeline(&conversation) {
                Some(timeline) if group_of(&conversation).is_some() => {
                    may_write(timeline, codec::UserId(client.user().0), self.server.now.0)
                }
                _ => store.is_present(&conversation, client.user()),
            };
            let writer = self.clients.iter().position(may_write);
            if let Some(at) = writer {
                self.clients[at].append(&mut self.server, conversation, message(Bytes::from_static(b"all")));
            }
        }
    }

    fn check_rest(&self) {
        let ledger = &self.server.ledger;
        ledger.check_acked();
        ledger.check_groups();
        ledger.check_logs();
        ledger.check_blocks();
        assert!(ledger.store.outbox().is_empty(), "every home knows of its users' memberships");
        for client in &self.clients {
            client.check(ledger, self.refusals, self.server.has_told_all());
            for conversation in ledger.store.conversations() {
                let (held, head) = (client.cursor(conversation), ledger.visible_head(client.user(), conversation));
                let who = format!("{}/{}", client.user(), client.id());
                assert!(held >= head, "{who} holds {held} of {conversation:?} and should hold {head}");
            }
        }
    }

    /// Everybody looks at the end of all they know, and asks about a message of their own.
    fn look_at_everything(&mut self) {
        self.server.ledger.settled = true;
        for at in 0..self.clients.len() {
            self.clients[at].list_blocked(&mut self.server);
            let user = codec::UserId(self.clients[at].user().0);
            for conversation in self.clients[at].conversations() {
                let own = self.server.ledger.timeline(&conversation).and_then(|timeline| {
                    timeline.messages().rfind(|(_, message)| message.sender == user).map(|(seq, _)| Seq(seq.0))
                });
                self.clients[at].probe(&mut self.server, conversation, own);
            }
        }
        self.come_to_rest();
        self.server.ledger.settled = false;
    }

    /// When all are gone and time has passed, nothing is kept in memory.
    fn check_memory(&mut self) {
        for client in &mut self.clients {
            if let Some(id) = client.connection() {
                self.server.disconnect(id);
                client.lose_connection(&mut self.server);
            }
        }
        // Else the walk of retention would look at some now and then.
        self.server.set_storage_full(true);
        for _ in 0..4_000 {
            self.server.pass(1_000);
            self.server.tick();
            for shard in 0..self.server.shards() {
                self.server.turn(shard, 6, &mut self.dice);
            }
            self.server.commit(&mut self.dice);
            if self.server.conversations_loaded() == 0 && self.server.watched_users() == 0 {
                return;
            }
        }
        let (loaded, watched) = (self.server.conversations_loaded(), self.server.watched_users());
        panic!("{loaded} conversations and {watched} watched users stay in memory");
    }
}

/// Tight, but everything is admitted in the end.
fn user_rates(dice: &mut Dice) -> UserRates {
    let mut rate = |units: u64| Rate::per_second(units, units * dice.between(1, 3) as u64);
    UserRates { messages: rate(20), bytes: rate(100_000), group_operations: rate(5), searches: rate(20) }
}

fn some_retention(dice: &mut Dice) -> Option<Retention> {
    let ttl = Retention::Ttl { seconds: 60 };
    *dice
        .pick(&[None, Some(Retention::Forever), Some(Retention::Forever), Some(ttl), Some(Retention::UntilDelivered)])
        .expect("there are some")
}

/// Invitations remembered, so that most are used more than once.
const INVITATIONS_MAX: usize = 12;

/// Half of the clients are applications of the client library.
fn client(user: UserId, id: DeviceId, refusals: bool, dice: &mut Dice) -> Client {
    if dice.per_mille(500) {
        return Client::App(Box::new(App::new(user, id, dice)));
    }
    let mut device = Device::new(user, id);
    device.refusals = refusals;
    Client::Plain(Box::new(device))
}

fn settings(dice: &mut Dice, refusals: bool) -> Settings {
    Settings {
        group_members_max: dice.between(3, 8),
        sync_entries_max: SYNC_ENTRIES_MAX,
        page_bytes_max: dice.between(100, 48_000),
        page_entries_max: dice.between(1, 10),
        pulls_per_session_max: dice.between(1, 4),
        pending_bytes_max: if refusals { dice.between(1_000, 50_000) } else { 64 << 20 },
        user_rates: if refusals && dice.per_mille(500) { user_rates(dice) } else { UserRates::default() },
        marks_waiting_max: dice.between(1, 50),
        ring_timeout_ms: dice.between(50, 3_000) as u64,
        presence_timeout_ms: dice.between(2_000, 12_000) as u64,
        presence_grace_ms: dice.between(0, 3_000) as u64,
        presence_interval_ms: dice.between(0, 1_500) as u64,
        watched_users_max: if dice.per_mille(100) { 2 } else { 1_000 },
        // Now and then so short that resends are older, and blocks are removed.
        dedup_age_max_ms: if dice.per_mille(100) { 3_000 } else { Settings::default().dedup_age_max_ms },
        edit_age_max_ms: if dice.per_mille(200) { 500 } else { Settings::default().edit_age_max_ms },
        retention: RetentionSettings {
            default: some_retention(dice).unwrap_or(Retention::Forever),
            drop_entries_min: dice.between(1, 30) as u64,
            ..RetentionSettings::default()
        },
        conversation_idle_ms: dice.between(100, 60_000) as u64,
        ..Settings::default()
    }
}

fn message(body: Bytes) -> Action {
    Action::Message { kind: 0, body, content_type: String::new(), reply_to: Seq(0) }
}
