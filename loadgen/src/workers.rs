//! The generator's threads, wherever they are: in this process, in children of it, or on other machines. A community, and
//! so a conversation, is always within one thread, so the split changes nothing that is sent.
//!
//! | file | owns |
//! |---|---|
//! | `split` | who drives which communities |
//! | `task` | what a process or a machine is told |
//! | `local` | threads of this process |
//! | `children` | processes of this machine, both ends |
//! | `remote` | the coordinator's end of a worker on another machine |
//! | `worker` | the worker's end |
//! | `message` | what these two say to each other |
//! | `handshake`, `channel` | that they are who they say, and that nobody else can read or change it |
//! | `lockout` | addresses that have just failed at that |
//! | `clock_offset` | how far apart two machines' clocks are |
//! | `secret` | secrets, and that they are not shown |

mod channel;
mod children;
mod clock_offset;
mod handshake;
mod local;
mod lockout;
mod message;
mod remote;
pub mod secret;
mod split;
mod task;
mod worker;

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;

pub use children::serve_parent;
pub use message::Profile;
pub use remote::{Fleet, SILENCE};
pub use split::{DESCRIPTORS_SPARE, processes_needed};
pub use worker::{PEERS_MAX, Worker, WorkerConfig};

use self::children::Children;
use self::local::Threads;
use self::remote::Machine;
use self::secret::Secret;
use self::split::{Lot, Offer, split};
use self::task::{Command, Task};
use crate::engine::plan::Plan;
use crate::engine::report::Report;
use crate::host;
use crate::population::communities;

/// What this machine is called in a result, when the run is not spread over workers.
pub const HERE: &str = "here";

/// From "everything stands" to the first send, in microseconds: time for all processes of this machine to hear of it.
const START_DELAY_HERE_US: u64 = 300_000;

/// The same for other machines.
const START_DELAY_ELSEWHERE_US: u64 = 1_000_000;

/// All threads of a run.
pub struct Workers {
    reports: Receiver<Report>,
    home: Home,
    crews: Vec<Crew>,
    /// How many threads there are.
    pub threads: u32,
    /// In how many processes.
    pub processes: u32,
}

enum Home {
    Here(Threads),
    Children(Children),
    Machines(Vec<Machine>),
}

/// The threads of one machine.
#[derive(Debug, Clone)]
pub struct Crew {
    /// Its address, or [`HERE`].
    pub address: String,
    /// The machine.
    pub profile: Profile,
    /// Processes there.
    pub processes: u32,
    /// Its threads by their numbers, each with how many clients it has.
    pub threads: Vec<(u32, u32)>,
    /// Resident memory of all its processes, in bytes, as it was last said.
    pub rss_bytes: Option<u64>,
    /// How far its clock may be from the coordinator's, beyond what was corrected, in microseconds; 0 on the same machine.
    pub clock_uncertainty_us: Option<u64>,
}

impl Crew {
    fn new(address: &str, profile: Profile, lot: &Lot) -> Self {
        let numbers = lot.shares.iter().map(|share| share.worker);
        Self {
            address: address.to_owned(),
            profile,
            processes: lot.processes,
            threads: numbers.zip(lot.clients.iter().copied()).collect(),
            rss_bytes: None,
            clock_uncertainty_us: None,
        }
    }

    /// Its clients.
    #[must_use]
    pub fn clients(&self) -> u32 {
        self.threads.iter().map(|(_, clients)| clients).sum()
    }
}

impl Workers {
    /// Starts about `threads` threads on this machine: in this process, or in as many children as `processes` says or the
    /// descriptors ask for.
    ///
    /// # Errors
    /// When the secret cannot be read or a child cannot be started.
    pub fn start(plan: &Plan, secret_file: &Path, threads: u32, processes: Option<u32>) -> anyhow::Result<Self> {
        let processes = plan.processes(processes);
        let profile = Profile::of_this_machine(threads, processes);
        let offer = Offer { threads, processes, descriptors_max: profile.descriptors_max };
        let lot = split(&communities(&plan.scenario), &[offer]).pop().unwrap_or_default();
        let crews = vec![Crew::new(HERE, profile, &lot)];
        let task = Task { plan: plan.clone(), shares: lot.shares.clone(), secret: Secret::read(secret_file)? };
        let (told, reports) = channel();
        let home = if lot.processes == 1 {
            Home::Here(Threads::start(task, &told))
        } else {
            let tasks: Vec<_> = lot.by_process().into_iter().map(|shares| Task { shares, ..task.clone() }).collect();
            let program = std::env::current_exe().context("this program's own path is not known")?;
            Home::Children(Children::start(&program, &tasks, &told)?)
        };
        Ok(Self { reports, home, crews, threads: lot.shares.len() as u32, processes: lot.processes })
    }

