//! The command `hubbub-load`. Everything is in the library; this is its edge.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use clap::Parser;
use hubbub_loadgen::cli::{Cli, Command, RunArgs, ScenariosCommand};
use hubbub_loadgen::{report, run, scenario, workers};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The ledger did not close.
const NOT_CLOSED: u8 = 1;

/// There was no run to speak of.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(arguments) => run_scenario(&arguments),
        Command::Scenarios { command } => show_scenarios(command),
        Command::WorkerProcess => workers::serve_parent().map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(FAILED)
    })
}

fn show_scenarios(command: Option<ScenariosCommand>) -> anyhow::Result<ExitCode> {
    match command.unwrap_or(ScenariosCommand::List) {
        ScenariosCommand::List => {
            for (name, _) in scenario::BUILT_IN {
                println!("{name:<8} {}", scenario::Scenario::load(name)?.about);
            }
            println!("\n`hubbub-load scenarios show NAME` prints one; edit it and run the file.");
        }
        ScenariosCommand::Show { name } => {
            let text = scenario::built_in(&name).with_context(|| format!("there is no built-in scenario `{name}`"))?;
            print!("{text}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run_scenario(arguments: &RunArgs) -> anyhow::Result<ExitCode> {
    let request = arguments.request()?;
    let out = &arguments.out;
    std::fs::create_dir_all(out).with_context(|| format!("--out {} cannot be made", out.display()))?;
    let interrupts = Arc::new(AtomicU32::new(0));
    count_interrupts(Arc::clone(&interrupts));
    let result = run::run(request, &interrupts)?;
    let write = |name: &str, text: String| {
        let path = out.join(name);
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
    };
    write("result.json", serde_json::to_string_pretty(&result)? + "\n")?;
    write("report.html", report::html::page(&result))?;
    print!("{}", report::summary::summary(&result));
    println!("{:>12}  {}", "report", out.join("report.html").display());
    Ok(if result.ledger.closed { ExitCode::SUCCESS } else { ExitCode::from(NOT_CLOSED) })
}

/// The first Ctrl-C ends the traffic and still closes the ledger; the second ends everything.
fn count_interrupts(interrupts: Arc<AtomicU32>) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                interrupts.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
}
