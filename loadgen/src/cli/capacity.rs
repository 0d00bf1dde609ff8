//! `hubbub-load capacity`: the highest load that holds a service level.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use clap::Args;

use super::interrupts::count_interrupts;
use super::load::LoadArgs;
use super::output::show_line;
use super::own_server::OwnServerArgs;
use super::run::{make_directory, write_file};
use super::shares::parse_share;
use super::target::TargetArgs;
use super::times::parse_seconds;
use super::{NO_ANSWER, NOT_MET};
use crate::capacity::estimate::Estimate;
use crate::capacity::load::Vary;
use crate::capacity::point::Point;
use crate::capacity::result::{Capacity, Rules};
use crate::capacity::search::Ending;
use crate::capacity::{Question, World, measure, page, words};
use crate::progress::Mode;
use crate::report::result::RunResult;
use crate::scenario::Scenario;
use crate::{run, thresholds};

/// How long each load is held unless told otherwise, in seconds.
const HOLD_S: f64 = 20.0;

/// How to search.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CapacityArgs {
    /// A built-in scenario or the path of a TOML file. With the flags below it is the first load that is tried.
    pub scenario: String,

    /// The service level, such as `delivery_p99<100ms,loss=0` (as `run --thresholds`); the scenario's thresholds unless
    /// given.
    #[arg(long, value_name = "LIST")]
    pub slo: Option<String>,

    /// What grows: `rate` where the scenario sends, else `clients`.
    #[arg(long, value_enum)]
    pub vary: Option<Vary>,

    /// How long each load is held; 20s unless --duration is given.
    #[arg(long, value_parser = parse_seconds, value_name = "TIME")]
    pub hold: Option<f64>,

    /// Width of the answer.
    #[arg(long, default_value = "5%", value_parser = parse_share, value_name = "PERCENT")]
    pub step: f64,

    /// Factor from load to load of the climb.
    #[arg(long, default_value_t = 2.0, value_name = "FACTOR")]
    pub growth: f64,

    /// How often the answer must hold in a row.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=20))]
    pub confirm: u16,

    /// The highest load that is tried, times the scenario's.
    #[arg(long, default_value_t = 1_000.0, value_name = "FACTOR")]
    pub max: f64,

    /// Loads tried at most.
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub points_max: u16,

    /// Where `capacity.json`, `capacity.md` and `capacity.html` are written.
    #[arg(long, short = 'o', default_value = "hubbub-load-out", value_name = "DIR")]
    pub out: PathBuf,

    /// On top of the scenario.
    #[command(flatten)]
    pub load: LoadArgs,

    /// Against what.
    #[command(flatten)]
    pub target: TargetArgs,

    /// Or a server of its own for each point.
    #[command(flatten)]
    pub own_server: OwnServerArgs,
}

const EXAMPLES: &str = "\
The load is raised from what the scenario and its flags say, doubling, until the service level or the ledger does not hold;
then the interval is halved to 5%, and both of its ends are seen again. Each load is a run of its own, with fresh users.

Exit codes:
  0  an answer: the highest load that holds (or the highest that was allowed does)
  1  not even the lowest load holds
  2  wrong usage, or the first load could not be set up
  3  no answer: the generator was the limit, the points were not enough, or the search was interrupted

Examples:
  messages per second that 2,000 clients may send:
    hubbub-load capacity direct -n 2000 --rate 500 --slo 'delivery_p99<100ms,loss=0'
  clients that may be idle:
    hubbub-load capacity idle -n 1000 --hold 10s --max 15 --slo 'login_p99<2s,server_rss<2GiB'";

