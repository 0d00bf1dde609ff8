//! One thread of the engine: its state, its turns, and the phases of a run.
//!
//! Everything happens in a turn of this loop or in a client's task, and never at the same time. A turn fires what is due
//! and writes what came of it; then the thread sleeps until the next is due, but at least [`TURN_SPACING_US`], so that
//! many sends share one wake-up.

use std::cell::RefCell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use anyhow::Context;
use bytes::BytesMut;
use hubbub_codec::ids::Conversation as ConversationName;
use hubbub_codec::line::Line;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::Control;
use super::client::{Client, Link};
use super::comeback::StormWatch;
use super::connect::{self, Pacer};
use super::drain::Drain;
use super::events::PUT_OFF;
use super::meters::Meters;
use super::plan::{Plan, Share};
use super::presence::Watching;
use super::report::{Part, Report};
use super::route::Routes;
use super::setup::{self, Setup};
use super::standing::Standing;
use super::timers::{Alarm, Due, Timers};
use super::traffic::Traffic;
use super::trunks::{self, Trunks};
use super::wire::{Flushed, OpenLine};
use crate::clock::{SECOND_US, as_duration, now_us};
use crate::ledger::book::Book;
use crate::population::{ConversationKey, Devices, Kind};

/// The least time between two turns. It is part of every schedule slip.
pub(super) const TURN_SPACING_US: u64 = 200;

/// The longest sleep; how late a thread may notice that something became due earlier.
pub(super) const SLEEP_MAX_US: u64 = 10_000;

/// Room for one read.
pub(super) const READ_BYTES: usize = 64 * 1024;

/// A conversation of this thread.
pub(super) struct Conversation {
    pub(super) key: ConversationKey,
    pub(super) kind: Kind,
    /// Clients of this thread by index.
    pub(super) members: Box<[u32]>,
    /// How many users the server counts in it.
    pub(super) size: u32,
    /// Groups until they are made: those users, by number.
    pub(super) users: Box<[u32]>,
    /// As the server knows it.
    pub(super) name: Option<ConversationName>,
    /// `None` until everybody stands ready in it.
    pub(super) ledger: Option<Book>,
}

/// What the thread is at.
pub(super) enum Phase {
    Setup(Setup),
    Ready,
    Traffic { end_us: u64, steady: Steadiness },
    Drain(Drain),
    Done,
}

/// How far the measured phase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steadiness {
    Ramp { until_us: u64 },
    Measured,
}

/// The state of a thread.
pub(super) struct Thread {
    pub(super) this: Weak<RefCell<Thread>>,
    pub(super) plan: Arc<Plan>,
    pub(super) share: Share,
    pub(super) control: Arc<Control>,
    pub(super) reports: Sender<Report>,
    pub(super) first_client: u32,
    pub(super) devices: Devices,
    pub(super) clients: Vec<Client>,
    pub(super) conversations: Vec<Conversation>,
    pub(super) timers: Timers,
    pub(super) traffic: Traffic,
    /// Who watches whom; `None` when nobody does.
    pub(super) watching: Option<Box<Watching>>,
    /// Whom the storm does not touch; `None` without one.
    pub(super) storm: Option<StormWatch>,
    pub(super) pacer: Rc<Pacer>,
    /// The ways to the server.
    pub(super) routes: Routes,
    /// What carries the clients, unless each has a connection of its own.
    pub(super) trunks: Option<Trunks>,
    pub(super) standing: Standing,
    pub(super) meters: Meters,
    /// When the traffic began; 0 before.
    pub(super) start_us: u64,
    next_second_us: u64,
    pub(super) next_census_us: u64,
    phase: Phase,
    pub(super) buffer: BytesMut,
    /// Frames that lay within TLS or WebSocket.
    frames: BytesMut,
    /// Clients with something to write at the end of the turn.
    pub(super) touched: Vec<u32>,
}

/// Starts a thread; it tells everything by `reports`. `secret` is what tokens are signed with.
///
/// # Panics
/// When the system gives no thread.
pub fn spawn(plan: Arc<Plan>, share: Share, secret: Arc<[u8]>, control: Arc<Control>, reports: Sender<Report>) {
    let name = format!("load-{}", share.worker);
    let run = move || {
        let (told, number) = (reports.clone(), share.worker);
        let ended = catch_unwind(AssertUnwindSafe(|| run_to_end(plan, share, &secret, control, reports)));
        let why = match ended {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "it panicked".to_owned(),
        };
        // Nobody listens any more when the run has failed elsewhere.
        let _ = told.send(Report::Lost { threads: vec![number], reason: format!("generator thread {number}: {why}") });
    };
    std::thread::Builder::new().name(name).spawn(run).expect("a thread can be started");
}

