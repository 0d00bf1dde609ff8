//! A flipped bit is noticed.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn a_flipped_bit_is_noticed() {
    let result = run_against(Fault::Corrupt, scenario("direct", 20));
    assert!(!result.ledger.closed && result.ledger.totals.corrupt >= 2, "{:?}", result.ledger);
}
