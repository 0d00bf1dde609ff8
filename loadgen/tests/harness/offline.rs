//! Who was away and is brought back gets everything on sync, and how long that takes is told.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn everybody_comes_back_and_catches_up() {
    let mut scenario = scenario("offline", 12);
    scenario.offline.as_mut().unwrap().return_at_s = 0.5;
    let result = run_against(Fault::Nothing, scenario);
    let totals = &result.ledger.totals;
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert!(totals.delivered_on_sync > 20, "{totals:?}");
    assert_eq!(totals.delivered, 2 * totals.accepted);
    let offline = result.offline.unwrap();
    assert!((5..=7).contains(&offline.returned), "{offline:?}");
    assert!(offline.synced_all_s.unwrap() >= offline.synced_50_s.unwrap() && offline.login_us.is_some());
    assert!(result.counts.skipped_away > 0 && result.counts.disconnects == 0, "{:?}", result.counts);
}

#[test]
fn whoever_was_still_away_when_the_traffic_ended_comes_back_then() {
    let mut scenario = scenario("offline", 12);
    scenario.offline.as_mut().unwrap().return_at_s = 1.0;
    let result = run_against(Fault::Nothing, scenario);
    assert!(result.ledger.closed && result.ledger.totals.delivered_on_sync > 20, "{:?}", result.ledger);
    assert!(result.offline.unwrap().synced_all_s.is_some());
}
