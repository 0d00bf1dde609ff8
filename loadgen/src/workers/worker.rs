//! The listening end: a machine that lends itself to coordinators that have the token, one run at a time.
//!
//! Nothing that a peer does ends it: a run is in processes of its own, and an end of the connection, a silence or a broken
//! frame ends that run alone. Peers without a proof cost a few bytes each, [`PEERS_MAX`] at a time.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::channel::{ChannelError, Reading, Writing};
use super::children::Children;
use super::handshake::{HandshakeError, Keys, Patience, greet_coordinator};
use super::lockout::Lockouts;
use super::message::{Profile, Program, TO_WORKER_BYTES_MAX, ToCoordinator, ToWorker, Welcome};
use super::remote::GREETING_PATIENCE;
use super::secret::Token;
use super::split::Lot;
use super::task::Task;
use crate::clock::now_us;
use crate::engine::report::Report;
use crate::{host, run};

/// Most connections at a time; further ones are closed at once.
pub const PEERS_MAX: usize = 16;

/// Messages that wait to be written; beyond it, processes wait with their reports.
const QUEUE_MAX: usize = 64;

/// After a failure to accept: for want of descriptors it would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a machine lends itself.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// What coordinators must know.
    pub token: Token,
    /// Threads that it offers; `None`: one for each core.
    pub threads: Option<u32>,
    /// Processes; `None`: as many as the descriptors ask for.
    pub processes: Option<u32>,
    /// `hubbub-load`, to be started for each process.
    pub program: PathBuf,
    /// How long a coordinator may be silent before its run is ended.
    pub silence: Duration,
    /// Whether what happens is told on standard error.
    pub quiet: bool,
}

/// A machine that listens.
pub struct Worker {
    listener: TcpListener,
    desk: Arc<Desk>,
}

/// What all connections share.
struct Desk {
    config: WorkerConfig,
    lockouts: Mutex<Lockouts>,
    is_taken: AtomicBool,
    peers: AtomicUsize,
}

impl Worker {
    /// Listens on `address`.
    ///
    /// # Errors
    /// When it cannot.
    pub fn bind(address: &str, config: WorkerConfig) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).with_context(|| format!("{address} cannot be listened on"))?;
        let desk =
            Desk { config, lockouts: Mutex::default(), is_taken: AtomicBool::new(false), peers: AtomicUsize::new(0) };
        Ok(Self { listener, desk: Arc::new(desk) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        self.listener.local_addr().context("the address is not known")
    }

    /// Serves until the process ends.
    pub fn serve(&self) -> ! {
        loop {
            match self.listener.accept() {
                Ok((stream, peer)) => self.receive(stream, peer),
                Err(_) => std::thread::sleep(ACCEPT_PAUSE),
            }
        }
    }

    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(seat) = Seat::take(&self.desk) else {
            return;
        };
        let serving = std::thread::Builder::new().name("worker-peer".to_owned());
        // Without a thread the connection is closed, as one too many is.
        let _ = serving.spawn(move || seat.0.serve(&stream, peer));
    }
}

/// A place for one connection.
struct Seat(Arc<Desk>);

impl Seat {
    fn take(desk: &Arc<Desk>) -> Option<Self> {
        let seat = Self(Arc::clone(desk));
        // Given back by the drop, also when it was one too many.
        (desk.peers.fetch_add(1, Ordering::AcqRel) < PEERS_MAX).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.peers.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The machine, taken by one run.
struct Taken<'a>(&'a AtomicBool);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Desk {
    fn say(&self, words: &str) {
        if !self.config.quiet {
            eprintln!("{words}");
        }
    }

    fn serve(&self, stream: &TcpStream, peer: SocketAddr) {
        match self.greet(stream, peer) {
            Ok(keys) => {
                if let Err(error) = self.attend(stream, &keys, peer) {
                    self.say(&format!("{peer}: {error:#}"));
                }
            }
            // Who only knocks, or is put off, is not worth a line.
            Err(HandshakeError::Io(_) | HandshakeError::Later) => {}
            Err(error) => self.say(&format!("{peer} was refused: {error}")),
        }
    }