fn run_to_end(
    plan: Arc<Plan>,
    share: Share,
    secret: &[u8],
    control: Arc<Control>,
    reports: Sender<Report>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let thread = setup::build(plan, share, secret, control, reports)?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, drive(thread))
}

async fn drive(thread: Rc<RefCell<Thread>>) -> anyhow::Result<()> {
    let alarm = Alarm::new().context("no timer descriptor")?;
    thread.borrow_mut().this = Rc::downgrade(&thread);
    let pacer = Rc::clone(&thread.borrow().pacer);
    if thread.borrow().trunks.is_some() {
        tokio::task::spawn_local(trunks::live(Rc::clone(&thread), 0));
    } else {
        for index in 0..thread.borrow().clients.len() as u32 {
            tokio::task::spawn_local(connect::live(Rc::clone(&thread), index, Rc::clone(&pacer)));
        }
    }
    loop {
        let next_us = thread.borrow_mut().turn(now_us());
        match next_us {
            Some(next_us) => {
                alarm.sleep_until(next_us).await.context("the timer descriptor fails")?;
                thread.borrow_mut().meters.note_turn(next_us, now_us());
            }
            None => return Ok(()),
        }
    }
}

impl Thread {
    pub(super) fn new(
        plan: Arc<Plan>,
        share: Share,
        control: Arc<Control>,
        reports: Sender<Report>,
        first_client: u32,
        clients: Vec<Client>,
        conversations: Vec<Conversation>,
    ) -> Self {
        let traffic = Traffic::new(&plan, first_client, &clients, &conversations);
        let pacer = Rc::new(pacer(&plan, &share));
        let trunks = Trunks::of(&plan, &share, clients.len() as u32);
        let setup = Setup::new(&conversations, now_us());
        let room = plan.room(share.workers);
        Self {
            this: Weak::new(),
            devices: Devices::of(&plan.scenario),
            storm: None,
            watching: None,
            pacer,
            routes: Routes::default(),
            trunks,
            standing: Standing::default(),
            plan,
            share,
            control,
            reports,
            first_client,
            clients,
            conversations,
            timers: Timers::default(),
            traffic,
            meters: Meters::new(room),
            start_us: 0,
            next_second_us: u64::MAX,
            next_census_us: 0,
            phase: Phase::Setup(setup),
            buffer: BytesMut::new(),
            frames: BytesMut::new(),
            touched: Vec::new(),
        }
    }

    /// One turn; returns when the next is due, `None` at the end.
    fn turn(&mut self, now_us: u64) -> Option<u64> {
        self.advance(now_us);
        self.fire_due(now_us);
        self.flush_touched(now_us);
        self.go_on_with_trunks(now_us);
        if now_us >= self.next_second_us {
            self.report_second(now_us);
        }
        self.tell_census(now_us);
        if matches!(self.phase, Phase::Done) {
            return None;
        }
        let next_us = self.timers.next_us().unwrap_or(u64::MAX).min(self.next_channel_us().unwrap_or(u64::MAX));
        Some(next_us.clamp(now_us + TURN_SPACING_US, now_us + SLEEP_MAX_US))
    }

    /// Goes on to the next phase when it is time.
    fn advance(&mut self, now_us: u64) {
        let phase = std::mem::replace(&mut self.phase, Phase::Done);
        self.phase = match phase {
            _ if self.control.is_abandoned() => self.finish(now_us),
            Phase::Setup(setup) => self.go_on_with_setup(setup, now_us),
            Phase::Ready => self.start_when_told(now_us),
            Phase::Traffic { end_us, steady } => self.go_on_with_traffic(end_us, steady, now_us),
            Phase::Drain(drain) => match self.go_on_with_drain(drain, now_us) {
                Some(drain) => Phase::Drain(drain),
                None => self.finish(now_us),
            },
            Phase::Done => Phase::Done,
        };
    }

    fn start_when_told(&mut self, now_us: u64) -> Phase {
        let Some(start_us) = self.control.start().filter(|start_us| now_us + SLEEP_MAX_US >= *start_us) else {
            return Phase::Ready;
        };
        let (steady_us, end_us) = (start_us + self.plan.ramp_us(), start_us + self.plan.traffic_us());
        self.start_us = start_us;
        self.next_second_us = start_us + SECOND_US;
        self.meters.set_window(steady_us, end_us);
        self.begin_traffic(start_us);
        self.begin_comebacks(steady_us);
        Phase::Traffic { end_us, steady: Steadiness::Ramp { until_us: steady_us } }
    }

