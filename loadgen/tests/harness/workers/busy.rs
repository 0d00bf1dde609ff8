//! A worker serves one run at a time, and says so to others.

use super::super::fake::{Fake, Fault};
use super::super::scenario;
use super::{Worker, endless, fleet, run_over, wait_until};

#[test]
fn a_second_coordinator_is_told_that_it_is_busy() {
    let (fake, worker) = (Fake::start(Fault::Nothing), Worker::start());
    let over = || fleet(vec![worker.address.clone()]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| run_over(&fake, endless(4), over()));
        wait_until("the first run is under way", || !fake.bodies().is_empty());
        let error = format!("{:#}", run_over(&fake, scenario("direct", 4), over()).unwrap_err());
        assert!(error.contains("busy"), "{error}");
        // It did the first run no harm; only its end does.
        let seen = fake.bodies().len();
        wait_until("the first run goes on", || fake.bodies().len() > seen + 20);
        worker.signal("-KILL");
        assert!(!first.join().unwrap().unwrap().ledger.closed);
    });
}
