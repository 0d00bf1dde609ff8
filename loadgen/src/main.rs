//! The command `hubbub-load`. Everything is in the library; this is its edge.

use std::process::ExitCode;

use clap::Parser;
use hubbub_loadgen::cli::{Cli, FAILED};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    Cli::parse().execute().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(FAILED)
    })
}
