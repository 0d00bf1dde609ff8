//! Before the clock runs: everybody logs in, groups are made, each pair says its first word, watchers ask for whom they
//! watch, and who is not there during the traffic leaves; so the measured phase holds no beginnings.
//!
//! The first words are ordinary messages to the ledger; no histogram has them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use hubbub_codec::ids::{Conversation as ConversationName, UserId};
use hubbub_codec::session::{Session, SessionConfig};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;

use super::Control;
use super::client::{Client, Membership};
use super::mqtt;
use super::peer::Peer;
use super::plan::{Plan, Protocol, Share};
use super::presence::Watching;
use super::report::{self, Report};
use super::route::Routes;
use super::thread::{Conversation, Phase, Thread};
use crate::clock::{as_duration, now_us};
use crate::ledger::book::Book;
use crate::ledger::conversation::ConversationLedger;
use crate::ledger::unnumbered::UnnumberedLedger;
use crate::population::{Community, Devices, Kind, Planned, communities};

/// Most groups of a thread that are being made at one time.
const GROUPS_IN_PROGRESS_MAX: usize = 16;

/// Most first words of a thread that are under way at one time.
const OPENINGS_IN_PROGRESS_MAX: usize = 128;

/// How many things of a kind are under way at one time in a thread with so many clients: a crowd must not take a day.
pub(super) fn at_once(least: usize, clients: usize) -> usize {
    least.max(clients / 1_000)
}

/// Setup that gets nowhere for this long has failed.
const STALL_US: u64 = 30_000_000;

/// How often progress is told.
const TELL_EVERY_US: u64 = 200_000;

/// How long tokens are good for.
const TOKEN_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Requests that a session holds before it refuses more.
const SENDS_QUEUED_MAX: u16 = 1_024;

/// Requests that a session has on the wire at most; servers allow 64.
const SENDS_IN_FLIGHT_MAX: u16 = 64;

#[derive(Serialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// How far the setup is.
pub(super) struct Setup {
    groups_to_make: VecDeque<u32>,
    making: usize,
    /// Groups that are made, whose members have not all heard of it.
    announced: Vec<u32>,
    to_open: VecDeque<u32>,
    opening: Vec<u32>,
    opened: u32,
    told: report::Setup,
    told_us: u64,
    moved_us: u64,
    /// Clients that had asked for presence when something moved last.
    asked: u32,
}

impl Setup {
    pub(super) fn new(conversations: &[Conversation], now_us: u64) -> Self {
        let of_kind = |kind| {
            let all = (0..).zip(conversations);
            all.filter(move |(_, conversation)| conversation.kind == kind).map(|(at, _)| at).collect()
        };
        Self {
            groups_to_make: of_kind(Kind::Group),
            making: 0,
            announced: Vec::new(),
            to_open: of_kind(Kind::Direct),
            opening: Vec::new(),
            opened: 0,
            told: report::Setup::default(),
            told_us: 0,
            moved_us: now_us,
            asked: 0,
        }
    }

    fn is_done(&self, conversations: usize) -> bool {
        self.opened as usize == conversations
    }
}

/// Builds a thread: its communities, and a session for each of their clients.
pub(super) fn build(
    plan: Arc<Plan>,
    share: Share,
    secret: &[u8],
    control: Arc<Control>,
    reports: Sender<Report>,
) -> anyhow::Result<Rc<RefCell<Thread>>> {
    let ranges = communities(&plan.scenario);
    let mine = &ranges[share.communities.start as usize..share.communities.end as usize];
    let first_client = mine.first().map_or(0, |range| range.start);
    let count = mine.last().map_or(0, |range| range.end) - first_client;
    let mut conversations = Vec::new();
    for (index, range) in (share.communities.start..).zip(mine) {
        let community = Community::draw(&plan.scenario, plan.seed, index, range.clone());
        conversations.extend(community.conversations.into_iter().map(|planned| take_in(&plan, first_client, planned)));
    }
    let devices = Devices::of(&plan.scenario);
    let presence = plan.scenario.presence.as_ref();
    let watching = presence.filter(|_| plan.protocol == Protocol::Hubbub);
    let watching = watching.map(|presence| Box::new(Watching::draw(presence, plan.seed, devices, mine)));
    let (memberships, speaks) = places(&plan, first_client, count, &conversations);
    let key = EncodingKey::from_secret(secret);
    let mqtt = mqtt::config(&plan, secret);
    let clients = (0..).zip(memberships.into_iter().zip(speaks)).map(|(index, (memberships, speaks))| {
        let client = first_client + index;
        let session = match &mqtt {
            Some(config) => Peer::Mqtt(Box::new(mqtt::session(config, client, &memberships, &conversations))),
            None => Peer::Hubbub(session(&plan, client, &key)?),
        };
        Ok(Client::new(session, memberships.into(), speaks.into()))
    });
    let clients = clients.collect::<anyhow::Result<_>>()?;
    let is_blind = presence.is_some() && watching.is_none();
    let mut thread = Thread::new(plan, share, control, reports, first_client, clients, conversations);
    thread.watching = watching;
    thread.routes = Routes::of(&thread.plan.routes, thread.plan.authority.as_deref())?;
    if is_blind {
        thread.meters.note_not_driven("watch lists of presence", count.into());
    }
    Ok(Rc::new(RefCell::new(thread)))
}

