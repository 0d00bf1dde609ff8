//! A worker that stops answering without closing its connection is lost, too, and nothing waits for it.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use hubbub_loadgen::certify::Verdict;
use hubbub_loadgen::run::run;
use hubbub_loadgen::workers::Fleet;

use super::super::fake::{Fake, Fault};
use super::super::secret_file;
use super::{Worker, endless, fleet, request_over, wait_until};

#[test]
fn a_stopped_worker_is_lost() {
    let (fake, secret, worker) = (Fake::start(Fault::Nothing), secret_file(), Worker::start());
    // Longer than the time between two signs of life.
    let fleet = Fleet { silence: Duration::from_secs(3), ..fleet(vec![worker.address.clone()]) };
    let request = request_over(&fake, endless(4), secret.path(), fleet);
    let result = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(request, &Arc::new(AtomicU32::new(0))).unwrap());
        wait_until("messages are on their way", || fake.bodies().len() > 50);
        worker.signal("-STOP");
        running.join().unwrap()
    });
    assert!(!result.ledger.closed && result.verdict == Verdict::Generator, "{:?}", result.ledger);
    let why = result.ended_early.unwrap();
    assert!(why.contains(&worker.address) && why.contains("nothing was heard"), "{why}");
    assert_eq!(result.ledger.unaccounted_clients, 4);
}
