//! A server that the load harness starts ends with the run, however that ends; no other server is ever disturbed.

use crate::support::*;
use hubbub_loadgen::disturbance::{Action, Disturbance};
use hubbub_loadgen::run::run;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

#[test]
fn nothing_is_left_of_a_server_after_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let result = load_request(own_server_request(small("idle", 20, 0.5), dir.path())).unwrap();
    assert!(result.ledger.closed && result.disturbances.is_empty());
    assert!(result.server.rss_bytes.is_some_and(|bytes| bytes > 0), "it is looked at: {:?}", result.server);
    assert!(!anybody_runs_with(dir.path()));
    let log = std::fs::read_to_string(dir.path().join("server.log")).unwrap();
    assert!(log.ends_with("stopped\n"), "an orderly stop: {log}");
    assert!(dir.path().join("data/store").is_dir(), "a directory that was named is kept");
}

#[test]
fn nothing_is_left_when_the_run_is_interrupted() {
    for interrupts in [1, 2] {
        let dir = tempfile::tempdir().unwrap();
        let request = own_server_request(small("direct", 20, 60.0), dir.path());
        let outcome = run(request, &Arc::new(AtomicU32::new(interrupts)));
        assert!(outcome.is_err_and(|error| error.to_string().contains("interrupted")));
        assert!(!anybody_runs_with(dir.path()));
    }
}

#[test]
fn a_server_that_ends_by_itself_ends_the_run_with_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let request = own_server_request(small("direct", 20, 60.0), dir.path());
    let path = dir.path().to_owned();
    let killer = std::thread::spawn(move || {
        let text = wait_for("the server", || std::fs::read_to_string(path.join("data/addresses.json")).ok());
        let addresses: serde_json::Value = serde_json::from_str(&text).unwrap();
        // It has clients that chat: the traffic has begun.
        let metrics = addresses["metrics"].as_str().unwrap().parse().unwrap();
        wait_until("traffic", || scrape(metrics).contains("hubbub_sends_total") && sends(&scrape(metrics)) > 20.0);
        let kill = format!("kill -KILL {}", addresses["pid"]);
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    });
    let result = load_request(request).unwrap();
    killer.join().unwrap();
    let why = result.ended_early.unwrap();
    assert!(why.contains("ended by itself") && why.contains("server.log"), "{why}");
    assert!(!anybody_runs_with(dir.path()));
}

fn sends(page: &str) -> f64 {
    let lines = page.lines().filter(|line| line.starts_with("hubbub_sends_total"));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

#[test]
fn a_server_that_is_not_its_own_is_not_disturbed() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let mut scenario = small("idle", 2, 5.0);
    let (at_s, action) = (0.0, Action::Kill);
    scenario.disturbance =
        vec![Disturbance { at_s, action, restart_after_s: 0.0, for_s: 0.0, every_s: None, jitter_s: 0.0 }];
    let mut request = own_server_request(scenario, dir.path());
    request.own_server = None;
    request.plan.server = server.clients;
    let refused = load_request(request).unwrap_err().to_string();
    assert!(refused.contains("--own-server"), "{refused}");
}