/// A conversation of the plan in its thread.
fn take_in(plan: &Plan, first_client: u32, planned: Planned) -> Conversation {
    let user = |user: &u32| UserId(plan.first_user + u64::from(*user));
    let name = match (planned.kind, &*planned.users) {
        (Kind::Direct, [one, other]) => ConversationName::direct(user(one), user(other)),
        _ => None,
    };
    Conversation {
        key: planned.key,
        kind: planned.kind,
        members: planned.members.iter().map(|client| client - first_client).collect(),
        size: planned.users.len() as u32,
        users: if planned.kind == Kind::Group { planned.users.into() } else { Box::default() },
        name,
        ledger: None,
    }
}

/// For each client: where it is a member, and where it may send one-to-one messages.
fn places(
    plan: &Plan,
    first_client: u32,
    clients: u32,
    conversations: &[Conversation],
) -> (Vec<Vec<Membership>>, Vec<Vec<Membership>>) {
    let one_way = plan.scenario.direct.as_ref().is_some_and(|direct| direct.one_way);
    let devices = Devices::of(&plan.scenario);
    let user_of = |client: &u32| devices.user_of(first_client + client);
    let mut memberships = vec![Vec::new(); clients as usize];
    let mut speaks = memberships.clone();
    for (at, conversation) in (0..).zip(conversations) {
        for (member, client) in (0..).zip(&conversation.members) {
            let place = Membership { conversation: at, member };
            memberships[*client as usize].push(place);
            let is_first = user_of(client) == user_of(&conversation.members[0]);
            if conversation.kind == Kind::Direct && (is_first || !one_way) {
                speaks[*client as usize].push(place);
            }
        }
    }
    (memberships, speaks)
}

fn session(plan: &Plan, client: u32, key: &EncodingKey) -> anyhow::Result<Session> {
    let devices = Devices::of(&plan.scenario);
    let user = plan.first_user + u64::from(devices.user_of(client));
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TOKEN_LIFE;
    let claims = Claims { sub: user.to_string(), exp: expires.as_secs() };
    let token = encode(&Header::default(), &claims, key).context("a token could not be signed")?;
    let config = SessionConfig {
        client_name: "hubbub-load".into(),
        client_version: env!("CARGO_PKG_VERSION").into(),
        backoff_min: Duration::from_millis(100),
        backoff_max: Duration::from_secs(2),
        sends_in_flight_max: SENDS_IN_FLIGHT_MAX,
        sends_queued_max: SENDS_QUEUED_MAX,
        // Names of messages come from it: never twice the same for a user.
        seed: plan.run_id ^ u64::from(client).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        ..SessionConfig::new(token, u64::from(devices.device_of(client)) + 1)
    };
    Ok(Session::new(config, as_duration(now_us())))
}

impl Thread {
    pub(super) fn go_on_with_setup(&mut self, mut setup: Setup, now_us: u64) -> Phase {
        let synced = self.standing.ever_synced as usize;
        if synced == self.clients.len() {
            self.make_groups(&mut setup, now_us);
            self.open_pairs(&mut setup, now_us);
        }
        self.tell_setup(&mut setup, synced as u32, now_us);
        let is_open = synced == self.clients.len() && setup.is_done(self.conversations.len());
        if is_open && self.everybody_watches(now_us) && self.send_away() {
            self.tell(Report::Ready { worker: self.share.worker });
            return Phase::Ready;
        }
        let asked = self.watching.as_ref().map_or(0, |watching| watching.asked());
        if std::mem::replace(&mut setup.asked, asked) != asked {
            setup.moved_us = now_us;
        }
        if now_us > setup.moved_us + STALL_US {
            setup.moved_us = u64::MAX / 2;
            self.fail_stalled(synced, &setup);
        }
        Phase::Setup(setup)
    }

