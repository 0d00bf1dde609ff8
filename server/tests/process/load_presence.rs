//! Watchers under load: each learns who comes and goes, all see the truth in the end, and it is noticed when they do not.

use crate::support::*;
use hubbub_loadgen::report::result::RunResult;

const GRACE_MS: u64 = 300;

/// People of whom half come and go once a second or so.
fn flap(config: &str, settle_s: f64) -> RunResult {
    let server = Setup::new().config(config).start();
    let mut scenario = small("presence", 45, 3.0);
    scenario.people.devices_per_user = 1.5;
    scenario.presence.iter_mut().for_each(|presence| (presence.watched, presence.settle_s) = (8, settle_s));
    let churn = scenario.churn.as_mut().unwrap();
    (churn.reconnects_per_minute_per_client, churn.away_s, churn.share) = (60.0, 1.0, 0.5);
    load(&server, scenario)
}

#[test]
fn everybody_is_told_and_sees_the_truth_in_the_end() {
    let result = flap(&format!("presence.grace_ms = {GRACE_MS}\npresence.interval_ms = 50"), 20.0);
    let presence = result.presence.unwrap();
    assert!(result.is_good() && presence.wrong == 0 && presence.watched > 100, "{presence:?} {:?}", result.errors);
    assert!(result.latency_us.presence.unwrap().count > 0);
    // Nobody is told before the grace period is over.
    let away = result.latency_us.presence_away.unwrap();
    assert!(away.count > 0 && away.p50 >= GRACE_MS * 1_000, "{away:?}");
    assert_eq!(result.counts.disconnects, 0, "{:?}", result.errors);
}

#[test]
fn watchers_that_still_see_who_has_gone_fail_the_run() {
    let result = flap("presence.grace_ms = 60000", 0.5);
    let presence = result.presence.unwrap();
    assert!(result.ledger.closed && presence.wrong > 0 && !result.is_good(), "{presence:?}");
    assert!(result.errors.keys().any(|words| words.contains("does not see that user")), "{:?}", result.errors);
}