    fn greet(&self, stream: &TcpStream, peer: SocketAddr) -> Result<Keys, HandshakeError> {
        let lockouts = || self.lockouts.lock().unwrap_or_else(PoisonError::into_inner);
        let is_locked = || lockouts().is_locked(peer.ip(), Instant::now());
        let mut patience = Patience::new(stream, GREETING_PATIENCE);
        let outcome = greet_coordinator(&mut patience, &self.config.token, is_locked);
        if let Err(HandshakeError::Stranger | HandshakeError::WrongToken | HandshakeError::Silent) = outcome {
            lockouts().note_failure(peer.ip(), Instant::now());
        }
        outcome
    }

    /// Serves a coordinator that has proved itself.
    fn attend(&self, stream: &TcpStream, keys: &Keys, peer: SocketAddr) -> anyhow::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.config.silence))?;
        stream.set_write_timeout(Some(self.config.silence))?;
        let mut writing = Writing::new(stream.try_clone()?, &keys.to_coordinator);
        let mut reading = Reading::new(stream.try_clone()?, &keys.to_worker, TO_WORKER_BYTES_MAX);
        let (theirs, ours): (Program, _) = (reading.receive()?, Program::this());
        if theirs != ours {
            writing.send(&Welcome::Other(ours.clone()))?;
            anyhow::bail!("it is hubbub-load {theirs}, and this is {ours}: all machines need the same program");
        }
        let Some(taken) = self.take() else {
            writing.send(&Welcome::Busy)?;
            anyhow::bail!("turned away: another run is under way");
        };
        writing.send(&Welcome::Ready(self.profile()))?;
        self.say(&format!("{peer} takes this worker"));
        let end = self.conduct(reading, writing);
        // Free before the coordinator hears of it, so that its next run finds it so.
        drop(taken);
        // It may be broken already, which is as good.
        let _ = stream.shutdown(std::net::Shutdown::Both);
        self.say(&format!("{peer}: {}; ready for the next run", end_words(&end)));
        Ok(())
    }

    fn take(&self) -> Option<Taken<'_>> {
        let was_taken = self.is_taken.swap(true, Ordering::AcqRel);
        (!was_taken).then_some(Taken(&self.is_taken))
    }

    fn profile(&self) -> Profile {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.config.threads.unwrap_or_else(|| u32::try_from(cores).unwrap_or(u32::MAX));
        Profile::of_this_machine(threads, self.config.processes)
    }

    /// Does what the coordinator says until it ends the run or is gone; then nothing of the run is left.
    fn conduct(&self, mut reading: Reading<TcpStream>, writing: Writing<TcpStream>) -> Result<(), ChannelError> {
        let (outgoing, queue) = sync_channel(QUEUE_MAX);
        std::thread::spawn(move || write_all(writing, &queue));
        let mut children = None;
        loop {
            match reading.receive()? {
                ToWorker::Ping { sent_us } => answer_ping(&outgoing, sent_us, children.as_ref()),
                ToWorker::Task { task, processes } if children.is_none() => {
                    children = self.start(*task, processes, &outgoing);
                }
                ToWorker::Task { .. } => {}
                ToWorker::Command(command) => {
                    children.iter_mut().for_each(|children: &mut Children| children.command(command));
                }
                ToWorker::End => return Ok(()),
            }
        }
    }

    fn start(&self, task: Task, processes: u32, outgoing: &SyncSender<ToCoordinator>) -> Option<Children> {
        let lot = Lot { processes: processes.max(1), shares: task.shares.clone(), clients: Vec::new() };
        let shares = lot.by_process().into_iter().filter(|shares| !shares.is_empty());
        let tasks: Vec<_> = shares.map(|shares| Task { shares, ..task.clone() }).collect();
        self.say(&format!(
            "a run against {}: {} threads in {} processes",
            task.plan.server,
            task.shares.len(),
            tasks.len()
        ));
        let (told, reports) = channel();
        let started = run::reach(task.plan.server).and_then(|()| Children::start(&self.config.program, &tasks, &told));
        let passing_on = outgoing.clone();
        std::thread::spawn(move || pass_on(&reports, &passing_on));
        // The coordinator ends the run then.
        started.map_err(|error| told.send(Report::Failed { reason: format!("{error:#}") })).ok()
    }
}

