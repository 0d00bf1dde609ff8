//! The load harness with a server of its own.

use hubbub_loadgen::engine::plan::Plan;
use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::run::own_server::Settings;
use hubbub_loadgen::run::{Request, run};
use hubbub_loadgen::scenario::Scenario;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// A run of `scenario` with a server of its own, whose data and log are in `dir`; clients come back soon after an orderly
/// stop.
pub(crate) fn own_server_request(scenario: Scenario, dir: &Path) -> Request {
    let plan = Plan::new(scenario, 1, 0x5eed, 1_000, "127.0.0.1:1".parse().unwrap());
    Request {
        own_server: Some(Settings {
            program: env!("CARGO_BIN_EXE_hubbub").into(),
            data_dir: Some(dir.join("data")),
            flags: vec!["--shards".to_owned(), "2".to_owned()],
            environment: vec![("HUBBUB_SHUTDOWN__RETRY_SPREAD_MS".to_owned(), "300".to_owned())],
            log: dir.join("server.log"),
            transports: Vec::new(),
        }),
        ..Request::new(plan, "made by the server".into())
    }
}

/// Runs to the end.
pub(crate) fn load_request(request: Request) -> anyhow::Result<RunResult> {
    run(request, &Arc::new(AtomicU32::new(0)))
}

/// Whether a process has `word` in its command line.
pub(crate) fn anybody_runs_with(word: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let word = word.to_str().unwrap();
    let mut lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(word))
}
