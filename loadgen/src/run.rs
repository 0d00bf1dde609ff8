//! One run from start to end: connect, set up, traffic, drain, result.
//!
//! This side is never on the way of a message: it reads reports, samples the server, and shows progress.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context;

use crate::clock::{SECOND_US, now_us};
use crate::disturbance::Disturbed;
use crate::engine::plan::{Plan, Protocol};
use crate::engine::report::{Part, Report, Setup};
use crate::host;
use crate::progress::{Mode, Moment, Progress, Stage};
use crate::report::result::RunResult;
use crate::series::Series;
use crate::server_figures::{Probe, Sample};
use crate::workers::{Crew, Fleet, Workers};
use keeper::Keeper;
use recovery::Census;

mod certificate;
mod comebacks;
mod conclude;
mod keeper;
pub mod own_server;
mod recovery;

/// How long the server may take to accept the first connection.
const PREFLIGHT_TIMEOUT: Duration = Duration::from_secs(5);

/// Reports are waited for this long at a time.
const TICK: Duration = Duration::from_millis(50);

/// What a thread may take beyond the longest drain to hand in its part.
const GRACE_US: u64 = 10 * SECOND_US;

/// What a run is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// What happens.
    pub plan: Plan,
    /// Holds what tokens are signed with.
    pub secret_file: PathBuf,
    /// The server's metrics page; `None`: do not look.
    pub metrics: Option<String>,
    /// The server's process, when it is on this machine and its metrics do not name it.
    pub pid: Option<u32>,
    /// Generator threads.
    pub threads: u32,
    /// Generator processes; `None`: as many as the descriptors ask for.
    pub processes: Option<u32>,
    /// Workers on other machines, instead of threads and processes of this one.
    pub fleet: Option<Fleet>,
    /// How progress is shown.
    pub progress: Mode,
    /// Where it is shown to Prometheus, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
    /// A server to start, disturb as the scenario says, and end; then `plan.server`, `secret_file`, `metrics` and `pid`
    /// are its own.
    pub own_server: Option<own_server::Settings>,
}

impl Request {
    /// Asks for a quiet run by one thread that does not look at the server.
    #[must_use]
    pub fn new(plan: Plan, secret_file: PathBuf) -> Self {
        let (metrics, pid, processes, fleet, own_server) = (None, None, Some(1), None, None);
        let (progress, metrics_listen) = (Mode::Quiet, None);
        Self { plan, secret_file, metrics, pid, threads: 1, processes, fleet, progress, metrics_listen, own_server }
    }
}

/// Everything that was observed.
struct Observed {
    request: Request,
    threads: u32,
    processes: u32,
    crews: Vec<Crew>,
    parts: Vec<Part>,
    /// Threads that will never hand in their part, and why.
    lost: BTreeMap<u32, String>,
    series: Series,
    before: Sample,
    after_setup: Sample,
    steady_begin: Option<Sample>,
    steady_end: Option<Sample>,
    probe: Probe,
    ended_early: Option<String>,
    /// A ledger has no room for more.
    full: Option<String>,
    disturbances: Vec<Disturbed>,
    /// What was wrong with the own server.
    server_failure: Option<String>,
}

impl Observed {
    /// Threads whose part may still come.
    fn outstanding(&self) -> usize {
        (self.threads as usize).saturating_sub(self.parts.len() + self.lost.len())
    }
}

/// The moments of a run, in microseconds of its clock.
struct Times {
    start_us: u64,
    steady_us: u64,
    end_us: u64,
    deadline_us: u64,
    next_sample_us: u64,
    /// The traffic was ended before its time.
    is_over: bool,
}

impl Times {
    fn new(plan: &Plan, start_us: u64) -> Self {
        let end_us = start_us + plan.traffic_us();
        Self {
            start_us,
            steady_us: start_us + plan.ramp_us(),
            end_us,
            deadline_us: end_us + plan.settle_us() + plan.drain_us() + GRACE_US,
            next_sample_us: start_us,
            is_over: false,
        }
    }

    /// The traffic ends now.
    fn end_with(&mut self, now_us: u64, plan: &Plan) {
        self.is_over = true;
        self.end_us = self.end_us.min(now_us);
        self.deadline_us = self.deadline_us.min(now_us + plan.settle_us() + plan.drain_us() + GRACE_US);
    }
}

