//! Several devices of one user: a copy is owed to each device of each member, the sender's other ones included.

use hubbub_loadgen::report::result::RunResult;

use super::fake::Fault;
use super::{run_against, scenario};

/// Pairs of users, of whom the first has one device and the second has two.
fn run_pairs(fault: Fault) -> RunResult {
    let mut scenario = scenario("direct", 12);
    scenario.people.devices_per_user = 1.5;
    run_against(fault, scenario)
}

#[test]
fn every_device_has_a_copy() {
    let result = run_pairs(Fault::Nothing);
    let totals = &result.ledger.totals;
    assert!(result.ledger.closed && result.users == Some(8), "{:?}", result.ledger);
    assert!(totals.accepted > 100, "{totals:?}");
    assert_eq!(totals.copies_due, 3 * totals.accepted);
    // All but the sender's own.
    assert_eq!(result.counts.delivered, 2 * totals.accepted);
}

#[test]
fn a_lost_body_is_lost_at_every_device() {
    let totals = run_pairs(Fault::LoseBody).ledger.totals;
    assert!(totals.lost >= 3 && totals.lost.is_multiple_of(3), "{totals:?}");
}
