//! Against a server that keeps its promises, the ledger closes and every figure is there.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn a_right_server_closes_the_ledger() {
    let result = run_against(Fault::Nothing, scenario("direct", 20));
    let totals = &result.ledger.totals;
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert!(totals.accepted > 500, "{totals:?}");
    assert_eq!((totals.delivered, totals.copies_due), (2 * totals.accepted, 2 * totals.accepted));
    assert!(result.latency_us.delivery.is_some_and(|delivery| delivery.count > 0 && delivery.p50 > 0));
    assert!(result.latency_us.ack.is_some() && result.latency_us.login.is_some());
    assert_eq!(result.server.cpu_us_per_delivery, None, "nothing was measured, and nothing is claimed");
}
