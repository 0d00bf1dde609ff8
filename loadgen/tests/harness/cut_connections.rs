//! When all connections break in the middle of a run, clients come back, resend, and the ledger still closes.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn the_ledger_closes_over_broken_connections() {
    let result = run_against(Fault::CutAll(300), scenario("direct", 20));
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert!(result.counts.disconnects >= 20 && result.counts.logins >= 40, "{:?}", result.counts);
    assert!(result.generator.resends > 0, "the send that was stored and not acknowledged is sent again");
    assert!(result.ledger.totals.delivered_on_sync > 0);
}