fn end_words(end: &Result<(), ChannelError>) -> String {
    match end {
        Ok(()) => "the run is over".to_owned(),
        Err(error) => format!("the run is given up, as the coordinator is gone ({error})"),
    }
}

fn answer_ping(outgoing: &SyncSender<ToCoordinator>, sent_us: u64, children: Option<&Children>) {
    // When the queue is full, what waits in it is sign of life enough.
    let _ = outgoing.try_send(ToCoordinator::Pong { sent_us, at_us: now_us() });
    let own = host::process_rss_bytes(std::process::id()).unwrap_or_default();
    let rss_bytes = own + children.map_or(0, Children::rss_bytes);
    let _ = outgoing.try_send(ToCoordinator::Status { rss_bytes });
}

fn pass_on(reports: &Receiver<Report>, outgoing: &SyncSender<ToCoordinator>) {
    for report in reports {
        if outgoing.send(ToCoordinator::Report(report)).is_err() {
            return;
        }
    }
}

fn write_all(mut writing: Writing<TcpStream>, queue: &Receiver<ToCoordinator>) {
    for message in queue {
        if writing.send(&message).is_err() {
            // The reading half notices, and ends the run.
            writing.shut_down();
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::handshake::greet_worker;

    fn worker(token: &Token) -> SocketAddr {
        let config = WorkerConfig {
            token: token.clone(),
            threads: Some(1),
            processes: None,
            program: PathBuf::from("/bin/false"),
            silence: Duration::from_secs(10),
            quiet: true,
        };
        let worker = Worker::bind("127.0.0.1:0", config).unwrap();
        let address = worker.address().unwrap();
        std::thread::spawn(move || worker.serve());
        address
    }

    type Ends = (Writing<TcpStream>, Reading<TcpStream>);

    fn greet(address: SocketAddr, token: &Token, program: &Program) -> (Ends, Welcome) {
        let mut stream = TcpStream::connect(address).unwrap();
        let keys = greet_worker(&mut stream, token).unwrap();
        let mut writing = Writing::new(stream.try_clone().unwrap(), &keys.to_worker);
        let mut reading = Reading::new(stream, &keys.to_coordinator, 1 << 20);
        writing.send(program).unwrap();
        let welcome = reading.receive().unwrap();
        ((writing, reading), welcome)
    }

    #[test]
    fn another_program_is_told_which_one_this_is() {
        let token = Token::new(b"a token for these tests").unwrap();
        let address = worker(&token);
        let other = Program { sources: "of yesterday".into(), ..Program::this() };
        let (_, welcome) = greet(address, &token, &other);
        assert!(matches!(welcome, Welcome::Other(theirs) if theirs == Program::this()));
        let (_ends, welcome) = greet(address, &token, &Program::this());
        assert!(matches!(welcome, Welcome::Ready(profile) if profile.threads == 1));
    }

    #[test]
    fn a_worker_is_taken_by_one_and_given_back() {
        let token = Token::new(b"a token for these tests").unwrap();
        let address = worker(&token);
        let ((mut writing, mut reading), welcome) = greet(address, &token, &Program::this());
        assert!(matches!(welcome, Welcome::Ready(_)));
        assert!(matches!(greet(address, &token, &Program::this()).1, Welcome::Busy));
        writing.send(&ToWorker::Ping { sent_us: 7 }).unwrap();
        assert!(matches!(reading.receive(), Ok(ToCoordinator::Pong { sent_us: 7, .. })));
        writing.send(&ToWorker::End).unwrap();
        // It is free when the connection is over.
        while reading.receive::<ToCoordinator>().is_ok() {}
        assert!(matches!(greet(address, &token, &Program::this()).1, Welcome::Ready(_)));
    }
}
