//! After any sequence of events, lost messages and full sockets included, each watcher has been told the true state.

use super::world::{Client, World};
use hubbub_core::ids::UserId;
use hubbub_core::request::{Request, StatusChange};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Login(usize, u64),
    Close(usize),
    Watch(usize, usize),
    Unwatch(usize, usize),
    Status(usize, u8),
    Visible(usize, bool),
    Block(usize, usize),
    Unblock(usize, usize),
    Ping(usize),
    Lossy(bool),
    Full(usize, bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let user = 0usize..4;
    let session = 0usize..8;
    prop_oneof![
        4 => (user.clone(), 1u64..3).prop_map(|(user, device)| Step::Login(user, device)),
        3 => session.clone().prop_map(Step::Close),
        6 => (session.clone(), user.clone()).prop_map(|(session, user)| Step::Watch(session, user)),
        1 => (session.clone(), user.clone()).prop_map(|(session, user)| Step::Unwatch(session, user)),
        2 => (session.clone(), any::<u8>()).prop_map(|(session, text)| Step::Status(session, text)),
        1 => (session.clone(), any::<bool>()).prop_map(|(session, visible)| Step::Visible(session, visible)),
        1 => (session.clone(), user.clone()).prop_map(|(session, user)| Step::Block(session, user)),
        1 => (session.clone(), user).prop_map(|(session, user)| Step::Unblock(session, user)),
        1 => session.clone().prop_map(Step::Ping),
        1 => any::<bool>().prop_map(Step::Lossy),
        1 => (session, any::<bool>()).prop_map(|(session, full)| Step::Full(session, full)),
        4 => prop_oneof![Just(100u64), Just(1_000), Just(12_000), Just(310_000)].prop_map(Step::Wait),
    ]
}

struct Watcher {
    client: Client,
    user: UserId,
    device: u64,
    full: bool,
    /// What the client was told last, of those it watches.
    told: BTreeMap<UserId, String>,
}

struct Play {
    world: World,
    users: Vec<UserId>,
    sessions: Vec<Watcher>,
}

impl Play {
    fn new() -> Play {
        let world = World::new(2);
        let users = [(0, 0), (1, 0), (0, 7), (1, 7)].map(|(shard, n)| world.user_on(shard, n)).to_vec();
        Play { world, users, sessions: Vec::new() }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Login(user, device) => self.login(user, device),
            Step::Close(at) => {
                if at < self.sessions.len() {
                    let gone = self.sessions.swap_remove(at);
                    self.world.close(gone.client);
                }
            }
            Step::Watch(at, user) => {
                let user = self.users[user];
                self.ask(at, Request::Watch(vec![user]));
                if let Some(session) = self.sessions.get_mut(at).filter(|session| !session.full) {
                    session.told.entry(user).or_default();
                }
            }
            Step::Unwatch(at, user) => {
                let user = self.users[user];
                self.take_all();
                self.ask(at, Request::Unwatch(Some(vec![user])));
                self.world.go();
                self.take_all();
                if let Some(session) = self.sessions.get_mut(at).filter(|session| !session.full) {
                    session.told.remove(&user);
                }
            }
            Step::Status(at, text) => {
                let status = Some(format!("{text}").into_boxed_str());
                self.ask(at, Request::SetStatus(StatusChange { invisible: None, status }));
            }
            Step::Visible(at, visible) => {
                self.ask(at, Request::SetStatus(StatusChange { invisible: Some(!visible), status: None }));
            }
            Step::Block(at, user) => self.ask(at, Request::Block(vec![self.users[user]])),
            Step::Unblock(at, user) => self.ask(at, Request::Unblock(vec![self.users[user]])),
            Step::Ping(at) => {
                if let Some(session) = self.sessions.get(at) {
                    self.world.ping(session.client);
                }
            }
            Step::Lossy(lossy) => self.world.drop_runs = lossy,
            Step::Full(at, full) => self.fill(at, full),
            Step::Wait(ms) => {
                if ms > 20_000 {
                    self.world.pass_ms(ms);
                    self.world.run_ms(1_000);
                } else {
                    self.world.run_ms(ms);
                }
            }
        }
        self.take_all();
    }

    fn login(&mut self, user: usize, device: u64) {
        let user = self.users[user];
        // Its older session is replaced.
        self.sessions.retain(|session| (session.user, session.device) != (user, device));
        if self.sessions.len() < 8 {
            let client = self.world.login_device(user, device);
            self.sessions.push(Watcher { client, user, device, full: false, told: BTreeMap::new() });
        }
    }

    fn ask(&mut self, at: usize, request: Request) {
        // A session that is not read cannot ask.
        if let Some(session) = self.sessions.get(at).filter(|session| !session.full) {
            self.world.request(session.client, request);
        }
    }

    fn fill(&mut self, at: usize, full: bool) {
        let Some(session) = self.sessions.get_mut(at) else { return };
        if full {
            self.world.full.insert(session.client);
        } else if session.full {
            self.world.drain(session.client);
        }
        session.full = full;
    }

    fn take_all(&mut self) {
        self.world.go();
        for session in &mut self.sessions {
            for frame in self.world.take(session.client) {
                let Some(users) = frame.strip_prefix("presence ") else { continue };
                for said in users.split(", ") {
                    let (user, state) = said.split_once(' ').expect("a user and a state");
                    let user = UserId(user.parse().expect("an id"));
                    if let Some(told) = session.told.get_mut(&user) {
                        *told = state.to_owned();
                    }
                }
            }
        }
    }

    /// Everything calms down; then each watcher must know what a fresh question answers.
    fn check(&mut self) {
        self.world.drop_runs = false;
        for at in 0..self.sessions.len() {
            self.fill(at, false);
        }
        self.world.run_ms(30_000);
        self.take_all();
        for at in 0..self.sessions.len() {
            let told = self.sessions[at].told.clone();
            let (user, watched): (UserId, Vec<UserId>) = (self.sessions[at].user, told.keys().copied().collect());
            // A session of another device has no history to mislead it.
            let fresh = self.world.login_device(user, 99);
            self.world.run_ms(2_000);
            self.take_all();
            let told = self.sessions[at].told.clone();
            if watched.is_empty() {
                continue;
            }
            self.world.request(fresh, Request::Watch(watched));
            self.world.go();
            let frames = self.world.take(fresh);
            let answer = frames[0].strip_prefix("presence ").expect("an answer");
            for said in answer.split(", ") {
                let (watched, state) = said.split_once(' ').expect("a user and a state");
                let watched = UserId(watched.parse().expect("an id"));
                assert_eq!(told[&watched], state, "{user} was told of {watched}");
            }
            self.world.close(fresh);
            self.world.run_ms(12_000);
            self.take_all();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]
    #[test]
    fn watchers_see_the_true_state_in_the_end(steps in proptest::collection::vec(step(), 1..60)) {
        let mut play = Play::new();
        for step in steps {
            play.apply(step);
        }
        play.check();
    }
}
