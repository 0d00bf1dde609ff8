//! A body that those who are there receive, and that the store does not hold: lost at those who come back later.

use hubbub_loadgen::ledger::fault::FaultKind;
use hubbub_loadgen::scenario::Churn;

use super::{pairs, run_with};

#[test]
fn a_body_that_only_the_store_has_lost_is_found_by_who_comes_back() {
    let mut scenario = pairs(4.0);
    scenario.churn = Some(Churn { reconnects_per_minute_per_client: 60.0, away_s: 0.5, share: 1.0 });
    let outcome = run_with("lose_stored=20", scenario);
    let (ledger, planted) = (&outcome.result.ledger, outcome.planted("lose_stored"));
    assert!(!ledger.closed);
    assert_eq!(outcome.kinds(), [FaultKind::Lost].into(), "{ledger:?}");
    // Whoever was there has it: at most one copy of each is gone, and mostly none.
    assert!((1..2 * planted).contains(&ledger.totals.lost), "{planted}: {ledger:?}");
}

#[test]
fn nobody_notices_while_everybody_is_there() {
    let outcome = run_with("lose_stored=20", pairs(1.0));
    assert!(outcome.planted("lose_stored") > 0 && outcome.result.ledger.closed, "{:?}", outcome.result.ledger);
}
