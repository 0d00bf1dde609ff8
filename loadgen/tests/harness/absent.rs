//! Who is not there during the traffic exists all the same: it is written to, and owes and is owed nothing.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn users_who_stay_away_are_written_to_and_owed_nothing() {
    let mut scenario = scenario("direct", 12);
    scenario.people.online_share = 0.5;
    scenario.direct.as_mut().unwrap().contacts = 3;
    let result = run_against(Fault::Nothing, scenario);
    let totals = &result.ledger.totals;
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert!((5..=7).contains(&result.counts.absent) && result.counts.logins == 12, "{:?}", result.counts);
    assert_eq!((result.counts.skipped_away, result.counts.disconnects), (0, 0));
    // Messages between two who are there have two copies, those to somebody away have one.
    assert!(totals.accepted > 50 && totals.delivered > totals.accepted, "{totals:?}");
    assert!(totals.delivered < 2 * totals.accepted, "{totals:?}");
}
