//! The command line. What it says goes on top of the scenario; what it leaves out stays as the scenario has it.

use std::hash::{BuildHasher, RandomState};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::engine::plan::Plan;
use crate::run::Request;
use crate::scenario::{Arrivals, Scenario};
use crate::server_figures::METRICS_DEFAULT;

/// First user ids are drawn up to here, so that runs on one store do not meet, and ids stay exact in JSON.
const FIRST_USER_MAX: u64 = 1 << 50;

/// Load for a Hubbub server, with a ledger of every message and a report that says whether it may be believed.
#[derive(Debug, Parser)]
#[command(name = "hubbub-load", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Exit codes of `run`:
  0  the ledger closed: every accepted message reached every recipient, once, whole, in order
  1  it did not close: the run has no performance result
  2  wrong usage, no connection, logins refused, or the setup failed

Start with:
  hubbub-load scenarios
  hubbub-load run direct --server 127.0.0.1:7400 --secret-file hubbub-data/token-secret";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario against a server.
    Run(Box<RunArgs>),
    /// List the built-in scenarios, or print one to start your own from.
    Scenarios {
        /// What about them.
        #[command(subcommand)]
        command: Option<ScenariosCommand>,
    },
    /// A part of a run in a process of its own; `run` starts these itself.
    #[command(hide = true)]
    WorkerProcess,
}

/// What about scenarios.
#[derive(Debug, Subcommand)]
pub enum ScenariosCommand {
    /// One line for each.
    List,
    /// The whole file, comments included.
    Show {
        /// As listed.
        name: String,
    },
}

/// How to run.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    /// A built-in scenario (idle, direct, group, mixed) or the path of a TOML file.
    pub scenario: String,

    /// The server's address for clients.
    #[arg(long, default_value = "127.0.0.1:7400", value_name = "HOST:PORT")]
    pub server: String,

    /// The file that holds the server's token secret; tokens are signed with it (HS256).
    #[arg(long, default_value = "hubbub-data/token-secret", value_name = "FILE")]
    pub secret_file: PathBuf,

    /// Clients: users with one device and one connection each.
    #[arg(long, short = 'n', value_name = "N")]
    pub clients: Option<u32>,

    /// The measured phase, such as `20s`, `1.5m`, `500ms`.
    #[arg(long, short = 'd', value_parser = parse_seconds, value_name = "TIME")]
    pub duration: Option<f64>,

    /// Before the measured phase: the rate rises from 0 to its full value. Not measured.
    #[arg(long, alias = "warmup", value_parser = parse_seconds, value_name = "TIME")]
    pub ramp: Option<f64>,

    /// After it: the longest wait for the ledger to close.
    #[arg(long, value_parser = parse_seconds, value_name = "TIME")]
    pub drain: Option<f64>,

    /// Decides who talks to whom and when: the same seed and scenario give the same schedule.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,

    /// Where `result.json` and `report.html` are written.
    #[arg(long, short = 'o', default_value = "hubbub-load-out", value_name = "DIR")]
    pub out: PathBuf,

    /// Messages per second, in total: one-to-one where the scenario has them, else to groups.
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<f64>,

    /// Messages per second to groups, in total.
    #[arg(long, value_name = "PER_SECOND")]
    pub group_rate: Option<f64>,

    /// Members of each group.
    #[arg(long, value_name = "M")]
    pub members: Option<u32>,

    /// Groups in total.
    #[arg(long, value_name = "G")]
    pub groups: Option<u32>,

    /// One-to-one conversations of each user.
    #[arg(long, value_name = "C")]
    pub contacts: Option<u32>,

    /// Closed loop: each sender (or group) keeps K messages unacknowledged, up to 64. Measures unit costs, not latency.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub in_flight: Option<u32>,

    /// Only one user of each pair sends.
    #[arg(long)]
    pub one_way: bool,

    /// Bytes of each message, at least 40.
    #[arg(long, value_name = "BYTES")]
    pub payload_bytes: Option<u32>,

    /// How sends are spread over time.
    #[arg(long, value_enum)]
    pub arrivals: Option<Arrivals>,

    /// Logins per second, in total.
    #[arg(long, value_name = "PER_SECOND")]
    pub connect_rate: Option<f64>,

    /// The user id of the first client; drawn anew for each run unless given, so that runs on one store do not meet.
    #[arg(long, alias = "users-from", value_name = "ID")]
    pub first_user: Option<u64>,

    /// The server's metrics page (`none`: do not look).
    #[arg(long, default_value = METRICS_DEFAULT, value_name = "URL")]
    pub metrics: String,

    /// The server's process on this machine, when its metrics do not name it.
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,

    /// Generator threads in all; half of the cores unless given, so that a server beside it has the other half.
    #[arg(long, value_name = "N")]
    pub threads: Option<u32>,

    /// Generator processes; as many as the limit on descriptors asks for unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub processes: Option<u32>,

    /// Show no progress.
    #[arg(long, short = 'q')]
    pub quiet: bool,
}

