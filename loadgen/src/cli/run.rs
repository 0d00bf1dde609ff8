//! `hubbub-load run`: one run, its files, its summary and its exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use anyhow::Context;
use clap::Args;

use super::NOT_MET;
use super::interrupts::count_interrupts;
use super::load::LoadArgs;
use super::output::{show, show_line};
use super::own_server::OwnServerArgs;
use super::target::TargetArgs;
use crate::report::result::RunResult;
use crate::{report, run, thresholds};

/// How to run.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    /// A built-in scenario (`hubbub-load scenarios` lists them) or the path of a TOML file.
    pub scenario: String,

    /// On top of the scenario.
    #[command(flatten)]
    pub load: LoadArgs,

    /// What the run must show to be good, such as `delivery_p99<100ms,ack_p99<50ms,loss=0,errors<1%`; else the exit code
    /// is 1. Names, units and operators are in the README; a wrong name lists the known ones.
    #[arg(long, value_name = "LIST")]
    pub thresholds: Option<String>,

    /// Against what.
    #[command(flatten)]
    pub target: TargetArgs,

    /// Or a server of its own.
    #[command(flatten)]
    pub own_server: OwnServerArgs,

    /// Where `result.json`, `report.html` and `summary.md` are written.
    #[arg(long, short = 'o', default_value = "hubbub-load-out", value_name = "DIR")]
    pub out: PathBuf,
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
  a server of the run's own, killed, stopped, restarted and drained while people talk:
    hubbub-load run chaos --own-server target/release/hubbub -o out/chaos -- --durability os

A server limits what one user may send (50 messages a second by default). For a high rate by few clients, as in the
third example, start it with HUBBUB_LIMITS__USER_MESSAGES_PER_SECOND=0, HUBBUB_LIMITS__USER_BYTES_PER_SECOND=0 and
HUBBUB_LIMITS__CONNECTION_REQUESTS_PER_SECOND=0; what its limits refuse is reported as an error (RateLimited).";

impl RunArgs {
    /// Runs, writes the files, prints the summary.
    ///
    /// # Errors
    /// When the flags do not fit, nothing could be measured, or a file cannot be written.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        let mut scenario = self.load.scenario(&self.scenario)?;
        if let Some(thresholds) = &self.thresholds {
            thresholds::parse(thresholds).context("--thresholds")?;
            scenario.thresholds = Some(thresholds.clone());
        }
        let mut request = self.target.request(scenario)?;
        make_directory(&self.out)?;
        self.own_server.apply(&mut request, &self.out);
        let interrupts = Arc::new(AtomicU32::new(0));
        count_interrupts(Arc::clone(&interrupts));
        let result = run::run(request, &interrupts)?;
        write_file(&self.out, "result.json", &(serde_json::to_string_pretty(&result)? + "\n"))?;
        write_views(&self.out, &result)?;
        show(report::summary::summary(&result))?;
        show_line("report", self.out.join("report.html").display())?;
        Ok(if result.is_good() { ExitCode::SUCCESS } else { ExitCode::from(NOT_MET) })
    }
}

/// Writes what people read of a result.
pub(super) fn write_views(out: &Path, result: &RunResult) -> anyhow::Result<()> {
    write_file(out, "report.html", &report::html::page(result))?;
    write_file(out, "summary.md", &report::markdown::summary(result))
}

/// Makes the directory of `--out`.
pub(super) fn make_directory(out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("--out {} cannot be made", out.display()))
}

/// Writes one file there.
pub(super) fn write_file(out: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let path = out.join(name);
    std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}
