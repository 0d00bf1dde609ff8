//! What only went wrong on the way is repaired by the client session: the ledger closes, and says what was repaired.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn a_push_that_was_not_sent_is_repaired() {
    let result = run_against(Fault::DropPush, scenario("direct", 20));
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert!(result.ledger.repaired_gaps > 0 && result.ledger.totals.delivered_on_sync > 0, "{:?}", result.ledger);
}

#[test]
fn a_push_that_was_sent_twice_is_dropped() {
    let result = run_against(Fault::DoublePush, scenario("direct", 20));
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert!(result.ledger.dropped_duplicates > 0, "{:?}", result.ledger);
}
