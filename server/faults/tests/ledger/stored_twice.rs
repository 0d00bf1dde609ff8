//! One acknowledged message in a thousand that the log holds under two numbers: a duplicate at both members, each time.

use hubbub_loadgen::ledger::fault::FaultKind;

use super::{pairs, run_with};

#[test]
fn every_message_that_is_stored_twice_is_found() {
    let outcome = run_with("store_twice=1000", pairs(4.0));
    let (ledger, planted) = (&outcome.result.ledger, outcome.planted("store_twice"));
    assert!(!ledger.closed);
    assert_eq!(
        (ledger.totals.duplicated, outcome.kinds()),
        (2 * planted, [FaultKind::Duplicated].into()),
        "{ledger:?}"
    );
}
