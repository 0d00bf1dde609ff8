//! Over a broker that keeps its promises the ledger closes, in both versions of MQTT, one-to-one and in groups.

use super::mosquitto::{Broker, VERSIONS};
use super::scenario;

#[test]
fn pairs_and_groups_close_over_mosquitto() {
    let Some(broker) = Broker::start() else { return };
    for version in VERSIONS {
        for name in ["direct", "group"] {
            let mut scenario = scenario(name, 90);
            scenario.group.iter_mut().for_each(|group| group.members = 80);
            let result = broker.run(scenario, version);
            let totals = &result.ledger.totals;
            assert!(result.ledger.closed, "{name}, {version:?}: {:?}", result.ledger);
            assert!(totals.accepted >= 5 && totals.delivered == totals.copies_due, "{totals:?}");
            assert_eq!(totals.delivered_live + totals.delivered_on_sync, totals.delivered);
            assert!(result.latency_us.ack.is_some() && result.latency_us.delivery.is_some());
            assert_eq!(result.latency_us.fanout_last.is_some(), name == "group");
            assert!(result.server.cpu_cores.is_some() && result.server.rss_bytes.is_some(), "its process was found");
        }
    }
}