    fn go_on_with_traffic(&mut self, end_us: u64, steady: Steadiness, now_us: u64) -> Phase {
        let steady = match steady {
            Steadiness::Ramp { until_us } if now_us >= until_us => {
                self.meters.begin_steady(now_us);
                Steadiness::Measured
            }
            steady => steady,
        };
        let full = self.meters.account.room.is_full();
        if full {
            self.tell_full();
        } else if now_us < end_us && !self.control.is_stopped() {
            return Phase::Traffic { end_us, steady };
        }
        if !full && !self.control.is_stopped() {
            // What was due before the end is sent, however late this turn comes: else the schedule would bend to it.
            self.fire_due(now_us);
        }
        self.meters.end_steady(now_us);
        self.traffic.stop();
        self.end_comings(now_us);
        Phase::Drain(Drain::new(now_us, &self.plan))
    }

    fn finish(&mut self, now_us: u64) -> Phase {
        self.report_second(now_us);
        let mut part = Part { worker: self.share.worker, ..Part::default() };
        self.close_ledgers();
        self.end_sessions(now_us);
        self.clients.iter().for_each(|client| part.sessions.add(&client.sessions()));
        part.unsettled_most = self.meters.account.room.most();
        part.account = std::mem::take(&mut self.meters.account);
        part.latencies = std::mem::take(&mut self.meters.latencies);
        part.errors = std::mem::take(&mut self.meters.errors);
        part.not_driven = std::mem::take(&mut self.meters.not_driven);
        part.counts = self.meters.counts;
        part.presence = self.watching.as_ref().map(|watching| watching.check);
        part.steady = self.meters.steady;
        part.drained_us = now_us.saturating_sub(self.start_us + self.plan.traffic_us());
        self.tell(Report::Finished(Box::new(part)));
        Phase::Done
    }

    /// What a server keeps for these sessions alone may go; nobody waits for it.
    fn end_sessions(&mut self, now_us: u64) {
        for client in &mut self.clients {
            client.session.end(as_duration(now_us));
            client.flush();
        }
    }

    fn fire_due(&mut self, now_us: u64) {
        while let Some((at_us, due)) = self.timers.take(now_us) {
            self.fire(at_us, due, now_us);
        }
    }

    fn fire(&mut self, at_us: u64, due: Due, now_us: u64) {
        match due {
            Due::Session(index) => self.fire_session(index, at_us, now_us),
            Due::Connect(index) => self.await_channel(index),
            Due::Direct(index) => self.fire_direct(index, now_us),
            Due::Group(index) => self.fire_group(index, now_us),
            Due::Churn(index) => self.fire_churn(index, now_us),
            Due::Read(index) => self.fire_read(index, now_us),
            Due::TypingDirect(index) => self.fire_typing_direct(index, at_us, now_us),
            Due::TypingGroup(at) => self.fire_typing_group(at, at_us, now_us),
            Due::Storm => self.fire_storm(at_us),
        }
    }

    fn fire_session(&mut self, index: u32, at_us: u64, now_us: u64) {
        let client = &mut self.clients[index as usize];
        if client.timer_us != at_us {
            return;
        }
        client.timer_us = u64::MAX;
        if client.session.poll_timeout().is_some_and(|at| at <= as_duration(now_us)) {
            client.session.handle_timeout(as_duration(now_us));
        }
        self.touched.push(index);
    }

    fn flush_touched(&mut self, now_us: u64) {
        let mut touched = std::mem::take(&mut self.touched);
        for index in touched.drain(..) {
            self.settle(index, now_us);
        }
        // What these caused (a closed loop answers at once) was written with them.
        self.touched = touched;
    }

    /// After anything was done to a session: its events, its bytes, its timer, its end.
    pub(super) fn settle(&mut self, index: u32, now_us: u64) {
        for _ in 0..self.clients[index as usize].note_repeats() {
            self.meters.note_error(PUT_OFF);
        }
        while let Some(event) = self.clients[index as usize].session.poll_event() {
            self.handle_event(index, event, now_us);
        }
        self.flush(index);
        let client = &mut self.clients[index as usize];
        if let Some(at) = client.session.poll_timeout() {
            let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
            if at_us < client.timer_us {
                client.timer_us = at_us;
                self.timers.add(at_us, Due::Session(index));
            }
        }
        if client.session.should_close() {
            client.wire.shut_down();
        }
    }