impl CapacityArgs {
    /// Searches, writes the files, prints the answer.
    ///
    /// # Errors
    /// When the flags do not fit, the first load cannot be set up, or a file cannot be written.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        let question = self.question()?;
        make_directory(&self.out)?;
        let interrupts = Arc::new(AtomicU32::new(0));
        count_interrupts(Arc::clone(&interrupts));
        let mut world = Server { arguments: self, interrupts, users: 0 };
        world.say(&format!("capacity of {}: {}", question.scenario.name, Estimate::of(&question).words()));
        let capacity = measure(&question, &mut world)?;
        write_file(&self.out, "capacity.json", &(serde_json::to_string_pretty(&capacity)? + "\n"))?;
        write_file(&self.out, "capacity.md", &words::markdown(&capacity))?;
        write_file(&self.out, "capacity.html", &page::page(&capacity))?;
        for warning in words::warnings(&capacity) {
            show_line("beware", warning)?;
        }
        show_line("capacity", &capacity.answer.words)?;
        show_line("report", self.out.join("capacity.html").display())?;
        Ok(exit_code(&capacity))
    }

    fn question(&self) -> anyhow::Result<Question> {
        let scenario = self.load.scenario(&self.scenario)?;
        anyhow::ensure!(!scenario.is_closed_loop(), "a closed loop has no load to search for: leave --in-flight out");
        let slo = self.slo.as_ref().or(scenario.thresholds.as_ref());
        let slo = slo.context("--slo is missing: say what must hold, such as --slo 'delivery_p99<100ms,loss=0'")?;
        let slo = thresholds::parse(slo).context("--slo")?;
        let vary = self.vary.unwrap_or_else(|| Vary::of(&scenario));
        let still = vary == Vary::Rate && crate::capacity::load::messages_per_s(&scenario) <= 0.0;
        anyhow::ensure!(!still, "--vary rate needs a scenario with messages");
        anyhow::ensure!(self.step > 0.0 && self.step <= 1.0, "--step: more than 0% and at most 100%");
        anyhow::ensure!(self.growth > 1.0 && self.growth <= 100.0, "--growth: more than 1, at most 100");
        anyhow::ensure!(self.max >= 1.0 && self.max <= 1e6, "--max: 1 to 1,000,000");
        let rules = Rules {
            step: self.step,
            growth: self.growth,
            confirm: self.confirm.into(),
            hold_s: self.hold.or(self.load.duration).unwrap_or(HOLD_S),
            factor_max: self.max,
            points_max: self.points_max.into(),
        };
        anyhow::ensure!(rules.hold_s > 0.0, "--hold: more than 0 s");
        Ok(Question { scenario, vary, slo, rules, seed: self.target.seed })
    }
}

fn exit_code(capacity: &Capacity) -> ExitCode {
    match capacity.answer.ending {
        Ending::Confirmed | Ending::TopPasses => ExitCode::SUCCESS,
        Ending::BottomFails => ExitCode::from(NOT_MET),
        Ending::GeneratorLimited | Ending::PointsSpent | Ending::Interrupted => ExitCode::from(NO_ANSWER),
    }
}

/// The server that is searched.
struct Server<'a> {
    arguments: &'a CapacityArgs,
    interrupts: Arc<AtomicU32>,
    /// Users of earlier points, when `--first-user` fixes where they begin.
    users: u64,
}

impl Server<'_> {
    fn say(&self, words: &str) {
        if !self.arguments.target.quiet {
            eprintln!("{words}");
        }
    }
}

impl World for Server<'_> {
    fn run(&mut self, scenario: Scenario, seed: u64) -> anyhow::Result<RunResult> {
        let clients = u64::from(scenario.clients);
        let mut request = self.arguments.target.request(scenario)?;
        request.plan.seed = seed;
        request.plan.first_user += self.users;
        self.users += clients;
        self.arguments.own_server.apply(&mut request, &self.arguments.out);
        // Without a terminal one line for each point is enough.
        if !std::io::stderr().is_terminal() {
            request.progress = Mode::Quiet;
        }
        run::run(request, &self.interrupts)
    }

    fn point(&mut self, point: &Point, vary: Vary) {
        self.say(&words::line(point, vary));
    }

    fn is_interrupted(&self) -> bool {
        self.interrupts.load(Ordering::Relaxed) > 0
    }
}
