//! Keeps the own server of a run: disturbs it when the scenario says so, notices when it ends by itself, and ends it
//! when the run is over, however that comes.
//!
//! One thread owns the process. The run asks for news and tells how many sessions are synced; neither waits for the
//! other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use hubbub_codec::endpoint::Endpoint;
use rustix::process::Signal;

use super::Request;
use super::certificate;
use super::own_server::OwnServer;
use super::recovery::{Census, Recovery};
use crate::clock::{SECOND_US, now_us};
use crate::disturbance::{Action, Disturbance, Disturbed, Moment, moments, too_late};
use crate::engine::plan::{Plan, Protocol};

/// The longest sleep of the thread: how late it may notice that the run is over.
const SLEEP_MAX: Duration = Duration::from_millis(10);

/// Where the server can be looked at just now.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    /// Its metrics page; `None` while it would not answer.
    pub(super) metrics: Option<String>,
    /// Its process; `None` while there is none.
    pub(super) pid: Option<u32>,
}

/// Sends the clients to the server that was started, over the transports of the plan.
fn go_to(server: &OwnServer, plan: &mut Plan) -> anyhow::Result<()> {
    for route in &mut plan.routes {
        let transport = route.endpoint.parse::<Endpoint>()?.transport();
        let address = server.address(transport);
        route.address = address.with_context(|| format!("this server does not listen for {transport}"))?;
        route.endpoint =
            Endpoint::new(transport, &format!("{}:{}", certificate::NAME, route.address.port()))?.to_string();
    }
    if let Some(first) = plan.routes.first() {
        plan.server = first.address;
    }
    plan.authority = server.authority().map(str::to_owned);
    Ok(())
}

/// How the run ends for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Orderly,
    Forced,
}

/// What is said of a server that did not end, or not in good order, when it was asked to.
const STOPPED_BADLY: &str = "the own server did not end in good order when it was asked to";

#[derive(Debug, Default)]
struct Shared {
    end: Option<End>,
    /// What is to be done, from the start of the traffic on; taken by the thread.
    schedule: Option<(u64, Vec<(Moment, Action)>)>,
    recovery: Recovery,
    target: Target,
    news: Vec<String>,
    failure: Option<String>,
}

/// The own server of a run.
#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Keeper {
    /// Starts the server that `request` asks for, and writes into the request where it is. `None` when it asks for none.
    ///
    /// # Errors
    /// When the server cannot be started, and when the scenario disturbs a server that is not the harness's own.
    pub(super) fn start(request: &mut Request) -> anyhow::Result<Option<Self>> {
        let Some(settings) = request.own_server.clone() else {
            anyhow::ensure!(
                request.plan.scenario.disturbance.is_empty(),
                "this scenario kills, stops or restarts the server, which is only done to one that the harness has \
                 started itself: add --own-server PROGRAM (such as target/release/hubbub)"
            );
            return Ok(None);
        };
        let is_hubbub = request.plan.protocol == Protocol::Hubbub;
        anyhow::ensure!(
            is_hubbub,
            "--own-server starts a Hubbub server; with --protocol mqtt name a broker that runs: --server"
        );
        let server = OwnServer::start(settings)?;
        request.plan.server = server.clients();
        go_to(&server, &mut request.plan)?;
        request.secret_file = server.secret_file();
        let shared = Arc::new(Mutex::new(Shared { target: target_of(&server), ..Shared::default() }));
        let thread = std::thread::Builder::new().name("own-server".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || keep(server, &shared)
        });
        Ok(Some(Self { shared, thread: Some(thread.context("no thread")?) }))
    }

    /// The traffic begins at `start_us`: from now on the server is disturbed.
    pub(super) fn begin(&self, plan: &Plan, start_us: u64, threads: u32) {
        let disturbances: &[Disturbance] = &plan.scenario.disturbance;
        let all = moments(disturbances, plan.seed, plan.traffic_us());
        let all = all.into_iter().map(|moment| (moment, moment.action(disturbances))).collect();
        let mut shared = lock(&self.shared);
        shared.recovery = Recovery::new(start_us, threads);
        shared.schedule = Some((start_us, all));
        let late = too_late(disturbances, plan.traffic_us());
        if late > 0 {
            let end_s = plan.traffic_us() / SECOND_US;
            shared.news.push(format!("{late} disturbances lie after the traffic, which ends at {end_s} s"));
        }
    }

    /// Where to look at the server now.
    pub(super) fn target(&self) -> Target {
        lock(&self.shared).target.clone()
    }

    /// A thread of the generator has counted its synced sessions.
    pub(super) fn count(&self, thread: u32, census: Census) {
        let mut shared = lock(&self.shared);
        if shared.recovery.count(thread, census) {
            let words = shared.recovery.last().map(Disturbed::words);
            shared.news.extend(words.map(|words| format!("the server was {words}")));
        }
    }

    /// What people should hear of since the last call.
    pub(super) fn take_news(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared).news)
    }

    /// Why there is no server any more, when there should be one.
    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.shared).failure.clone()
    }

    /// Ends the server, with what was done to it, and why it failed, if it did: in its end, too.
    pub(super) fn finish(mut self, orderly: bool) -> (Vec<Disturbed>, Option<String>) {
        self.end(if orderly { End::Orderly } else { End::Forced });
        let mut shared = lock(&self.shared);
        (std::mem::take(&mut shared.recovery).into_done(), shared.failure.take())
    }

    fn end(&mut self, end: End) {
        lock(&self.shared).end.get_or_insert(end);
        if let Some(thread) = self.thread.take() {
            // Its panic would have been printed; the server went with it.
            let _ = thread.join();
        }
    }
}

