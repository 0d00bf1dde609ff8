//! An acknowledged message that is not in the log, or is there without its body, is lost at every member.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn an_acknowledged_message_without_its_body_is_lost() {
    let result = run_against(Fault::LoseBody, scenario("direct", 20));
    assert!(!result.ledger.closed && result.ledger.totals.lost >= 2, "{:?}", result.ledger);
}

#[test]
fn an_acknowledged_message_that_was_not_stored_is_lost() {
    let result = run_against(Fault::LoseEntry, scenario("direct", 20));
    assert!(!result.ledger.closed && result.ledger.totals.lost >= 2, "{:?}", result.ledger);
    assert!(!result.ledger.faults.is_empty());
}
