//! `hubbub-load plan`: unit costs, what a population needs, and a check of both.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::NOT_MET;
use super::amounts::{parse_amount, parse_memory};
use super::interrupts::count_interrupts;
use super::load::LoadArgs;
use super::output::{show, show_line};
use super::own_server::OwnServerArgs;
use super::run::{make_directory, write_file};
use super::shares::parse_share;
use super::target::TargetArgs;
use super::times::parse_seconds;
use crate::planner::bill::{Node, bill};
use crate::planner::check::{self, predict};
use crate::planner::costs::{Costs, SCHEMA_VERSION};
use crate::planner::kernel::Watch;
use crate::planner::loads::{Size, loads};
use crate::planner::population::Population;
use crate::planner::sample::Sample;
use crate::planner::words;
use crate::progress::Mode;
use crate::report::format::number;
use crate::run;
use crate::run::Request;

/// What to plan.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = EXAMPLES)]
pub struct PlanArgs {
    /// Measure costs, or check them, instead.
    #[command(subcommand)]
    pub command: Option<PlanCommand>,

    /// The costs, from `plan measure`.
    #[arg(long, value_name = "COSTS.JSON", required = true)]
    pub from: Option<PathBuf>,

    /// Users, such as `3M`, `250k`.
    #[arg(long, value_parser = parse_amount, value_name = "N", required = true)]
    pub users: Option<f64>,

    /// Of them, connected at the peak.
    #[arg(long, default_value = "20%", value_parser = parse_share, value_name = "PERCENT")]
    pub online: f64,

    /// Devices of each user; all of them get every message.
    #[arg(long, default_value_t = 1.0, value_name = "N")]
    pub devices_per_user: f64,

    /// Messages that a user sends in a day.
    #[arg(long, default_value_t = 40.0, value_name = "N")]
    pub messages_per_user_day: f64,

    /// Of the messages, sent to groups.
    #[arg(long, default_value = "30%", value_parser = parse_share, value_name = "PERCENT")]
    pub groups: f64,

    /// Members of a group, as a message sees them.
    #[arg(long, default_value_t = 20.0, value_name = "N")]
    pub group_members: f64,

    /// Logins of a user in a day.
    #[arg(long, default_value_t = 4.0, value_name = "N")]
    pub logins_per_user_day: f64,

    /// How much more than the mean of the day happens at the peak.
    #[arg(long, default_value_t = 3.0, value_name = "FACTOR")]
    pub peak_factor: f64,

    /// Of the copies, those for which a read mark is sent.
    #[arg(long, default_value = "30%", value_parser = parse_share, value_name = "PERCENT")]
    pub reads: f64,

    /// Days that messages are kept.
    #[arg(long, default_value_t = 365.0, value_name = "DAYS")]
    pub retention_days: f64,

    /// Of everything that is bought, left free at the peak.
    #[arg(long, default_value = "30%", value_parser = parse_share, value_name = "PERCENT")]
    pub headroom: f64,

    /// Cores of a node.
    #[arg(long, default_value_t = 16.0, value_name = "N")]
    pub node_cores: f64,

    /// Memory of a node.
    #[arg(long, default_value = "64GiB", value_parser = parse_memory, value_name = "SIZE")]
    pub node_memory: f64,

    /// Where `plan.json` and `plan.md` are written.
    #[arg(long, short = 'o', default_value = "hubbub-load-out", value_name = "DIR")]
    pub out: PathBuf,
}

/// What comes before a plan, and after it.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Measure unit costs of a server by sixteen loads, and write `costs.json`.
    Measure(Box<MeasureArgs>),
    /// Predict a load that was not measured, run it, and show the error.
    Check(Box<CheckArgs>),
}

const EXAMPLES: &str = "\
Examples:
  hubbub-load plan measure --own-server target/release/hubbub -o out
  hubbub-load plan check mixed -n 1000 --from out/costs.json --own-server target/release/hubbub -o out
  hubbub-load plan --from out/costs.json --users 3M --online 20% --messages-per-user-day 40 --headroom 30%";

