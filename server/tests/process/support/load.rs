//! The load harness against a server of a test.

use super::{Server, trunk_secret_file};
use clap::Parser;
use hubbub_loadgen::cli::{Cli, Command};
use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::run::Request;
use hubbub_loadgen::scenario::Scenario;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// A built-in scenario, small and short.
pub(crate) fn small(name: &str, clients: u32, duration_s: f64) -> Scenario {
    Scenario { clients, duration_s, ramp_s: 0.2, ..Scenario::load(name).expect("a built-in scenario") }
}

/// Runs a scenario, as the command would.
#[track_caller]
pub(crate) fn load(server: &Server, scenario: Scenario) -> RunResult {
    run_load(request(server, scenario, &[]))
}

/// The same, with everybody in channels of a few trunks.
#[track_caller]
pub(crate) fn load_over_trunks(server: &Server, scenario: Scenario) -> RunResult {
    run_load(request_over_trunks(server, scenario))
}

/// What [`load_over_trunks`] runs.
#[track_caller]
pub(crate) fn request_over_trunks(server: &Server, scenario: Scenario) -> Request {
    let file = trunk_secret_file();
    let file = file.to_str().expect("a plain path");
    request(server, scenario, &["--transport", "trunk", "--trunks", "3", "--trunk-secret-file", file])
}

/// Runs what was asked for.
#[track_caller]
pub(crate) fn run_load(request: Request) -> RunResult {
    hubbub_loadgen::run::run(request, &Arc::new(AtomicU32::new(0))).expect("a run")
}

/// What a run against a server asks for, with more words on its command line.
#[track_caller]
pub(crate) fn request(server: &Server, scenario: Scenario, more: &[&str]) -> Request {
    scenario.validate().expect("a scenario that can be run");
    let secret = server.data_dir().join("token-secret").display().to_string();
    let (clients, metrics) = (server.clients.to_string(), format!("http://{}/metrics", server.metrics));
    let mut words = vec!["hubbub-load", "run", "idle", "--quiet", "--threads", "2", "--processes", "1"];
    words.extend(["--server", &clients, "--metrics", &metrics, "--secret-file", &secret]);
    words.extend(more);
    let Command::Run(arguments) = Cli::try_parse_from(words).expect("a command line").command else {
        unreachable!("the words begin with run")
    };
    arguments.target.request(scenario).expect("a request")
}
