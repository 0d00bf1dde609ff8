//! A world drawn from a seed: people with devices, a server, and everything that may go wrong between them.

use crate::device::{Device, SYNC_ENTRIES_MAX, group_of};
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::server::{ConnectionId, EdgeLimits, Server};
use bytes::Bytes;
use hubbub_core::ids::{Conversation, DeviceId, Seq, UserId};
use hubbub_core::records::{PagePosition, Read, ReadResult};
use hubbub_core::request::{Action, Request};
use hubbub_core::settings::Settings;
use hubbub_core::slots::SlotTable;

/// What a run has done, for people.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
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
}

/// See the module.
#[derive(Debug)]
pub struct World {
    dice: Dice,
    server: Server,
    devices: Vec<Device>,
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
    summary: Summary,
}

/// Steps within which a world without further wishes comes to rest.
const REST_STEPS_MAX: usize = 200_000;

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
        };
        let mut server = Server::new(settings, slots, limits);
        server.read_failures = if refusals { 30 } else { 0 };
        let users: Vec<UserId> = (0..dice.between(2, 7)).map(|n| UserId(n as u64 * 37 + 1)).collect();
        let mut devices = Vec::new();
        for &user in &users {
            for device in 1..=dice.between(1, 3) as u64 {
                let mut device = Device::new(user, DeviceId(device));
                device.refusals = refusals;
                devices.push(device);
            }
        }
        let crashes_per_mille = *dice.pick(&[0, 0, 2, 5]).unwrap_or(&0);
        let breaks_per_mille = *dice.pick(&[0, 10, 40]).unwrap_or(&0);
        let power_fails = dice.per_mille(200);
        World {
            dice,
            server,
            devices,
            users,
            crashes_per_mille,
            breaks_per_mille,
            refusals,
            power_fails,
            earlier: None,
            trace,
            steps: 0,
            summary: Summary::default(),
        }
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
        self.check_memory();
        let ledger = &self.server.ledger;
        self.summary.acks = ledger.acks;
        self.summary.duplicates = ledger.duplicates;
        self.summary.taken = ledger.taken;
        self.summary.repeated = ledger.repeated;
        self.summary
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
        self.server.now = self.server.now.plus_ms(self.dice.between(0, 3) as u64);
        if step.is_multiple_of(40) {
            self.server.tick();
        }
        if self.dice.per_mille(1) {
            self.note(|| format!("{step}: a minute passes"));
            self.server.now = self.server.now.plus_ms(61_000);
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
            5..=7 => self.deliver(),
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
        self.devices.iter_mut().for_each(Device::lose_connection);
    }

    fn turn(&mut self) {
        let shard = self.dice.below(self.server.shards());
        let inputs = self.dice.between(1, 6);
        self.server.turn(shard, inputs, &mut self.dice);
    }

    /// Some client reads a frame.
    fn deliver(&mut self) {
        let readable = self.server.readable();
        let Some(&id) = self.dice.pick(&readable) else { return };
        self.deliver_to(id);
    }

    fn deliver_to(&mut self, id: ConnectionId) {
        let Some(frame) = self.server.read(id) else { return };
        let device = self.devices.iter_mut().find(|device| device.connection == Some(id));
        let device = device.expect("abandoned connections are not read");
        if self.trace {
            println!("  {}/{} reads {frame:?}", device.user, device.id);
        }
        device.take(&mut self.server, frame);
        if !self.server.is_connected(id) {
            device.lose_connection();
        }
    }

    // ---- What people do ----

    fn act(&mut self, step: usize) {
        let at = self.dice.below(self.devices.len());
        if self.devices[at].connection.is_some_and(|id| !self.server.is_connected(id)) {
            self.devices[at].lose_connection();
        }
        if self.devices[at].connection.is_none() {
            self.note(|| format!("{step}: {}/{} connects", self.devices[at].user, self.devices[at].id));
            return self.devices[at].connect(&mut self.server);
        }
        if self.dice.per_mille(self.breaks_per_mille) {
            return self.break_off(step, at);
        }
        match self.dice.below(20) {
            0..=8 => self.say(step, at),
            9..=11 => self.change_group(step, at),
            12..=15 => self.mark(at),
            16 => self.look(at),
            17 => self.sync_again(at),
            _ => self.devices[at].flush(&mut self.server),
        }
    }

    fn break_off(&mut self, step: usize, at: usize) {
        self.summary.breaks += 1;
        let device = &mut self.devices[at];
        let id = device.connection.expect("it is connected");
        match self.dice.below(3) {
            // Its new connection comes before the server knows that the old one is gone.
            0 => {
                self.server.abandon(id);
                device.connect(&mut self.server);
            }
            1 => {
                self.server.abandon(id);
                device.lose_connection();
            }
            _ => {
                self.server.disconnect(id);
                device.lose_connection();
            }
        }
        self.note(|| format!("{step}: {}/{} is cut off", self.devices[at].user, self.devices[at].id));
    }

    fn say(&mut self, step: usize, at: usize) {
        let user = self.devices[at].user;
        let known = self.devices[at].conversations();
        let peer = *self.dice.pick(&self.users).expect("there are users");
        let direct = Conversation::direct(user, peer).filter(|_| self.has_account(peer));
        let conversation = if self.dice.per_mille(700) { self.dice.pick(&known).copied().or(direct) } else { direct };
        let Some(conversation) = conversation else { return };
        self.note(|| format!("{step}: {user} writes to {conversation:?}"));
        let bytes = if self.dice.per_mille(30) { self.dice.between(10_000, 40_000) } else { self.dice.below(40) };
        self.devices[at].append(&mut self.server, conversation, message(bytes));
    }

    fn has_account(&self, user: UserId) -> bool {
        matches!(self.server.ledger.store.read(&Read::User(user)), ReadResult::User(Some(_)))
    }

    fn change_group(&mut self, step: usize, at: usize) {
        let some: Vec<UserId> = self.users.iter().copied().filter(|_| self.dice.per_mille(400)).collect();
        let known = self.devices[at].conversations();
        let groups: Vec<Conversation> = known.into_iter().filter(|id| group_of(id).is_some()).collect();
        let kind = self.dice.below(8);
        let Some(&group) = self.dice.pick(&groups).filter(|_| kind > 0) else {
            if groups.len() < 3 {
                self.note(|| format!("{step}: {} makes a group with {some:?}", self.devices[at].user));
                self.devices[at].create_group(&mut self.server, some);
            }
            return;
        };
        let own = self.devices[at].user;
        let others: Vec<UserId> = some.into_iter().filter(|user| *user != own).collect();
        let action = match kind {
            1..=3 => Action::AddMembers(others),
            4..=6 => Action::RemoveMembers(others),
            _ => Action::Leave,
        };
        self.note(|| format!("{step}: {own} {action:?} {group:?}"));
        self.devices[at].append(&mut self.server, group, action);
    }

    fn mark(&mut self, at: usize) {
        let known = self.devices[at].conversations();
        let Some(&conversation) = self.dice.pick(&known) else { return };
        let held = self.devices[at].cursor(&conversation);
        if held > Seq(0) {
            let seq = if self.dice.per_mille(800) { held } else { Seq(self.dice.between(1, held.0 as usize) as u64) };
            let (read, answer) = (self.dice.per_mille(400), self.dice.per_mille(300));
            self.devices[at].mark(&mut self.server, conversation, seq, read, answer);
        }
    }

    fn look(&mut self, at: usize) {
        let known = self.devices[at].conversations();
        let Some(&conversation) = self.dice.pick(&known) else { return };
        let seq = Seq(self.dice.below(30) as u64);
        let limit = self.dice.between(1, 10);
        let request = match (self.dice.below(4), group_of(&conversation)) {
            (0, _) => Request::History { conversation, position: PagePosition::After(seq), limit },
            (1, _) => Request::History { conversation, position: PagePosition::Before(seq.next()), limit },
            (2, Some(group)) => Request::GetGroup { group, members_after: UserId(0), members_limit: limit },
            _ => Request::ListConversations { after: None, limit },
        };
        self.devices[at].ask(&mut self.server, request);
    }

    fn sync_again(&mut self, at: usize) {
        let known = self.devices[at].conversations();
        if let Some(&conversation) = self.dice.pick(&known)
            && self.devices[at].ready
        {
            self.devices[at].sync_again(&mut self.server, conversation);
        }
    }

    // ---- Rest ----

    fn come_to_rest(&mut self) {
        self.note(|| "coming to rest".to_owned());
        self.server.read_failures = 0;
        self.server.set_storage_full(false);
        self.server.drop_abandoned();
        for step in 0..REST_STEPS_MAX {
            self.server.now = self.server.now.plus_ms(1);
            if step.is_multiple_of(100) {
                self.server.tick();
                self.call_everybody();
                if step > 1_000 && self.is_quiet() {
                    return;
                }
            }
            match self.dice.below(4) {
                0 | 1 => self.turn(),
                2 => {
                    self.server.commit(&mut self.dice);
                }
                _ => self.deliver(),
            }
        }
        let devices: Vec<String> = self.devices.iter().map(Device::describe).collect();
        panic!("the world does not come to rest: {}; {}", self.server.describe(), devices.join("; "));
    }

    /// Everybody is connected and sends what waits.
    fn call_everybody(&mut self) {
        for device in &mut self.devices {
            if device.connection.is_none_or(|id| !self.server.is_connected(id)) {
                device.lose_connection();
                device.connect(&mut self.server);
            }
            device.flush(&mut self.server);
        }
    }

    fn is_quiet(&self) -> bool {
        self.server.is_quiet() && self.devices.iter().all(Device::is_idle)
    }

    fn say_something_everywhere(&mut self) {
        let conversations: Vec<Conversation> = self.server.ledger.store.conversations().copied().collect();
        for conversation in conversations {
            let member = |device: &&mut Device| {
                let record = self.server.ledger.store.member(&conversation, device.user);
                record.is_some_and(|member| member.spans.last().is_some_and(|span| span.left.is_none()))
            };
            if let Some(device) = self.devices.iter_mut().find(member) {
                device.append(&mut self.server, conversation, message(3));
            }
        }
    }

    fn check_rest(&self) {
        let ledger = &self.server.ledger;
        ledger.check_acked();
        ledger.check_groups();
        assert!(ledger.store.outbox().is_empty(), "every home knows of its users' memberships");
        for device in &self.devices {
            device.check_order(ledger);
            for conversation in ledger.store.conversations() {
                let (held, head) = (device.cursor(conversation), ledger.visible_head(device.user, conversation));
                let who = format!("{}/{}", device.user, device.id);
                assert!(held >= head, "{who} holds {held} of {conversation:?} and should hold {head}");
            }
        }
    }

    /// When all are gone and time has passed, nothing is kept in memory.
    fn check_memory(&mut self) {
        for device in &mut self.devices {
            if let Some(id) = device.connection {
                self.server.disconnect(id);
                device.lose_connection();
            }
        }
        for _ in 0..4_000 {
            self.server.now = self.server.now.plus_ms(1_000);
            self.server.tick();
            for shard in 0..self.server.shards() {
                self.server.turn(shard, 6, &mut self.dice);
            }
            self.server.commit(&mut self.dice);
            if self.server.conversations_loaded() == 0 {
                return;
            }
        }
        panic!("{} conversations stay in memory", self.server.conversations_loaded());
    }
}

fn settings(dice: &mut Dice, refusals: bool) -> Settings {
    Settings {
        group_members_max: dice.between(3, 8),
        sync_entries_max: SYNC_ENTRIES_MAX,
        page_bytes_max: dice.between(100, 48_000),
        page_entries_max: dice.between(1, 10),
        pulls_per_session_max: dice.between(1, 4),
        pending_bytes_max: if refusals { dice.between(1_000, 50_000) } else { 64 << 20 },
        marks_waiting_max: dice.between(1, 50),
        conversation_idle_ms: dice.between(100, 60_000) as u64,
        ..Settings::default()
    }
}

fn message(bytes: usize) -> Action {
    Action::Message { kind: 0, body: Bytes::from(vec![b'x'; bytes]), content_type: String::new(), reply_to: Seq(0) }
}