/// How to measure costs.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// The most clients of a load.
    #[arg(long, short = 'n', default_value_t = 1_000, value_name = "N", value_parser = clap::value_parser!(u32).range(80..=1_000_000))]
    pub clients: u32,

    /// The most copies per second of a load; well below what the server carries.
    #[arg(long, default_value_t = 2_000.0, value_name = "PER_SECOND")]
    pub rate: f64,

    /// How long each load is held.
    #[arg(long, default_value = "5s", value_parser = parse_seconds, value_name = "TIME")]
    pub hold: f64,

    /// Where `costs.json` is written.
    #[arg(long, short = 'o', default_value = "hubbub-load-out", value_name = "DIR")]
    pub out: PathBuf,

    /// Against what.
    #[command(flatten)]
    pub target: TargetArgs,

    /// Or a server of its own for each load, which tells its memory best.
    #[command(flatten)]
    pub own_server: OwnServerArgs,
}

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A built-in scenario or the path of a TOML file.
    pub scenario: String,

    /// The costs, from `plan measure`.
    #[arg(long, value_name = "COSTS.JSON")]
    pub from: PathBuf,

    /// Where the server's log and `check.md` are written.
    #[arg(long, short = 'o', default_value = "hubbub-load-out", value_name = "DIR")]
    pub out: PathBuf,

    /// On top of the scenario.
    #[command(flatten)]
    pub load: LoadArgs,

    /// Against what.
    #[command(flatten)]
    pub target: TargetArgs,

    /// Or a server of its own.
    #[command(flatten)]
    pub own_server: OwnServerArgs,
}

impl PlanArgs {
    /// Plans, measures, or checks.
    ///
    /// # Errors
    /// When flags do not fit, costs cannot be read or made, or a file cannot be written.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            Some(PlanCommand::Measure(arguments)) => arguments.execute(),
            Some(PlanCommand::Check(arguments)) => arguments.execute(),
            None => self.plan(),
        }
    }

    fn plan(&self) -> anyhow::Result<ExitCode> {
        let costs = read_costs(self.from.as_deref().context("--from is missing")?)?;
        let population = self.population()?;
        anyhow::ensure!(self.headroom < 1.0, "--headroom: less than 100%");
        anyhow::ensure!(self.node_cores > 0.0 && self.node_memory > 0.0, "a node has cores and memory");
        let bill =
            bill(&costs, &population, self.headroom, Node { cores: self.node_cores, memory_bytes: self.node_memory });
        make_directory(&self.out)?;
        let markdown = words::markdown(&bill, &costs);
        write_file(&self.out, "plan.json", &(serde_json::to_string_pretty(&bill)? + "\n"))?;
        write_file(&self.out, "plan.md", &markdown)?;
        show(&markdown)?;
        Ok(ExitCode::SUCCESS)
    }

    fn population(&self) -> anyhow::Result<Population> {
        let population = Population {
            users: self.users.context("--users is missing")?,
            online: self.online,
            devices_per_user: self.devices_per_user,
            messages_per_user_day: self.messages_per_user_day,
            group_share: self.groups,
            group_members: self.group_members,
            logins_per_user_day: self.logins_per_user_day,
            peak_factor: self.peak_factor,
            read_share: self.reads,
            retention_days: self.retention_days,
        };
        let Population { online, group_share, devices_per_user, group_members, peak_factor, .. } = population;
        anyhow::ensure!(online <= 1.0 && group_share <= 1.0, "--online and --groups: at most 100%");
        anyhow::ensure!(self.reads <= 1.0, "--reads: at most 100%");
        anyhow::ensure!(devices_per_user >= 1.0 && group_members >= 2.0, "a user has a device, a group two members");
        anyhow::ensure!(peak_factor >= 1.0, "--peak-factor: at least 1");
        Ok(population)
    }
}

fn read_costs(path: &Path) -> anyhow::Result<Costs> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let costs: Costs = serde_json::from_str(&text).with_context(|| format!("{} holds no costs", path.display()))?;
    anyhow::ensure!(costs.schema_version == SCHEMA_VERSION, "{} is of another version", path.display());
    Ok(costs)
}

