//! The coordinator's end of a worker: connecting, the task, commands, reports, and its loss.
//!
//! A worker whose connection breaks or that is silent for [`Fleet::silence`] is lost: its threads owe their parts, and
//! nothing waits for it any more. Its clock is asked for once a second; see [`ClockOffset`].

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::channel::{ChannelError, Reading, Writing};
use super::clock_offset::ClockOffset;
use super::handshake::{HandshakeError, Keys, Patience, greet_worker};
use super::message::{Profile, Program, TO_COORDINATOR_BYTES_MAX, ToCoordinator, ToWorker, Welcome};
use super::secret::Token;
use super::task::{Command, Task};
use crate::clock::now_us;
use crate::engine::report::Report;

/// How long a worker may be silent before it is lost, unless told otherwise.
pub const SILENCE: Duration = Duration::from_secs(10);

/// How long connecting and the handshake may take.
pub(super) const GREETING_PATIENCE: Duration = Duration::from_secs(5);

/// How long somebody who was put off tries again: longer than a lockout.
const PUT_OFF_PATIENCE: Duration = Duration::from_secs(5);

/// How long it waits in between.
const PUT_OFF_PAUSE: Duration = Duration::from_millis(200);

/// How often a sign of life is sent.
const KEEPALIVE: Duration = Duration::from_secs(1);

/// Round trips before anything else, while both machines are quiet.
const FIRST_ROUND_TRIPS: usize = 16;

/// Commands that wait to be written; a run has three.
const ORDERS_MAX: usize = 16;

/// The workers that a run is spread over.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// Their addresses, `host:port`.
    pub addresses: Vec<String>,
    /// What all of them know.
    pub token: Token,
    /// Threads on each; `None`: what each offers.
    pub threads_each: Option<u32>,
    /// How long a worker may be silent before it is lost.
    pub silence: Duration,
}

impl Fleet {
    /// Connects to all of them at one time, and finds out how their clocks run.
    ///
    /// # Errors
    /// When any cannot be had; all of these are named.
    pub(super) fn connect(&self) -> anyhow::Result<Vec<Connected>> {
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let connecting: Vec<_> =
                self.addresses.iter().map(|address| scope.spawn(move || self.connect_to(address))).collect();
            let lost = |_| Err(anyhow::anyhow!("a thread of this program failed"));
            connecting.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect()
        });
        let failures: Vec<_> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(|error| format!("{error:#}")).collect();
        anyhow::ensure!(failures.is_empty(), "{}", failures.join("; "));
        Ok(outcomes.into_iter().flatten().collect())
    }

    fn connect_to(&self, address: &str) -> anyhow::Result<Connected> {
        let (stream, keys) = greet(address, &self.token).with_context(|| format!("worker {address}"))?;
        let connected = Connected::begin(address, &stream, &keys, self.silence);
        connected.with_context(|| format!("worker {address}"))
    }
}

