//! The `hubbub-bench` binary: measures the server against the floor and prints the table of `benches/README.md`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};
use hubbub_benches::driver::holders::{self, HoldArgs};
use hubbub_benches::driver::plan::{IN_FLIGHT, Plan, Section};
use hubbub_benches::driver::report;
use hubbub_benches::driver::target::Binaries;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Measure what Hubbub costs, against a relay that keeps nothing.
///
/// Server and floor are started in turn, on one machine, with the same load. The table goes to standard output,
/// progress to standard error.
#[derive(Debug, Parser)]
#[command(name = "hubbub-bench", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    measure: MeasureArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hold idle connections; the driver starts this itself
    #[command(hide = true)]
    Hold(HoldArgs),
}

#[derive(Debug, clap::Args)]
struct MeasureArgs {
    /// How often everything is measured; intervals need at least 6
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Short measurements, for a first look
    #[arg(long)]
    quick: bool,
    /// What to measure [default: everything]
    #[arg(long, value_name = "SECTION", value_delimiter = ',')]
    only: Vec<Section>,
    /// Pairs that talk one to one
    #[arg(long, value_name = "N", default_value_t = 64)]
    pairs: usize,
    /// Messages that each sender of a pair keeps in flight, one after the other
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = IN_FLIGHT)]
    in_flight: Vec<u64>,
    /// The server [default: hubbub beside this binary]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// The floor [default: hubbub-floor beside this binary]
    #[arg(long, value_name = "FILE")]
    floor: Option<PathBuf>,
    /// The load harness [default: hubbub-load beside this binary]
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
    /// An older server, to be measured in turns with the server and compared with it
    #[arg(long, value_name = "FILE")]
    older: Option<PathBuf>,
    /// Where servers keep their data while they are measured; on a real disk
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
    /// Also write every sample to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also put the tables into a document, between its marks
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Hold(args)) => holders::hold(&args),
        None => measure(cli.measure),
    }
}

fn measure(args: MeasureArgs) -> anyhow::Result<()> {
    let binaries = Binaries {
        server: binary(args.server, "hubbub")?,
        floor: binary(args.floor, "hubbub-floor")?,
        load: binary(args.load, "hubbub-load")?,
        older: args.older.map(|path| binary(Some(path), "hubbub")).transpose()?,
        data: args.data.canonicalize().context("--data")?,
    };
    let all = [
        Section::Direct,
        Section::Group,
        Section::Idle,
        Section::Durability,
        Section::Shards,
        Section::Harness,
        Section::Scrape,
    ];
    let sections = if args.only.is_empty() { all.to_vec() } else { args.only };
    hubbub_server::descriptors::raise_limit()?;
    let mut plan = Plan { in_flight: args.in_flight, ..Plan::new(args.rounds, args.quick, args.pairs, sections) };
    if binaries.older.is_some() {
        // A comparison needs as many samples of idle crowds as of everything else.
        plan.idle_rounds = plan.rounds;
    }
    let before = report::machine();
    let results = plan.execute(&binaries)?;
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report::json(&plan, &before, &results))?;
        std::fs::write(path, text + "\n").with_context(|| path.display().to_string())?;
    }
    let tables = report::markdown(&plan, &before, &results);
    if let Some(path) = &args.write {
        let document = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        std::fs::write(path, report::replace_tables(&document, &tables)?)?;
    }
    print!("{tables}");
    Ok(())
}

/// The given binary, or the one that was built beside this one.
fn binary(given: Option<PathBuf>, name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let path = given.unwrap_or_else(|| here.parent().unwrap_or(Path::new(".")).join(name));
    ensure!(path.is_file(), "{} is not there: build it with `cargo build --release --bins`", path.display());
    Ok(path)
}
