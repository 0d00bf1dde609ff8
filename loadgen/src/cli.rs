//! The command line: one file for each subcommand, and one for each set of flags that several of them share. What flags say
//! goes on top of the scenario; what they leave out stays as the scenario has it.

mod amounts;
pub mod capacity;
pub mod compare;
pub mod interrupts;
pub mod load;
mod output;
pub mod own_server;
pub mod plan;
pub mod protocol;
pub mod report;
pub mod run;
pub mod scenarios;
mod shares;
pub mod target;
pub mod times;
pub mod transport;
pub mod worker;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workers;

/// The ledger did not close, or something that was demanded does not hold.
pub const NOT_MET: u8 = 1;

/// Wrong usage, or nothing could be measured.
pub const FAILED: u8 = 2;

/// The generator was the limit, so there is no answer.
pub const NO_ANSWER: u8 = 3;

/// Load for a Hubbub server, with a ledger of every message and a report that says whether it may be believed.
#[derive(Debug, Parser)]
#[command(name = "hubbub-load", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  good: of a run, the ledger closed: every accepted message reached every recipient, once, whole, in order
  1  the ledger did not close (the run has no performance result), or a threshold does not hold
  2  wrong usage, no connection, logins refused, or the setup failed
  3  there is no answer: the generator was the limit

Start with:
  hubbub-load scenarios
  hubbub-load run direct --server 127.0.0.1:7400 --secret-file hubbub-data/token-secret";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario against a server.
    Run(Box<run::RunArgs>),
    /// Find the highest load at which a service level and the ledger hold.
    Capacity(Box<capacity::CapacityArgs>),
    /// Make `report.html` and `summary.md` again from a result file.
    Report(report::ReportArgs),
    /// Put results side by side: ratios, and whether they are beyond what runs differ by themselves.
    Compare(compare::CompareArgs),
    /// What a population needs: cores, memory, disk, network and nodes, from measured unit costs.
    Plan(Box<plan::PlanArgs>),
    /// List the built-in scenarios, or print one to start your own from.
    Scenarios(scenarios::ScenariosArgs),
    /// Lend this machine to runs that are started elsewhere, with `run --workers`.
    Worker(worker::WorkerArgs),
    /// A part of a run in a process of its own; `run` starts these itself.
    #[command(hide = true)]
    WorkerProcess,
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// For people; the exit code is [`FAILED`].
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(arguments) => arguments.execute(),
            Command::Capacity(arguments) => arguments.execute(),
            Command::Report(arguments) => arguments.execute(),
            Command::Compare(arguments) => arguments.execute(),
            Command::Plan(arguments) => arguments.execute(),
            Command::Scenarios(arguments) => arguments.execute(),
            Command::Worker(arguments) => arguments.execute(),
            Command::WorkerProcess => workers::serve_parent().map(|()| ExitCode::SUCCESS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
