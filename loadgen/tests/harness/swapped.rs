//! Two messages that are stored in each other's place are out of order at every member.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn swapped_messages_are_noticed() {
    let result = run_against(Fault::Swap, scenario("direct", 4));
    let totals = &result.ledger.totals;
    assert!(!result.ledger.closed && totals.reordered >= 2, "{totals:?}");
    assert_eq!(totals.duplicated, 0, "{totals:?}");
}