    /// Spreads the population over workers on other machines.
    ///
    /// # Errors
    /// When the secret cannot be read, any worker cannot be had, or one of them would look for the server on itself.
    pub fn connect(plan: &Plan, secret_file: &Path, fleet: &Fleet) -> anyhow::Result<Self> {
        let secret = Secret::read(secret_file)?;
        let connected = fleet.connect()?;
        for (worker, address) in connected.iter().zip(&fleet.addresses) {
            anyhow::ensure!(
                !worker.takes_itself_for(plan.server.ip()),
                "worker {address} would look for the server on itself: give an address to --server that it can reach"
            );
        }
        let offers: Vec<_> = connected
            .iter()
            .map(|worker| Offer {
                threads: fleet.threads_each.unwrap_or(worker.profile.threads),
                processes: plan.processes(worker.profile.processes),
                descriptors_max: worker.profile.descriptors_max,
            })
            .collect();
        let lots = split(&communities(&plan.scenario), &offers);
        let (told, reports) = channel();
        let (mut machines, mut crews) = (Vec::new(), Vec::new());
        for ((worker, lot), address) in connected.into_iter().zip(&lots).zip(&fleet.addresses) {
            crews.push(Crew::new(address, worker.profile.clone(), lot));
            let task = Task { plan: plan.clone(), shares: lot.shares.clone(), secret: secret.clone() };
            machines.push(worker.start(task, lot.processes, told.clone()));
        }
        Ok(Self {
            reports,
            home: Home::Machines(machines),
            crews,
            threads: lots.iter().map(|lot| lot.shares.len() as u32).sum(),
            processes: lots.iter().map(|lot| lot.processes).sum(),
        })
    }

    /// The next report, if one comes in time.
    ///
    /// # Errors
    /// When all threads are gone without a word.
    pub fn next_report(&self, timeout: Duration) -> anyhow::Result<Option<Report>> {
        match self.reports.recv_timeout(timeout) {
            Ok(report) => Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("all generator threads are gone"),
        }
    }

    /// How long it takes until everybody has heard when the traffic starts, in microseconds.
    #[must_use]
    pub fn start_delay_us(&self) -> u64 {
        match self.home {
            Home::Here(_) | Home::Children(_) => START_DELAY_HERE_US,
            Home::Machines(_) => START_DELAY_ELSEWHERE_US,
        }
    }

    /// Sets the start of the traffic, by this machine's clock.
    pub fn start_at(&mut self, at_us: u64) {
        self.command(Command::Start { at_us });
    }

    /// Ends the traffic; the drain follows.
    pub fn stop(&mut self) {
        self.command(Command::Stop);
    }

    /// Ends everything.
    pub fn abandon(&mut self) {
        self.command(Command::Abandon);
    }

    /// All machines with their threads, and their memory and clocks as they are known now.
    #[must_use]
    pub fn crews(&self) -> Vec<Crew> {
        let mut crews = self.crews.clone();
        match &self.home {
            Home::Machines(machines) => {
                for (crew, machine) in crews.iter_mut().zip(machines) {
                    crew.rss_bytes = machine.rss_bytes();
                    crew.clock_uncertainty_us = machine.clock_uncertainty_us();
                }
            }
            Home::Here(_) | Home::Children(_) => {
                let children = if let Home::Children(children) = &self.home { children.rss_bytes() } else { 0 };
                for crew in &mut crews {
                    crew.rss_bytes = host::process_rss_bytes(std::process::id()).map(|own| own + children);
                    crew.clock_uncertainty_us = Some(0);
                }
            }
        }
        crews
    }

    fn command(&mut self, command: Command) {
        match &mut self.home {
            Home::Here(threads) => threads.command(command),
            Home::Children(children) => children.command(command),
            Home::Machines(machines) => machines.iter().for_each(|machine| machine.command(command)),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Home::Machines(machines) = &mut self.home {
            // All of them end at one time; each is waited for when it is dropped.
            machines.iter_mut().for_each(Machine::end);
        }
    }
}
