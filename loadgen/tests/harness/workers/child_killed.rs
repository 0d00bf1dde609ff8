//! The same for a process that this program started by itself: here, and on a worker.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::certify::Verdict;
use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::run::run;

use super::super::fake::{Fake, Fault};
use super::super::secret_file;
use super::{
    Ended, Worker, assert_serves, endless, endless_program, failed_result, fleet, request_over, send_signal, wait_until,
};

/// Processes that a process has started.
fn children_of(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let of_threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().map_while(Result::ok);
    let texts = of_threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let pids = |text: String| text.split_ascii_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<u32>>();
    let mut all: Vec<u32> = texts.chain([text]).flat_map(pids).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn assert_lost(result: &RunResult) {
    assert!(!result.ledger.closed && result.verdict == Verdict::Generator, "{:?}", result.ledger);
    assert!(result.ended_early.as_ref().is_some_and(|why| why.contains("worker process")), "{:?}", result.ended_early);
    assert_eq!(result.ledger.unaccounted_clients, 10);
    assert!(result.ledger.totals.is_closed() && result.ledger.totals.accepted > 0);
}

#[test]
fn a_process_killed_here_is_a_clear_result() {
    let (fake, secret, out) = (Fake::start(Fault::Nothing), secret_file(), tempfile::tempdir().unwrap());
    let mut command = endless_program(&fake, secret.path(), out.path());
    let run = Ended(command.args(["--processes", "2"]).spawn().unwrap());
    wait_until("messages are on their way", || fake.bodies().len() > 300);
    send_signal(children_of(run.0.id())[0], "-KILL");
    assert_lost(&failed_result(run, out.path()));
}

#[test]
fn a_process_killed_on_a_worker_is_a_clear_result() {
    let (fake, secret, worker) =
        (Fake::start(Fault::Nothing), secret_file(), Worker::start_with(&["--processes", "2"]));
    let request = request_over(&fake, endless(20), secret.path(), fleet(vec![worker.address.clone()]));
    let result = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(request, &Arc::new(AtomicU32::new(0))).unwrap());
        wait_until("messages are on their way", || fake.bodies().len() > 300);
        send_signal(children_of(worker.process.0.id())[0], "-KILL");
        running.join().unwrap()
    });
    assert_lost(&result);
    assert!(result.ended_early.unwrap().contains(&worker.address));
    assert_serves(&worker);
    assert_eq!(children_of(worker.process.0.id()), [0_u32; 0], "nothing of a run is left");
}
