//! Two acknowledged messages that the log holds in each other's place: out of order at both members, each time.

use hubbub_loadgen::ledger::fault::FaultKind;

use super::{pairs, run_with};

#[test]
fn every_swap_is_found() {
    let outcome = run_with("swap=1000", pairs(4.0));
    let (ledger, planted) = (&outcome.result.ledger, outcome.planted("swap"));
    assert!(!ledger.closed);
    assert_eq!((ledger.totals.reordered, outcome.kinds()), (4 * planted, [FaultKind::Reordered].into()), "{ledger:?}");
}
