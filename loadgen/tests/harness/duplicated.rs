//! A message that is stored under two numbers is a duplicate at every member.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn a_message_stored_twice_is_noticed() {
    let result = run_against(Fault::StoreTwice, scenario("direct", 20));
    let totals = &result.ledger.totals;
    assert!(!result.ledger.closed && totals.duplicated >= 2, "{totals:?}");
    assert_eq!((totals.lost, totals.corrupt), (0, 0), "{totals:?}");
}