/// Runs to the end. `interrupts` counts requests to stop: the first ends the traffic, the second everything.
///
/// # Errors
/// When the server cannot be reached, refuses the logins, or the setup cannot be finished. A ledger that does not close is
/// no error: see `ledger.closed` in the result.
pub fn run(mut request: Request, interrupts: &Arc<AtomicU32>) -> anyhow::Result<RunResult> {
    let keeper = Keeper::start(&mut request)?;
    if request.fleet.is_none() {
        reach(request.plan.server)?;
    }
    let is_local = request.plan.server.ip().is_loopback();
    let pid = request.pid.or_else(|| listener(&request));
    let mut probe = Probe::new(request.metrics.clone(), pid, is_local);
    let before = look(&mut probe, keeper.as_ref());
    let clients = request.plan.scenario.clients;
    let mut progress = Progress::new(request.progress, interrupts);
    request.metrics_listen.map(|listen| progress.serve(listen)).transpose()?;
    let workers = match &request.fleet {
        Some(fleet) => Workers::connect(&request.plan, &request.secret_file, fleet)?,
        None => Workers::start(&request.plan, &request.secret_file, request.threads, request.processes)?,
    };
    for crew in workers.crews().iter().filter(|_| request.fleet.is_some()) {
        let (address, threads, processes) = (&crew.address, crew.threads.len(), crew.processes);
        match crew.clients() {
            0 => progress.say(&format!("{address} has nothing to do: the scenario cannot be divided further")),
            clients => progress.say(&format!("{address}: {clients} clients, {threads} threads, {processes} processes")),
        }
    }
    if request.fleet.is_none() && workers.processes > 1 {
        progress.say(&format!("{clients} clients are spread over {} processes of this program", workers.processes));
    }
    let mut run = Run { request, interrupts, workers, probe, progress, before, keeper };
    run.set_up()?;
    let observed = run.observe()?;
    Ok(conclude::conclude(observed))
}

/// The process of a broker that publishes no metrics of ours, when it is on this machine.
fn listener(request: &Request) -> Option<u32> {
    let is_foreign = request.plan.protocol != Protocol::Hubbub;
    is_foreign.then(|| host::listener_pid(request.plan.server)).flatten()
}

/// A plain connection to the server first: its failure is easier to understand than that of thousands.
///
/// # Errors
/// When it does not come about; says why.
pub(crate) fn reach(server: SocketAddr) -> anyhow::Result<()> {
    match TcpStream::connect_timeout(&server, PREFLIGHT_TIMEOUT) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Err(error)
            .with_context(|| format!("nothing listens on {server}: is the server running, and is --server right?")),
        Err(error) => Err(error).with_context(|| format!("no connection to {server}")),
    }
}

struct Run<'a> {
    request: Request,
    interrupts: &'a Arc<AtomicU32>,
    workers: Workers,
    probe: Probe,
    progress: Progress,
    before: Sample,
    keeper: Option<Keeper>,
}

