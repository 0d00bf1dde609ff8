//! Connections that drop together, while people write: everybody resumes, and nothing is lost.

use crate::support::*;

#[test]
fn a_storm_passes_and_the_ledger_closes() {
    let server = Setup::new().unlimited().start();
    let mut scenario = small("storm", 60, 3.0);
    scenario.direct.as_mut().unwrap().messages_per_second_per_client = 10.0;
    scenario.storm.iter_mut().for_each(|storm| (storm.share, storm.at_s) = (0.5, 1.0));
    let result = load(&server, scenario);
    assert!(result.is_good() && result.ledger.totals.accepted > 500, "{:?}", result.ledger);
    let storm = result.storm.unwrap();
    assert!((28..=32).contains(&storm.dropped) && storm.synced_all_s.is_some(), "{storm:?}");
    assert!(storm.stayed_delivery_us.unwrap().count > 100 && storm.server_rss_bytes_peak.is_some(), "{storm:?}");
    assert_eq!(result.counts.logins, 60 + storm.dropped);
    assert_eq!(result.counts.disconnects, 0, "{:?}", result.errors);
}