impl MeasureArgs {
    fn execute(&self) -> anyhow::Result<ExitCode> {
        let size = Size { clients: self.clients, copies_per_s: self.rate, hold_s: self.hold };
        let loads = loads(&size)?;
        make_directory(&self.out)?;
        let interrupts = Arc::new(AtomicU32::new(0));
        count_interrupts(Arc::clone(&interrupts));
        say(&self.target, &format!("{} loads of about {} s", loads.len(), number(self.hold + 5.0)));
        let (mut samples, mut server, mut environment) = (Vec::new(), Vec::new(), None);
        for (name, scenario) in loads {
            let mut request = self.target.request(scenario.clone())?;
            // A line for each load is what there is to see.
            request.progress = Mode::Quiet;
            self.own_server.apply(&mut request, &self.out);
            let (result, kernel_bytes) = run_watching_kernel(request, &interrupts)?;
            anyhow::ensure!(interrupts.load(Ordering::Relaxed) == 0, "interrupted");
            anyhow::ensure!(
                result.server.cpu_cores.is_some(),
                "the server's CPU was not measured: see --metrics and --pid"
            );
            let Some(sample) = Sample::of(&name, &scenario, &result, kernel_bytes) else {
                say(&self.target, &format!("{name:<16} left out: its ledger did not close"));
                continue;
            };
            say(&self.target, &line(&sample));
            samples.push(sample);
            let durability = result.server.durability.map(|mode| format!("durability {mode}"));
            server = result.server.version.into_iter().chain(durability).collect();
            environment = Some(result.environment);
        }
        let environment = environment.context("no load could be used")?;
        let costs = Costs::of(samples, server, environment)?;
        write_file(&self.out, "costs.json", &(serde_json::to_string_pretty(&costs)? + "\n"))?;
        for (what, amount) in words::unit_costs(&costs) {
            show(format_args!("{what:>52}  {amount}\n"))?;
        }
        show_line("costs", self.out.join("costs.json").display())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn line(sample: &Sample) -> String {
    format!(
        "{:<16} {} clients, {} logins/s, {} sends/s, {} copies/s, {} reads/s: {:.3} cores",
        sample.load,
        sample.clients,
        number(sample.logins_per_s),
        number(sample.sends_per_s),
        number(sample.copies_per_s),
        number(sample.reads_per_s),
        sample.server_cpu_cores
    )
}

fn say(target: &TargetArgs, words: &str) {
    if !target.quiet {
        eprintln!("{words}");
    }
}

/// Runs, and looks now and then at what the kernel holds for sockets.
fn run_watching_kernel(
    request: Request,
    interrupts: &Arc<AtomicU32>,
) -> anyhow::Result<(crate::report::result::RunResult, Option<f64>)> {
    let is_local = request.own_server.is_some() || request.plan.server.ip().is_loopback();
    let watch = (is_local && request.fleet.is_none()).then(Watch::begin).flatten();
    let result = run::run(request, interrupts);
    Ok((result?, watch.and_then(Watch::grown)))
}

impl CheckArgs {
    fn execute(&self) -> anyhow::Result<ExitCode> {
        let costs = read_costs(&self.from)?;
        let scenario = self.load.scenario(&self.scenario)?;
        anyhow::ensure!(!scenario.is_closed_loop(), "a closed loop has no load to predict: leave --in-flight out");
        make_directory(&self.out)?;
        let prediction = predict(&costs, &scenario);
        let interrupts = Arc::new(AtomicU32::new(0));
        count_interrupts(Arc::clone(&interrupts));
        let (sends, copies) = (number(prediction.sends_per_s), number(prediction.copies_per_s));
        let (cores, margin) = prediction.cores;
        say(
            &self.target,
            &format!("predicted for {sends} messages/s, {copies} copies/s: {cores:.3} ± {margin:.3} cores"),
        );
        let mut request = self.target.request(scenario)?;
        self.own_server.apply(&mut request, &self.out);
        let result = run::run(request, &interrupts)?;
        let table = check::words(&prediction, &result);
        write_file(&self.out, "check.md", &table)?;
        show(&table)?;
        Ok(if result.ledger.closed { ExitCode::SUCCESS } else { ExitCode::from(NOT_MET) })
    }
}
