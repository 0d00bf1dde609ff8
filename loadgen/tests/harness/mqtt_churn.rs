//! A persistent session at a broker keeps what came while its client was away, and the ledger closes over it.

use hubbub_loadgen::scenario::Churn;

use super::mosquitto::{Broker, VERSIONS};
use super::scenario;

#[test]
fn what_came_meanwhile_is_fetched_on_sync() {
    let Some(broker) = Broker::start() else { return };
    for version in VERSIONS {
        let mut scenario = scenario("direct", 40);
        scenario.duration_s = 2.0;
        scenario.churn = Some(Churn { reconnects_per_minute_per_client: 60.0, away_s: 0.3, share: 1.0 });
        let result = broker.run(scenario, version);
        assert!(result.ledger.closed, "{version:?}: {:?}", result.ledger);
        assert!(result.counts.churned > 10, "{:?}", result.counts);
        assert!(result.ledger.totals.delivered_on_sync > 0, "{:?}", result.ledger);
        assert!(result.counts.logins >= 40 + result.counts.churned / 2, "{:?}", result.counts);
    }
}
