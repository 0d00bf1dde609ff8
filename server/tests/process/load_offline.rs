//! People who were away and come back together have everything that was written to them.

use crate::support::*;

#[test]
fn everybody_comes_back_to_what_was_written() {
    let server = Setup::new().unlimited().start();
    let mut scenario = small("offline", 60, 3.0);
    scenario.people.devices_per_user = 1.5;
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 10.0;
    scenario.offline.as_mut().unwrap().return_at_s = 2.0;
    let result = load(&server, scenario);
    let totals = &result.ledger.totals;
    assert!(result.is_good() && totals.delivered_on_sync > 100, "{:?}", result.ledger);
    let offline = result.offline.unwrap();
    assert!((25..=35).contains(&offline.returned) && offline.synced_all_s.is_some(), "{offline:?}");
    assert_eq!(result.counts.disconnects, 0, "{:?}", result.errors);
}

#[test]
fn users_who_never_come_are_members_all_the_same() {
    let server = Setup::new().unlimited().start();
    let mut scenario = small("group-10", 60, 1.0);
    scenario.people.online_share = 0.5;
    let result = load(&server, scenario);
    let totals = &result.ledger.totals;
    assert!(result.is_good() && totals.accepted > 0, "{:?}", result.ledger);
    assert!((28..=32).contains(&result.counts.absent), "{:?}", result.counts);
    // A copy for each of those who are there, and a group of ten for the server.
    assert!(totals.copies_due < 8 * totals.accepted, "{totals:?}");
    assert_eq!(result.latency_us.fanout_by_size[0].members_from, 10);
}