    fn tell_setup(&mut self, setup: &mut Setup, synced: u32, now_us: u64) {
        let told = report::Setup {
            worker: self.share.worker,
            clients: self.clients.len() as u32,
            synced,
            conversations: self.conversations.len() as u32,
            opened: setup.opened,
        };
        if told != setup.told && (now_us >= setup.told_us + TELL_EVERY_US || setup.is_done(self.conversations.len())) {
            (setup.told, setup.told_us, setup.moved_us) = (told, now_us, now_us);
            self.tell(Report::Setup(told));
        }
    }

    fn fail_stalled(&mut self, synced: usize, setup: &Setup) {
        let errors: Vec<_> =
            self.meters.errors.iter().map(|(words, count)| format!("{words} ({count} times)")).collect();
        self.fail(format!(
            "nothing moved for {} s: {synced} of {} clients have synced, {} of {} conversations are open; errors: {}",
            STALL_US / 1_000_000,
            self.clients.len(),
            setup.opened,
            self.conversations.len(),
            if errors.is_empty() { "none".to_owned() } else { errors.join("; ") },
        ));
    }

    fn make_groups(&mut self, setup: &mut Setup, now_us: u64) {
        // The replies name the groups that were made.
        let conversations = &self.conversations;
        setup.announced.retain(|at| conversations[*at as usize].ledger.is_none());
        setup.making = setup.announced.len();
        while setup.making < GROUPS_IN_PROGRESS_MAX
            && let Some(at) = setup.groups_to_make.pop_front()
        {
            self.request_group(at, now_us);
            setup.announced.push(at);
            setup.making += 1;
        }
        for at in setup.announced.clone() {
            if self.begin_account(at) {
                setup.opened += 1;
            }
        }
    }

    /// Begins the account of a conversation once all its members have the entry that made it; false until then, and when
    /// it has begun.
    fn begin_account(&mut self, at: u32) -> bool {
        let conversation = &mut self.conversations[at as usize];
        let user_of = |client: &u32| self.plan.first_user + u64::from(self.devices.user_of(self.first_client + client));
        let users = || conversation.members.iter().map(user_of).collect();
        if self.plan.protocol != Protocol::Hubbub {
            // A topic is there when somebody has subscribed to it, and everybody has.
            let ledger = UnnumberedLedger::new(conversation.key, users());
            let earlier = conversation.ledger.replace(Book::Unnumbered(Box::new(ledger)));
            debug_assert!(earlier.is_none(), "an account is begun once");
            return true;
        }
        let (Some(name), None) = (conversation.name, &conversation.ledger) else {
            return false;
        };
        if !self.traffic.making.is_complete(at) {
            return false;
        }
        let cursor_of = |client: &u32| {
            let session = self.clients[*client as usize].session.hubbub();
            let cursor = session.and_then(|session| session.cursor(&name));
            cursor.map_or(0, |(_, seq)| seq.0)
        };
        let cursors: Vec<u64> = conversation.members.iter().map(cursor_of).collect();
        if conversation.kind == Kind::Group && cursors.contains(&0) {
            return false;
        }
        let account = &mut self.meters.account;
        conversation.ledger = Some(Book::Numbered(ConversationLedger::new(name, users(), &cursors, account)));
        true
    }

    fn open_pairs(&mut self, setup: &mut Setup, now_us: u64) {
        let conversations = &self.conversations;
        let before = setup.opening.len();
        setup.opening.retain(|at| {
            let ledger = conversations[*at as usize].ledger.as_ref();
            !ledger.is_some_and(Book::is_settled)
        });
        setup.opened += (before - setup.opening.len()) as u32;
        while setup.opening.len() < at_once(OPENINGS_IN_PROGRESS_MAX, self.clients.len())
            && let Some(at) = setup.to_open.pop_front()
        {
            self.begin_account(at);
            self.send(at, 0, now_us);
            setup.opening.push(at);
        }
    }
}
