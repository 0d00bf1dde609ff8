//! Everything at once: devices, groups of many sizes, typing, reading, presence, and people who come and go.

use crate::support::*;

#[test]
fn a_day_in_small_closes_its_ledger() {
    let server = Setup::new().unlimited().start();
    let mut scenario = small("mixed", 80, 3.0);
    scenario.community_users = Some(60);
    let direct = scenario.direct.as_mut().unwrap();
    direct.messages_per_second_per_client = 5.0;
    let group = scenario.group.as_mut().unwrap();
    (group.members, group.groups_per_client, group.messages_per_second_per_group) = (40, 8.0, 5.0);
    let typing = scenario.typing.as_mut().unwrap();
    (typing.share, typing.lead_s) = (0.5, 0.3);
    scenario.churn.as_mut().unwrap().reconnects_per_minute_per_client = 10.0;
    let result = load(&server, scenario);
    let totals = &result.ledger.totals;
    assert!(result.is_good(), "{:?} {:?} {:?}", result.ledger, result.presence, result.errors);
    assert!(totals.accepted > 500 && totals.copies_due > 4 * totals.accepted, "{totals:?}");
    assert_eq!(result.users, Some(62));
    let counts = &result.counts;
    assert!(counts.churned > 0 && counts.reads > 0 && counts.typing_received >= counts.typing_sent, "{counts:?}");
    assert!(result.latency_us.typing.unwrap().count > 100);
    let sizes: Vec<_> = result.latency_us.fanout_by_size.iter().map(|class| class.members_from).collect();
    assert_eq!(sizes, [2, 10]);
}
