//! A group with more members than one request names is made, and everybody has each message.

use crate::support::*;

#[test]
fn a_group_of_950_is_made_in_two_requests() {
    let server = Setup::new().start();
    let mut scenario = small("group-1000", 950, 2.0);
    let group = scenario.group.as_mut().unwrap();
    (group.members, group.messages_per_second_per_group) = (950, 3.0);
    let result = load(&server, scenario);
    let totals = &result.ledger.totals;
    assert!(result.is_good() && totals.accepted > 0, "{:?} {:?}", result.ledger, result.errors);
    assert_eq!(totals.delivered, 950 * totals.accepted);
}