impl Drop for Keeper {
    /// Only reached with a server when the run failed.
    fn drop(&mut self) {
        self.end(End::Forced);
    }
}

fn target_of(server: &OwnServer) -> Target {
    Target { metrics: server.pid().map(|_| server.metrics_url()), pid: server.pid() }
}

/// The life of the thread.
fn keep(mut server: OwnServer, shared: &Mutex<Shared>) {
    let (mut start_us, mut schedule) = (0, Vec::new().into_iter().peekable());
    loop {
        let end = lock(shared).end;
        if let Some(end) = end {
            if end == End::Orderly && server.pid().is_some() && !server.stop().is_some_and(|status| status.success()) {
                fail(shared, STOPPED_BADLY.to_owned());
            }
            return;
        }
        if let Some((begin_us, moments)) = lock(shared).schedule.take() {
            (start_us, schedule) = (begin_us, moments.into_iter().peekable());
        }
        notice_end(&mut server, shared);
        let now_us = now_us();
        let due_us = schedule.peek().map_or(u64::MAX, |(moment, _)| start_us.saturating_add(moment.at_us));
        if due_us > now_us {
            std::thread::sleep(Duration::from_micros(due_us - now_us).min(SLEEP_MAX));
        } else if let Some((moment, action)) = schedule.next()
            && lock(shared).failure.is_none()
        {
            disturb(&mut server, action, moment.pause_us, shared);
        }
    }
}

fn notice_end(server: &mut OwnServer, shared: &Mutex<Shared>) {
    if let Some(status) = server.ended() {
        fail(shared, format!("the own server ended by itself ({status}){}", server.last_words()));
    }
}

fn fail(shared: &Mutex<Shared>, reason: String) {
    let mut shared = lock(shared);
    shared.target = Target::default();
    shared.failure.get_or_insert(reason);
}

/// Does one thing to the server, from its begin to the server's return.
fn disturb(server: &mut OwnServer, action: Action, pause_us: u64, shared: &Mutex<Shared>) {
    {
        let mut shared = lock(shared);
        shared.recovery.begin(action, now_us());
        shared.news.push(format!("the server is {}", action.words()));
        shared.target.metrics = None;
    }
    match action {
        Action::Kill => server.kill(),
        Action::Stop => server.signal(Signal::STOP),
        Action::Restart | Action::Drain => {
            if server.stop().is_none() {
                lock(shared).news.push("it did not end when asked to, and was killed".to_owned());
            }
        }
    }
    lock(shared).target.pid = server.pid();
    pause(pause_us, shared);
    if action == Action::Stop {
        server.signal(Signal::CONT);
    } else if let Err(error) = server.start_again() {
        return fail(shared, format!("{error:#}"));
    }
    let mut shared = lock(shared);
    shared.recovery.returned(now_us());
    shared.target = target_of(server);
}

/// Waits so long, or until the run is over.
fn pause(pause_us: u64, shared: &Mutex<Shared>) {
    let until_us = now_us().saturating_add(pause_us);
    while now_us() < until_us && lock(shared).end.is_none() {
        std::thread::sleep(Duration::from_micros(until_us.saturating_sub(now_us())).min(SLEEP_MAX));
    }
}
