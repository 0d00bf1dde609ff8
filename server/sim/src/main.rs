//! Runs one seed, or many.

use clap::Parser;
use hubbub_sim::{run, seeds};
use std::num::NonZero;
use std::process::ExitCode;
use std::thread::available_parallelism;

/// Runs simulated worlds and says which seed broke what.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// Steps of each world before it comes to rest.
    #[arg(long, default_value_t = 3_000)]
    steps: usize,
    /// How many at a time; as many as there are processors when not told.
    #[arg(long)]
    threads: Option<NonZero<usize>>,
    /// Print what happens in the world of the first seed.
    #[arg(long)]
    trace: bool,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.trace || arguments.count == 1 {
        return run_one(&arguments);
    }
    // The failure is printed once, with its seed.
    std::panic::set_hook(Box::new(|_| {}));
    let seeds = arguments.seed..arguments.seed + arguments.count;
    let threads = arguments.threads.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
    let failures = seeds::run_many(seeds.clone(), arguments.steps, threads, arguments.keep_going);
    failures.iter().for_each(|failure| eprintln!("{failure}"));
    println!("seeds {seeds:?}, {} steps each: {} failed", arguments.steps, failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_one(arguments: &Arguments) -> ExitCode {
    match run(arguments.seed, arguments.steps, arguments.trace) {
        Ok(summary) => println!("seed {}: {summary:?}", arguments.seed),
        Err(broken) => {
            eprintln!("seed {}, after {} steps: {}", arguments.seed, broken.steps, broken.what);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