impl Run<'_> {
    /// Waits until every thread is ready.
    fn set_up(&mut self) -> anyhow::Result<()> {
        let mut setups = vec![Setup::default(); self.workers.threads as usize];
        let mut ready = 0;
        while ready < self.workers.threads {
            anyhow::ensure!(self.interrupts.load(Ordering::Relaxed) == 0, "interrupted during the setup");
            if let Some(reason) = self.keeper.as_ref().and_then(Keeper::failure) {
                anyhow::bail!(reason);
            }
            match self.workers.next_report(TICK)? {
                Some(Report::Setup(setup)) => setups[setup.worker as usize] = setup,
                Some(Report::Ready { .. }) => ready += 1,
                Some(Report::Failed { reason } | Report::Lost { reason, .. }) => anyhow::bail!(reason),
                Some(Report::Second(_) | Report::Census { .. } | Report::Full { .. } | Report::Finished(_)) | None => {}
            }
            self.progress.show(&Moment { plan: &self.request.plan, stage: Stage::Setup(&setups) });
        }
        Ok(())
    }

    /// Starts the traffic and watches it to the end of the drain.
    fn observe(mut self) -> anyhow::Result<Observed> {
        let after_setup = self.look();
        let mut times = Times::new(&self.request.plan, now_us() + self.workers.start_delay_us());
        self.workers.start_at(times.start_us);
        if let Some(keeper) = &self.keeper {
            keeper.begin(&self.request.plan, times.start_us, self.workers.threads);
        }
        let mut observed = Observed {
            threads: self.workers.threads,
            processes: self.workers.processes,
            request: self.request.clone(),
            crews: Vec::new(),
            parts: Vec::new(),
            lost: BTreeMap::new(),
            series: Series::new(self.workers.threads, &self.request.plan),
            before: self.before.clone(),
            after_setup,
            steady_begin: None,
            steady_end: None,
            probe: self.probe.clone(),
            ended_early: None,
            full: None,
            disturbances: Vec::new(),
            server_failure: None,
        };
        while observed.outstanding() > 0 {
            if let Some(report) = self.workers.next_report(TICK)? {
                self.take_report(&mut observed, report);
            }
            self.tell_news();
            let now_us = now_us();
            self.sample(&mut observed, &mut times, now_us);
            let elapsed_us = now_us.saturating_sub(times.start_us);
            let stage = Stage::Traffic { series: &observed.series, elapsed_us };
            self.progress.show(&Moment { plan: &self.request.plan, stage });
            if self.ends_now(&mut observed, &mut times, now_us) {
                self.workers.abandon();
                self.take_what_is_left(&mut observed);
                break;
            }
        }
        observed.probe = self.probe.clone();
        if let Some(keeper) = self.keeper.take() {
            (observed.disturbances, observed.server_failure) =
                keeper.finish(self.interrupts.load(Ordering::Relaxed) < 2);
        }
        if observed.crews.is_empty() {
            observed.crews = self.workers.crews();
        }
        self.progress.finish();
        Ok(observed)
    }

    /// Looks at the server once a second, and at the begin and the end of the measured phase.
    fn sample(&mut self, observed: &mut Observed, times: &mut Times, now_us: u64) {
        if observed.steady_begin.is_none() && now_us >= times.steady_us {
            observed.steady_begin = Some(self.look());
        }
        if observed.steady_end.is_none() && now_us >= times.end_us {
            observed.steady_end = Some(self.look());
            observed.crews = self.workers.crews();
        }
        if now_us >= times.next_sample_us {
            let at_s = (now_us - times.start_us) as f64 / SECOND_US as f64;
            observed.series.add_sample(at_s, self.look());
            times.next_sample_us += SECOND_US;
        }
    }

    /// Passes interrupts on; true when nothing is to be waited for any more.
    fn ends_now(&mut self, observed: &mut Observed, times: &mut Times, now_us: u64) -> bool {
        let interrupts = self.interrupts.load(Ordering::Relaxed);
        let lost = observed.lost.values().next();
        let why = (interrupts > 0)
            .then(|| "interrupted".to_owned())
            .or_else(|| lost.cloned())
            .or_else(|| observed.full.clone());
        if let Some(why) = why.filter(|_| !times.is_over) {
            observed.ended_early.get_or_insert(why);
            // The measured phase ends here; who is still there closes its ledger.
            times.end_with(now_us, &self.request.plan);
            self.workers.stop();
        }
        let failure = self.keeper.as_ref().and_then(Keeper::failure);
        let server_lost = failure.is_some();
        if let Some(reason) = failure {
            observed.ended_early.get_or_insert(reason);
            times.end_us = times.end_us.min(now_us);
        }
        let late = now_us > times.deadline_us;
        if late {
            observed.ended_early.get_or_insert_with(|| "some generator threads did not end in time".to_owned());
        }
        interrupts > 1 || server_lost || late
    }

    /// After everything was abandoned: the parts of the threads that still answer.
    fn take_what_is_left(&mut self, observed: &mut Observed) {
        let until_us = now_us() + GRACE_US / 5;
        while observed.outstanding() > 0 && now_us() < until_us {
            match self.workers.next_report(TICK) {
                Ok(Some(report)) => self.take_report(observed, report),
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }

    fn take_report(&self, observed: &mut Observed, report: Report) {
        match report {
            Report::Second(second) => observed.series.add(&second),
            Report::Finished(part) => observed.parts.push(*part),
            Report::Lost { threads, reason } => {
                observed.lost.extend(threads.into_iter().map(|thread| (thread, reason.clone())));
                observed.series.expect(observed.threads - observed.lost.len() as u32);
            }
            // The ledger decides what it meant.
            Report::Failed { reason } => drop(observed.ended_early.get_or_insert(reason)),
            Report::Full { reason } => drop(observed.full.get_or_insert(reason)),
            Report::Census { worker, synced, away, counted_us } => {
                if let Some(keeper) = &self.keeper {
                    keeper.count(worker, Census { counted_us, synced, away });
                }
            }
            Report::Setup(_) | Report::Ready { .. } => {}
        }
    }

    /// Tells people what happens to the own server.
    fn tell_news(&mut self) {
        let news = self.keeper.as_ref().map(Keeper::take_news).unwrap_or_default();
        news.iter().for_each(|words| self.progress.say(words));
    }

    fn look(&mut self) -> Sample {
        look(&mut self.probe, self.keeper.as_ref())
    }
}

/// Looks at the server; the own one may be another process than the last time.
fn look(probe: &mut Probe, keeper: Option<&Keeper>) -> Sample {
    if let Some(keeper) = keeper {
        let keeper::Target { metrics, pid } = keeper.target();
        probe.follow(metrics, pid);
    }
    probe.sample()
}
