//! The `hubbub-floor` binary: prints `ADDRESS` on its first line and relays until it is killed.

use std::net::SocketAddr;

use clap::Parser;
use hubbub_benches::floor;

// As in the server, so that the comparison is about the work.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A relay that speaks Hubbub's protocol, keeps nothing and decides nothing.
///
/// Benchmarks only: any token logs in, as the user whose number is the device id.
#[derive(Debug, Parser)]
#[command(name = "hubbub-floor", version)]
struct Cli {
    /// Where clients connect; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Threads that serve clients
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    threads: u16,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    floor::run(cli.listen, cli.threads)
}
