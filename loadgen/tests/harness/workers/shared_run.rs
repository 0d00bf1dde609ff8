//! Two workers share a run: one ledger, one result, and the very messages that one process sends.

use super::super::fake::{Fake, Fault};
use super::super::same_seed::{messages, messages_at, varied};
use super::super::scenario;
use super::{Worker, fleet, run_over};

#[test]
fn two_workers_send_what_one_process_sends() {
    let (fake, one, two) = (Fake::start(Fault::Nothing), Worker::start(), Worker::start());
    let result = run_over(&fake, varied(), fleet(vec![one.address.clone(), two.address.clone()])).unwrap();
    assert!(result.ledger.closed && result.ledger.unaccounted_clients == 0, "{:?}", result.ledger);
    assert_eq!((result.environment.threads, result.environment.processes), (2, 2));
    let run_id = u64::from_str_radix(&result.environment.run_id, 16).unwrap();
    assert_eq!(messages_at(&fake, run_id), messages(1));
    let workers = &result.workers;
    assert_eq!(workers.iter().map(|worker| worker.address.as_str()).collect::<Vec<_>>(), [&one.address, &two.address]);
    assert_eq!(workers.iter().map(|worker| worker.clients).sum::<u32>(), 18);
    for worker in workers {
        assert!(worker.clients > 0 && worker.lost.is_none() && worker.cores > 0, "{worker:?}");
        assert!(worker.cpu_share.is_some_and(|share| share > 0.0) && worker.clock_uncertainty_us.is_some());
        assert!(worker.rss_bytes.is_some_and(|bytes| bytes > 1 << 20), "{worker:?}");
    }
    assert!(result.latency_us.delivery.is_some() && result.series.iter().any(|point| point.ack.is_some()));
}

#[test]
fn a_loss_at_one_worker_is_a_loss_of_the_run() {
    let (fake, one, two) = (Fake::start(Fault::LoseBody), Worker::start(), Worker::start());
    let result =
        run_over(&fake, scenario("direct", 20), fleet(vec![one.address.clone(), two.address.clone()])).unwrap();
    assert!(!result.ledger.closed && result.ledger.totals.lost > 0, "{:?}", result.ledger);
}
