//! The `hubbub` binary: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use hubbub_server::cli::{self, Cli};

// Idle connections cost the least with it, and it gives memory back.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    abort_on_panic();
    match cli::run(Cli::parse(), &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hubbub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A panic in any thread ends the process: what is left of it would go on with a state that nobody vouches for, and
/// everything that was acknowledged is safe.
fn abort_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        std::process::abort();
    }));
}
