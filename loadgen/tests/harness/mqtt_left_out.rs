//! What MQTT cannot do is counted and told, and the rest of the scenario runs.

use hubbub_loadgen::report::summary::summary;

use super::mosquitto::Broker;
use super::scenario;

#[test]
fn marks_signals_and_presence_are_named_as_not_driven() {
    let Some(broker) = Broker::start() else { return };
    let mut mixed = scenario("mixed", 60);
    mixed.community_users = None;
    mixed.group.iter_mut().for_each(|group| group.members = 10);
    mixed.presence.iter_mut().for_each(|presence| presence.settle_s = 0.5);
    mixed.reads.iter_mut().for_each(|reads| (reads.share, reads.think_s) = (1.0, 0.05));
    mixed.typing.iter_mut().for_each(|typing| typing.share = 1.0);
    let result = broker.run(mixed, hubbub_loadgen::mqtt::Version::V5);
    assert!(result.ledger.closed && result.ledger.totals.accepted > 100, "{:?}", result.ledger);
    assert_eq!(result.protocol, "mqtt5");
    let told = summary(&result);
    for what in ["read marks", "typing signals", "watch lists of presence"] {
        assert!(result.not_driven.get(what).is_some_and(|times| *times > 0), "{what}: {:?}", result.not_driven);
        assert!(told.contains(what), "{told}");
    }
    assert_eq!((result.counts.reads, result.counts.typing_sent), (0, 0));
}
