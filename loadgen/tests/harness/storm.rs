//! Connections that drop at one moment: everybody resumes, nothing is lost, and those who stayed are told apart.

use hubbub_loadgen::report::result::RunResult;

use super::fake::Fault;
use super::{run_against, scenario};

fn run_storm(share: f64) -> RunResult {
    let mut scenario = scenario("storm", 12);
    let storm = scenario.storm.as_mut().unwrap();
    (storm.share, storm.at_s) = (share, 0.5);
    let result = run_against(Fault::Nothing, scenario);
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert_eq!(result.counts.disconnects, 0, "the storm is no fault of the server");
    result
}

#[test]
fn everybody_drops_and_resumes() {
    let result = run_storm(1.0);
    let storm = result.storm.unwrap();
    assert_eq!((storm.dropped, result.counts.logins), (12, 24));
    let times = [storm.synced_50_s, storm.synced_99_s, storm.synced_all_s].map(Option::unwrap);
    // The client library waits for at least 50 ms before it comes back.
    assert!(times.is_sorted() && times[0] >= 0.05, "{times:?}");
    assert_eq!(storm.login_us.unwrap().count, 12);
    assert!(storm.stayed_before_us.is_none() && storm.stayed_delivery_us.is_none());
}

#[test]
fn those_who_stay_are_reported_by_themselves() {
    let storm = run_storm(0.5).storm.unwrap();
    assert!((5..=7).contains(&storm.dropped), "{storm:?}");
    assert!(storm.stayed_before_us.unwrap().count > 20 && storm.stayed_delivery_us.unwrap().count > 20);
}
