//! Runs one seed, or many.

use clap::Parser;
use std::process::ExitCode;

/// Runs simulated worlds and says which seed broke what.
#[derive(Debug, Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds, one after the other.
    #[arg(long, default_value_t = 1)]
    count: u64,
    /// Steps of each world before it comes to rest.
    #[arg(long, default_value_t = 3_000)]
    steps: usize,
    /// Print what happens.
    #[arg(long)]
    trace: bool,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !arguments.trace {
        // The failure is printed once, with its seed.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let mut failures = 0;
    for seed in arguments.seed..arguments.seed + arguments.count {
        match hubbub_sim::run(seed, arguments.steps, arguments.trace) {
            Ok(summary) if arguments.count == 1 => println!("seed {seed}: {summary:?}"),
            Ok(_) => {}
            Err(failure) => {
                eprintln!("seed {seed}: {failure}");
                failures += 1;
                if !arguments.keep_going {
                    break;
                }
            }
        }
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