/// A proven connection; who was put off by somebody else's failure tries again for a while.
fn greet(address: &str, token: &Token) -> anyhow::Result<(TcpStream, Keys)> {
    let until = Instant::now() + PUT_OFF_PATIENCE;
    loop {
        let stream = dial(address)?;
        match greet_worker(&mut Patience::new(&stream, GREETING_PATIENCE), token) {
            Ok(keys) => return Ok((stream, keys)),
            Err(HandshakeError::Later) if Instant::now() < until => std::thread::sleep(PUT_OFF_PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}

fn dial(address: &str) -> anyhow::Result<TcpStream> {
    let mut failure = None;
    for resolved in address.to_socket_addrs().context("write host:port, of a host that has an address")? {
        match TcpStream::connect_timeout(&resolved, GREETING_PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(error).context("nothing listens there: is `hubbub-load worker` running?")
        }
        Some(error) => Err(error).context("no connection"),
        None => anyhow::bail!("the host has no address"),
    }
}

/// A worker that stands ready.
pub(super) struct Connected {
    address: String,
    pub(super) profile: Profile,
    /// Where it was found.
    pub(super) ip: IpAddr,
    writing: Writing<TcpStream>,
    reading: Reading<TcpStream>,
    clock: ClockOffset,
}

impl Connected {
    fn begin(address: &str, stream: &TcpStream, keys: &Keys, silence: Duration) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(silence))?;
        stream.set_write_timeout(Some(silence))?;
        let mut writing = Writing::new(stream.try_clone()?, &keys.to_worker);
        let mut reading = Reading::new(stream.try_clone()?, &keys.to_coordinator, TO_COORDINATOR_BYTES_MAX);
        writing.send(&Program::this())?;
        let profile = match reading.receive()? {
            Welcome::Ready(profile) => profile,
            Welcome::Busy => anyhow::bail!("it is busy with another run"),
            Welcome::Other(theirs) => {
                let ours = Program::this();
                anyhow::bail!("it is hubbub-load {theirs}, and this is {ours}: all machines need the same program")
            }
        };
        let (address, ip, clock) = (address.to_owned(), stream.peer_addr()?.ip(), ClockOffset::default());
        let mut connected = Self { address, profile, ip, writing, reading, clock };
        for _ in 0..FIRST_ROUND_TRIPS {
            connected.ask_for_the_time()?;
        }
        Ok(connected)
    }

    fn ask_for_the_time(&mut self) -> Result<(), ChannelError> {
        self.writing.send(&ToWorker::Ping { sent_us: now_us() })?;
        loop {
            if let ToCoordinator::Pong { sent_us, at_us } = self.reading.receive()? {
                self.clock.add(sent_us, at_us, now_us());
                return Ok(());
            }
        }
    }

    /// Whether `server`, as we name it, is another machine's there.
    pub(super) fn takes_itself_for(&self, server: IpAddr) -> bool {
        server.is_loopback() && !self.ip.is_loopback()
    }

    /// Gives it its task; what its threads tell comes by `told`.
    pub(super) fn start(self, task: Task, processes: u32, told: Sender<Report>) -> Machine {
        let (orders, queue) = sync_channel(ORDERS_MAX);
        let shared = Arc::new(Shared { clock: Mutex::new(self.clock), rss_bytes: AtomicU64::new(0) });
        let mut ear = Ear {
            name: format!("worker {}", self.address),
            reading: self.reading,
            shared: Arc::clone(&shared),
            unfinished: task.shares.iter().map(|share| share.worker).collect(),
            told,
        };
        let machine =
            Machine { orders: Some(orders), shared, listening: Some(std::thread::spawn(move || ear.listen())) };
        let writing = self.writing;
        std::thread::spawn(move || give_orders(writing, &queue));
        machine.order(ToWorker::Task { task: Box::new(task), processes });
        machine
    }
}

/// A worker at work. When it is dropped, the worker is told that the run is over, and is waited for, so that it is free for
/// the next.
pub(super) struct Machine {
    orders: Option<SyncSender<ToWorker>>,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

/// What is known of a worker meanwhile.
struct Shared {
    clock: Mutex<ClockOffset>,
    rss_bytes: AtomicU64,
}

impl Shared {
    fn clock(&self) -> ClockOffset {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine {
    /// Tells it that the run is over.
    pub(super) fn end(&mut self) {
        drop(self.orders.take());
    }

    pub(super) fn command(&self, command: Command) {
        let command = match command {
            Command::Start { at_us } => Command::Start { at_us: self.shared.clock().theirs(at_us) },
            Command::Stop | Command::Abandon => command,
        };
        self.order(ToWorker::Command(command));
    }

    /// Resident memory of all its processes, when it has said so.
    pub(super) fn rss_bytes(&self) -> Option<u64> {
        Some(self.shared.rss_bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }

    /// How far from ours its clock may be beyond what is corrected.
    pub(super) fn clock_uncertainty_us(&self) -> Option<u64> {
        self.shared.clock().uncertainty_us(now_us())
    }

    fn order(&self, order: ToWorker) {
        if let Some(orders) = &self.orders {
            // The queue is full or gone only when the worker is lost, which is told elsewhere.
            let _ = orders.try_send(order);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
        if let Some(listening) = self.listening.take() {
            // It ends when the worker closes the connection, or is silent for too long.
            let _ = listening.join();
        }
    }
}

fn give_orders(mut writing: Writing<TcpStream>, queue: &Receiver<ToWorker>) {
    loop {
        let (order, is_last) = match queue.recv_timeout(KEEPALIVE) {
            Ok(order) => (order, false),
            Err(RecvTimeoutError::Timeout) => (ToWorker::Ping { sent_us: now_us() }, false),
            Err(RecvTimeoutError::Disconnected) => (ToWorker::End, true),
        };
        if writing.send(&order).is_err() {
            writing.shut_down();
            return;
        }
        if is_last {
            return;
        }
    }
}

/// The listening half.
struct Ear {
    name: String,
    reading: Reading<TcpStream>,
    shared: Arc<Shared>,
    unfinished: BTreeSet<u32>,
    told: Sender<Report>,
}

impl Ear {
    fn listen(&mut self) {
        let mine = self.unfinished.clone();
        let why = loop {
            match self.reading.receive() {
                Ok(ToCoordinator::Pong { sent_us, at_us }) => {
                    let mut clock = self.shared.clock.lock().unwrap_or_else(PoisonError::into_inner);
                    clock.add(sent_us, at_us, now_us());
                }
                Ok(ToCoordinator::Status { rss_bytes }) => self.shared.rss_bytes.store(rss_bytes, Ordering::Relaxed),
                Ok(ToCoordinator::Report(report)) if threads_of(&report).all(|thread| mine.contains(&thread)) => {
                    self.pass_on(report);
                }
                Ok(ToCoordinator::Report(_)) => break "it speaks for threads that are not its own".to_owned(),
                Err(error) => break error.to_string(),
            }
        };
        self.reading.shut_down();
        if !self.unfinished.is_empty() {
            let threads = std::mem::take(&mut self.unfinished).into_iter().collect();
            self.tell(Report::Lost { threads, reason: format!("{} was lost: {why}", self.name) });
        }
    }

    fn pass_on(&mut self, report: Report) {
        let report = match report {
            Report::Failed { reason } => Report::Failed { reason: format!("{}: {reason}", self.name) },
            Report::Lost { threads, reason } => {
                self.unfinished.retain(|thread| !threads.contains(thread));
                Report::Lost { threads, reason: format!("{}: {reason}", self.name) }
            }
            Report::Census { worker, synced, away, counted_us } => {
                Report::Census { worker, synced, away, counted_us: self.shared.clock().ours(counted_us) }
            }
            Report::Finished(part) if !self.unfinished.remove(&part.worker) => return,
            report => report,
        };
        self.tell(report);
    }

    fn tell(&self, report: Report) {
        // Nobody listens any more when the run is over.
        let _ = self.told.send(report);
    }
}

/// The threads that a report speaks for.
fn threads_of(report: &Report) -> impl Iterator<Item = u32> + '_ {
    let (one, many): (Option<u32>, &[u32]) = match report {
        Report::Setup(setup) => (Some(setup.worker), &[]),
        Report::Ready { worker } | Report::Census { worker, .. } => (Some(*worker), &[]),
        Report::Second(second) => (Some(second.worker), &[]),
        Report::Finished(part) => (Some(part.worker), &[]),
        Report::Lost { threads, .. } => (None, threads),
        Report::Full { .. } | Report::Failed { .. } => (None, &[]),
    };
    one.into_iter().chain(many.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::engine::plan::{Plan, Share};
    use crate::scenario::Scenario;
    use crate::workers::handshake::greet_coordinator;
    use crate::workers::message::TO_WORKER_BYTES_MAX;

    /// How far ahead the clock of the worker is.
    const SKEW_US: u64 = 3_600_000_000;

    fn token() -> Token {
        Token::new(b"a token for these tests").unwrap()
    }

    /// A worker with another clock, that does `play` once it has its task; with the commands that it got, by its clock.
    fn pretend(play: impl Fn(&mut Writing<TcpStream>) + Send + 'static) -> (Fleet, Receiver<Command>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = vec![listener.local_addr().unwrap().to_string()];
        let (told, commands) = channel();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let keys = greet_coordinator(&mut stream, &token(), || false).unwrap();
            let mut writing = Writing::new(stream.try_clone().unwrap(), &keys.to_coordinator);
            let mut reading = Reading::new(stream, &keys.to_worker, TO_WORKER_BYTES_MAX);
            let _: Program = reading.receive().unwrap();
            writing.send(&Welcome::Ready(Profile::default())).unwrap();
            loop {
                match reading.receive() {
                    Ok(ToWorker::Ping { sent_us }) => {
                        writing.send(&ToCoordinator::Pong { sent_us, at_us: now_us() + SKEW_US }).unwrap();
                    }
                    Ok(ToWorker::Task { .. }) => play(&mut writing),
                    Ok(ToWorker::Command(command)) => told.send(command).unwrap(),
                    Ok(ToWorker::End) | Err(_) => return,
                }
            }
        });
        (Fleet { addresses, token: token(), threads_each: None, silence: SILENCE }, commands)
    }

    fn start(fleet: &Fleet) -> (Machine, Receiver<Report>) {
        let connected = fleet.connect().unwrap().pop().unwrap();
        let scenario = Scenario::load("direct").unwrap();
        let plan = Plan::new(scenario, 1, 1, 1, "127.0.0.1:1".parse().unwrap());
        let shares = vec![Share { worker: 3, workers: 4, communities: 0..1 }];
        let (told, reports) = channel();
        (connected.start(Task { plan, shares, secret: vec![1].into() }, 1, told), reports)
    }

    #[test]
    fn another_machine_starts_at_our_instant_by_its_clock() {
        let (fleet, commands) = pretend(|_| {});
        let (machine, _reports) = start(&fleet);
        let at_us = now_us() + 1_000_000;
        machine.command(Command::Start { at_us });
        let Command::Start { at_us: theirs_us } = commands.recv().unwrap() else {
            panic!("the first command is the start");
        };
        let uncertainty_us = machine.clock_uncertainty_us().unwrap();
        assert!(theirs_us.abs_diff(at_us + SKEW_US) <= uncertainty_us, "{theirs_us} {at_us} {uncertainty_us}");
    }

    #[test]
    fn a_census_is_counted_by_our_clock() {
        let (fleet, _commands) = pretend(|writing| {
            let counted_us = now_us() + SKEW_US;
            writing.send(&ToCoordinator::Report(Report::Census { worker: 3, synced: 1, away: 0, counted_us })).unwrap();
        });
        let before_us = now_us();
        let (machine, reports) = start(&fleet);
        let Ok(Report::Census { counted_us, .. }) = reports.recv() else {
            panic!("the census comes first");
        };
        let slack_us = machine.clock_uncertainty_us().unwrap();
        assert!((before_us - slack_us..=now_us() + slack_us).contains(&counted_us));
    }

    #[test]
    fn a_worker_that_speaks_for_others_is_lost() {
        let (fleet, _commands) = pretend(|writing| {
            writing.send(&ToCoordinator::Report(Report::Ready { worker: 2 })).unwrap();
        });
        let (_machine, reports) = start(&fleet);
        let Ok(Report::Lost { threads, reason }) = reports.recv() else {
            panic!("nothing else is passed on");
        };
        assert!(threads == [3] && reason.contains(&fleet.addresses[0]) && reason.contains("not its own"), "{reason}");
    }
}
