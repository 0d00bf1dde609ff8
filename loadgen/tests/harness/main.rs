//! The harness over real sockets, against a server that can be told to break its promises. One property per file.

mod absent;
mod capacity;
mod closes;
mod compare;
mod corrupt;
mod cut_connections;
mod devices;
mod duplicated;
mod fake;
mod groups;
mod ledger_full;
mod login_refused;
mod lost;
mod mosquitto;
mod mqtt_churn;
mod mqtt_closes;
mod mqtt_crash;
mod mqtt_left_out;
mod mqtt_login;
mod offline;
mod own_server;
mod plan;
mod processes;
mod rate_limited;
mod repaired;
mod same_seed;
mod schema;
mod sizes;
mod storm;
mod swapped;
mod thresholds;
mod workers;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use fake::{Fake, Fault};
use hubbub_loadgen::engine::plan::Plan;
use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::run::{Request, run};
use hubbub_loadgen::scenario::Scenario;

/// A small, short scenario.
fn scenario(name: &str, clients: u32) -> Scenario {
    let mut scenario = Scenario { clients, duration_s: 1.0, ramp_s: 0.2, ..Scenario::load(name).unwrap() };
    if let Some(direct) = &mut scenario.direct {
        direct.messages_per_second_per_client = 50.0;
    }
    scenario
}

/// A file with a secret; it lives as long as the test.
fn secret_file() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(fake::SECRET).unwrap();
    file
}

fn request(fake: &Fake, scenario: Scenario, secret_file: PathBuf) -> Request {
    Request::new(Plan::new(scenario, 7, 0x5eed, 1_000, fake.address), secret_file)
}

/// Runs `scenario` against a server with `fault`.
fn run_against(fault: Fault, scenario: Scenario) -> RunResult {
    let (fake, secret) = (Fake::start(fault), secret_file());
    let request = request(&fake, scenario, secret.path().to_owned());
    run(request, &Arc::new(AtomicU32::new(0))).unwrap()
}