const RUN_EXAMPLES: &str = "\
Examples:
  5,000 one-to-one messages a second between 2,000 clients for a minute:
    hubbub-load run direct -n 2000 --rate 5000 -d 60s -o out/direct
  fan-out to groups of 1,000, ten messages a second in all:
    hubbub-load run group -n 4000 --members 1000 --rate 10 -o out/group
  CPU per message with 8 unacknowledged messages for each of 128 senders:
    hubbub-load run direct -n 128 --in-flight 8 -d 10s -o out/unit
  memory of 18,000 idle clients:
    hubbub-load run idle -n 18000 -d 30s -o out/idle

A server limits what one user may send (50 messages a second by default). For a high rate by few clients, as in the
third example, start it with HUBBUB_LIMITS__USER_MESSAGES_PER_SECOND=0, HUBBUB_LIMITS__USER_BYTES_PER_SECOND=0 and
HUBBUB_LIMITS__CONNECTION_REQUESTS_PER_SECOND=0; what its limits refuse is reported as an error (RateLimited).";

/// Seconds from `20s`, `1.5m`, `500ms`, `2h`, or a plain number of seconds.
fn parse_seconds(text: &str) -> Result<f64, String> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("", 1.0)];
    let (number, unit) =
        units.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit))).ok_or("a time such as 20s")?;
    match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number * unit),
        _ => Err(format!("`{text}` is no time: write 20s, 1.5m or 500ms")),
    }
}

impl RunArgs {
    /// The scenario with the flags on top.
    ///
    /// # Errors
    /// When the scenario cannot be read, a flag does not fit it, or the result cannot be run.
    pub fn scenario(&self) -> anyhow::Result<Scenario> {
        let mut scenario = Scenario::load(&self.scenario)?;
        set(&mut scenario.clients, self.clients);
        set(&mut scenario.duration_s, self.duration);
        set(&mut scenario.ramp_s, self.ramp);
        set(&mut scenario.drain_s, self.drain);
        set(&mut scenario.payload_bytes, self.payload_bytes);
        set(&mut scenario.arrivals, self.arrivals);
        set(&mut scenario.connect.logins_per_second, self.connect_rate);
        self.apply_to_direct(&mut scenario)?;
        self.apply_to_group(&mut scenario)?;
        scenario.validate()?;
        Ok(scenario)
    }

    fn apply_to_direct(&self, scenario: &mut Scenario) -> anyhow::Result<()> {
        let clients = f64::from(scenario.clients.max(1));
        let Some(direct) = &mut scenario.direct else {
            let unfit = self.contacts.is_some() || self.one_way;
            anyhow::ensure!(!unfit, "--contacts and --one-way need a scenario with one-to-one messages");
            return Ok(());
        };
        set(&mut direct.contacts, self.contacts);
        set(&mut direct.in_flight, self.in_flight);
        set(&mut direct.messages_per_second_per_client, self.rate.map(|rate| rate / clients));
        direct.one_way |= self.one_way;
        Ok(())
    }

