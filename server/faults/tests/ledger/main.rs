//! The load harness against a server that breaks messages on purpose: its ledger must find what is wrong in the log, and
//! must close over what client sessions put right by themselves. One property in each file.
//!
//! `cargo test --release --workspace --features hubbub-faults/planted --test ledger`

mod body_lost;
mod on_the_way;
mod only_stored_copy;
mod stored_twice;
mod swapped;
mod unnamed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::engine::plan::Plan;
use hubbub_loadgen::ledger::fault::FaultKind;
use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::run::own_server::Settings;
use hubbub_loadgen::run::{Request, run};
use hubbub_loadgen::scenario::{Arrivals, Scenario};

/// A run, and how often each fault was planted in it.
struct Outcome {
    result: RunResult,
    planted: BTreeMap<String, u64>,
}

impl Outcome {
    /// How often a fault was planted; at least once, or the test says nothing.
    fn planted(&self, fault: &str) -> u64 {
        let planted = self.planted[fault];
        assert!(planted > 0, "{fault} was never planted: {:?}", self.planted);
        planted
    }

    /// The kinds of faults that the ledger lists.
    fn kinds(&self) -> BTreeSet<FaultKind> {
        self.result.ledger.fault_list.iter().map(|fault| fault.kind).collect()
    }
}

/// A hundred people in pairs who write two thousand messages a second.
fn pairs(seconds: f64) -> Scenario {
    let mut scenario = Scenario::load("direct").unwrap();
    scenario.clients = 100;
    (scenario.ramp_s, scenario.duration_s, scenario.drain_s) = (0.0, seconds, 60.0);
    scenario.arrivals = Arrivals::Constant;
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 20.0;
    scenario
}

/// Runs `scenario` against a server with these faults.
fn run_with(faults: &str, scenario: Scenario) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("server.log");
    let plan = Plan::new(scenario, 1, 0x5eed, 1_000, "127.0.0.1:1".parse().unwrap());
    let request = Request {
        own_server: Some(Settings {
            program: env!("CARGO_BIN_EXE_hubbub-faulty").into(),
            data_dir: None,
            flags: ["--shards", "2", "--durability", "os"].map(str::to_owned).into(),
            environment: vec![("PLANTED_FAULTS".to_owned(), faults.to_owned())],
            log: log.clone(),
            transports: Vec::new(),
        }),
        ..Request::new(plan, "made by the server".into())
    };
    let result = run(request, &Arc::new(AtomicU32::new(0))).unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("ERROR PLANTED FAULTS: this server breaks messages ON PURPOSE"), "{log}");
    let last =
        log.lines().find_map(|line| line.split_once("PLANTED FAULTS in this run: ")).expect("it tells in the end");
    let counts = last.1.split_whitespace().map(|word| word.split_once('=').unwrap());
    Outcome { result, planted: counts.map(|(name, count)| (name.to_owned(), count.parse().unwrap())).collect() }
}
