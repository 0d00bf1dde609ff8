//! `hubbub-faulty`: the server with faults planted in it, for the tests beside it. It serves nobody unless the environment
//! variable `PLANTED_FAULTS` names what it breaks.

use std::process::ExitCode;

use clap::Parser;
use hubbub_server::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match cli::run(Cli::parse(), &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hubbub-faulty: {error:#}");
            ExitCode::FAILURE
        }
    }
}
