//! One acknowledged message in a thousand whose body the log does not hold: lost at both members, each time.

use hubbub_loadgen::ledger::fault::FaultKind;

use super::{pairs, run_with};

#[test]
fn every_lost_body_is_found() {
    let outcome = run_with("lose_body=1000", pairs(4.0));
    let (ledger, planted) = (&outcome.result.ledger, outcome.planted("lose_body"));
    assert!(!ledger.closed);
    assert_eq!((ledger.totals.lost, outcome.kinds()), (2 * planted, [FaultKind::Lost].into()), "{ledger:?}");
    assert_eq!(ledger.fault_list.len() as u64, planted);
    for fault in &ledger.fault_list {
        assert!(fault.sender.is_some() && fault.counter.is_some() && fault.seq.is_some(), "{fault}");
    }
}
