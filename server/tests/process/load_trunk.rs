//! The load harness with everybody in channels of a few trunks: the same ledger.

use crate::support::*;

#[test]
fn a_day_over_trunks_closes_its_ledger() {
    let server = Setup::new().trunks().unlimited().start();
    let mut scenario = small("mixed", 80, 3.0);
    scenario.community_users = Some(60);
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 5.0;
    let group = scenario.group.as_mut().unwrap();
    (group.members, group.groups_per_client, group.messages_per_second_per_group) = (40, 8.0, 5.0);
    scenario.churn.as_mut().unwrap().reconnects_per_minute_per_client = 20.0;
    let result = load_over_trunks(&server, scenario);
    assert!(result.is_good(), "{:?} {:?} {:?}", result.ledger, result.presence, result.errors);
    assert!(result.ledger.totals.accepted > 500, "{:?}", result.ledger.totals);
    let counts = &result.counts;
    assert!(counts.churned > 0 && counts.logins >= 80 + counts.churned, "{counts:?}");
    assert_eq!((counts.disconnects, counts.connect_errors), (0, 0), "{:?}", result.errors);
    // Two threads with two trunks each: at least one for each shard.
    let accepted = server.metric("hubbub_connections_accepted_total").unwrap();
    assert!(accepted <= 8.0, "{accepted} connections for 80 clients");
}

#[test]
fn a_storm_over_trunks_passes() {
    let server = Setup::new().trunks().unlimited().start();
    let mut scenario = small("storm", 60, 3.0);
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 10.0;
    scenario.storm.iter_mut().for_each(|storm| (storm.share, storm.at_s) = (0.5, 1.0));
    let result = load_over_trunks(&server, scenario);
    assert!(result.is_good() && result.ledger.totals.accepted > 500, "{:?}", result.ledger);
    let storm = result.storm.unwrap();
    assert!(storm.dropped > 0 && storm.synced_all_s.is_some(), "{storm:?}");
}

#[test]
fn lost_trunks_are_opened_again_and_nothing_is_lost() {
    let mut server = Setup::new().trunks().unlimited().start();
    let mut scenario = small("direct", 60, 4.0);
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 10.0;
    let request = request_over_trunks(&server, scenario);
    let running = std::thread::spawn(move || run_load(request));
    server.wait_for_metric("hubbub_sends_total", |sends| sends > 300.0);
    server.kill();
    server.start_again();
    let result = running.join().unwrap();
    assert!(result.ledger.closed, "{:?} {:?}", result.ledger, result.errors);
    assert!(result.counts.disconnects >= 60 && result.counts.logins >= 120, "{:?}", result.counts);
}
