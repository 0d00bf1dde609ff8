//! Latencies of the load harness count from the intended time of a send: what a stall delays is charged to the stall.
//!
//! By construction: at a constant rate over 4 s, with the server stopped from 1 s to 3 s, half of all sends are due in the
//! stall. Those of its first half, a quarter of all, wait for more than a second, so the 99th percentile is above that. A
//! harness that waited for answers before it sent again would have one late send for each client, and a small p99.

use crate::support::*;
use hubbub_loadgen::disturbance::{Action, Disturbance};
use hubbub_loadgen::scenario::Arrivals;

const STALL_US: u64 = 1_000_000;

#[test]
fn a_stop_of_two_seconds_shows_in_p99() {
    let dir = tempfile::tempdir().unwrap();
    let mut scenario = small("direct", 40, 4.0);
    (scenario.ramp_s, scenario.drain_s) = (0.0, 60.0);
    scenario.arrivals = Arrivals::Constant;
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 10.0;
    let stop =
        Disturbance { at_s: 1.0, action: Action::Stop, restart_after_s: 0.0, for_s: 2.0, every_s: None, jitter_s: 0.0 };
    scenario.disturbance = vec![stop];
    let result = load_request(own_server_request(scenario, dir.path())).unwrap();
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert_eq!(result.counts.disconnects, 0, "a stop ends no connection");
    let offered = result.counts.offered;
    for latency in [result.latency_us.ack, result.latency_us.delivery] {
        let latency = latency.unwrap();
        assert_eq!(latency.count, offered, "every send counts, those that were due in the stall, too");
        assert!(latency.p99 >= STALL_US && latency.p90 >= STALL_US, "{latency:?}");
    }
    assert!(result.disturbances[0].down_s >= 2.0, "{:?}", result.disturbances);
}
