//! A message to a group reaches every member, and the last of them completes its fan-out.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn groups_deliver_to_all_members() {
    let mut scenario = scenario("group", 24);
    let group = scenario.group.as_mut().unwrap();
    (group.members, group.messages_per_second_per_group) = (12, 30.0);
    let result = run_against(Fault::Nothing, scenario);
    let totals = &result.ledger.totals;
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert!(totals.accepted > 20 && totals.delivered == 12 * totals.accepted, "{totals:?}");
    let fanouts = result.latency_us.fanout_last.unwrap();
    assert!(fanouts.count > 0 && result.latency_us.fanout_first.unwrap().p50 <= fanouts.p50);
}