    fn apply_to_group(&self, scenario: &mut Scenario) -> anyhow::Result<()> {
        let (clients, has_direct) = (f64::from(scenario.clients.max(1)), scenario.direct.is_some());
        let Some(group) = &mut scenario.group else {
            let unfit = self.members.is_some() || self.groups.is_some() || self.group_rate.is_some();
            anyhow::ensure!(!unfit, "--members, --groups and --group-rate need a scenario with groups");
            let unfit = !has_direct && (self.rate.is_some() || self.in_flight.is_some());
            anyhow::ensure!(!unfit, "--rate and --in-flight need a scenario with messages");
            return Ok(());
        };
        set(&mut group.members, self.members);
        let members = f64::from(group.members.max(1));
        set(&mut group.groups_per_client, self.groups.map(|groups| f64::from(groups) * members / clients));
        let groups = (clients * group.groups_per_client / members).round().max(1.0);
        let rate = self.group_rate.or(self.rate.filter(|_| !has_direct));
        set(&mut group.messages_per_second_per_group, rate.map(|rate| rate / groups));
        if !has_direct {
            set(&mut group.in_flight, self.in_flight);
        }
        Ok(())
    }

    /// Everything that a run needs to know.
    ///
    /// # Errors
    /// As [`RunArgs::scenario`], and when the server's name has no address.
    pub fn request(&self) -> anyhow::Result<Request> {
        let run_id = fresh_run_id();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.unwrap_or_else(|| u32::try_from(cores / 2).unwrap_or(u32::MAX)).max(1);
        Ok(Request {
            plan: Plan {
                scenario: self.scenario()?,
                seed: self.seed,
                run_id,
                first_user: self.first_user.unwrap_or(1 + run_id % FIRST_USER_MAX),
                server: resolve(&self.server)?,
            },
            secret_file: self.secret_file.clone(),
            metrics: Some(self.metrics.clone()).filter(|url| url != "none"),
            pid: self.pid,
            threads,
            processes: self.processes,
            quiet: self.quiet,
        })
    }
}

/// Another number each time: the standard library's hash keys are drawn from the system.
fn fresh_run_id() -> u64 {
    RandomState::new().hash_one(std::process::id()) | 1
}

fn set<T>(field: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *field = flag;
    }
}

fn resolve(server: &str) -> anyhow::Result<SocketAddr> {
    let mut addresses = server.to_socket_addrs().with_context(|| format!("--server {server}: write host:port"))?;
    addresses.next().with_context(|| format!("--server {server} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(words: &str) -> anyhow::Result<Scenario> {
        let cli = Cli::try_parse_from(["hubbub-load", "run"].into_iter().chain(words.split(' ')))?;
        match cli.command {
            Command::Run(arguments) => arguments.scenario(),
            _ => unreachable!("the words begin with run"),
        }
    }

    #[test]
    fn rates_are_totals_and_counts_are_kept() {
        let direct = scenario("direct -n 500 --rate 1000 -d 1.5m").unwrap();
        assert_eq!((direct.direct.unwrap().messages_per_second_per_client, direct.duration_s), (2.0, 90.0));
        let group = scenario("group -n 1000 --members 250 --groups 8 --rate 40").unwrap().group.unwrap();
        assert_eq!((group.groups_per_client, group.messages_per_second_per_group), (2.0, 5.0));
    }

    #[test]
    fn flags_that_do_not_fit_the_scenario_are_refused() {
        for words in ["direct --members 10", "idle --rate 5", "group --one-way", "group -n 50", "idle --in-flight 2"] {
            assert!(scenario(words).is_err(), "{words}");
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(
            ["20s", "500ms", "2m", "1h", "3"].map(|text| parse_seconds(text).unwrap()),
            [20.0, 0.5, 120.0, 3600.0, 3.0]
        );
        assert!(parse_seconds("soon").is_err() && parse_seconds("-1s").is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
