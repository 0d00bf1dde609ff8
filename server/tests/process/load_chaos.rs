//! The load harness kills and restarts its server while people chat: its ledger closes, and its result tells what was done.

use crate::support::*;
use hubbub_loadgen::disturbance::{Action, Disturbance};

fn disturbance(at_s: f64, action: Action) -> Disturbance {
    Disturbance { at_s, action, restart_after_s: 0.4, for_s: 0.4, every_s: None, jitter_s: 0.0 }
}

#[test]
fn the_ledger_closes_over_a_kill_and_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut scenario = small("chaos", 60, 6.0);
    (scenario.ramp_s, scenario.drain_s) = (0.0, 60.0);
    scenario.community_users = Some(20);
    scenario.group.as_mut().unwrap().members = 10;
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 4.0;
    scenario.disturbance = vec![disturbance(1.0, Action::Kill), disturbance(3.5, Action::Restart)];
    let result = load_request(own_server_request(scenario, dir.path())).unwrap();
    let ledger = &result.ledger;
    assert!(ledger.closed && ledger.totals.accepted > 500, "{ledger:?}");
    assert!(ledger.totals.delivered_on_sync > 0, "some of it was sent while nobody could be reached");
    assert_eq!(result.disturbances.iter().map(|done| done.action).collect::<Vec<_>>(), [Action::Kill, Action::Restart]);
    for done in &result.disturbances {
        assert!(done.at_s >= 1.0 && done.down_s > 0.0 && done.synced_least < done.synced_before, "{done:?}");
    }
    let killed = &result.disturbances[0];
    assert!(killed.synced_before > 0 && killed.recovered_s.is_some() && killed.down_s >= 0.4, "{killed:?}");
    assert!(result.counts.disconnects >= u64::from(killed.synced_before), "{:?}", result.counts);
    // Three processes were the server: no figure mixes them.
    assert_eq!((result.server.cpu_cores, result.server.entries_delivered), (None, None));
    let log = std::fs::read_to_string(dir.path().join("server.log")).unwrap();
    assert_eq!(log.matches("clients on 127.0.0.1:").count(), 3, "{log}");
    let mut ports: Vec<&str> =
        log.lines().filter_map(|line| line.split_once("clients on ")?.1.split(' ').next()).collect();
    ports.dedup();
    assert_eq!(ports, [result.environment.server.as_str()], "it keeps its port for clients");
}