    fn flush(&mut self, index: u32) {
        let client = &mut self.clients[index as usize];
        if client.wire.awaits_writable || client.flush() != Flushed::Blocked {
            return;
        }
        if let (Some(stream), Some(this)) = (client.wire.stream().cloned(), self.this.upgrade()) {
            client.wire.awaits_writable = true;
            tokio::task::spawn_local(connect::write_on(this, index, stream));
        }
    }

    fn report_second(&mut self, now_us: u64) {
        if self.start_us == 0 || now_us <= self.start_us {
            return;
        }
        // A second is named by its begin; a late turn may close more than one.
        let elapsed_us = self.next_second_us.min(now_us).saturating_sub(self.start_us + 1);
        let mut second = self.meters.take_second(self.share.worker, elapsed_us, self.standing.logged_in);
        second.synced = self.standing.synced;
        while self.next_second_us <= now_us {
            self.next_second_us += SECOND_US;
        }
        self.tell(Report::Second(Box::new(second)));
    }

    /// A report that nobody takes any more is of no use to anybody.
    pub(super) fn tell(&self, report: Report) {
        let _ = self.reports.send(report);
    }

    /// The number of a client over the whole run.
    pub(super) fn client_number(&self, index: u32) -> u32 {
        self.first_client + index
    }

    /// The user of a client, as the server knows it.
    pub(super) fn user_id(&self, index: u32) -> u64 {
        self.plan.first_user + u64::from(self.devices.user_of(self.client_number(index)))
    }

    pub(super) fn addresses(&self, index: u32) -> (SocketAddr, Option<IpAddr>) {
        let client = self.client_number(index);
        let server = self.routes.address(client).unwrap_or(self.plan.server);
        (server, connect::source_address(server, client))
    }

    /// What lies between a client's next socket and its session.
    pub(super) fn line(&self, index: u32) -> Option<io::Result<Box<Line>>> {
        self.routes.line(self.client_number(index))
    }

    pub(super) fn connect_at_us(&self, index: u32) -> Option<u64> {
        self.clients[index as usize].connect_at_us()
    }

    pub(super) fn begin_connecting(&mut self, index: u32) {
        self.clients[index as usize].connecting_since_us = now_us();
    }

    pub(super) fn handle_connected(
        &mut self,
        index: u32,
        stream: Rc<TcpStream>,
        line: Option<OpenLine>,
        permit: OwnedSemaphorePermit,
    ) {
        let now_us = now_us();
        let client = &mut self.clients[index as usize];
        client.permit = Some(permit);
        client.connected(stream, line, now_us);
        self.settle(index, now_us);
    }

    pub(super) fn handle_connect_error(&mut self, index: u32, error: &std::io::Error) {
        self.meters.counts.connect_errors += 1;
        self.meters.counts.own_limits += u64::from(connect::is_own_limit(error));
        self.meters.note_error(format!("connect: {error}"));
        let now_us = now_us();
        self.stand(index, Link::Down);
        self.clients[index as usize].disconnected(now_us);
        self.settle(index, now_us);
        self.await_channel(index);
    }

    pub(super) fn handle_disconnected(&mut self, index: u32, why: &str) {
        let now_us = now_us();
        let client = &mut self.clients[index as usize];
        let wanted = client.is_away() || client.asking || client.comeback.is_some();
        if client.link >= Link::LoggedIn {
            self.note_gone(index, now_us);
        }
        self.stand(index, Link::Down);
        self.clients[index as usize].disconnected(now_us);
        if !wanted {
            self.meters.counts.disconnects += 1;
            self.meters.note_error(format!("disconnected: {why}"));
        }
        self.settle(index, now_us);
        self.await_channel(index);
    }

    pub(super) fn handle_readable(&mut self, index: u32, stream: &TcpStream) -> Result<bool, String> {
        let now_us = now_us();
        let outcome = self.clients[index as usize].read(stream, &mut self.buffer, &mut self.frames, now_us);
        self.settle(index, now_us);
        outcome
    }

    pub(super) fn handle_writable(&mut self, index: u32) {
        self.clients[index as usize].wire.awaits_writable = false;
        self.flush(index);
    }
}

fn pacer(plan: &Plan, share: &Share) -> Pacer {
    let connect = &plan.scenario.connect;
    let workers = share.workers.max(1);
    Pacer::new(connect.logins_per_second / f64::from(workers), connect.in_progress_max.div_ceil(workers))
}
