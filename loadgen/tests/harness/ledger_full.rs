//! When the ledger has no room for more unsettled messages, the traffic ends, the run says why, and what is under way is
//! still accounted for.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::run::run;
use hubbub_loadgen::scenario::Churn;

use super::fake::{Fake, Fault};
use super::{request, scenario, secret_file};

#[test]
fn a_full_ledger_ends_the_traffic_and_not_the_account() {
    let (fake, secret) = (Fake::start(Fault::Nothing), secret_file());
    let mut scenario = scenario("direct", 20);
    // What is sent to people who are away cannot be settled.
    scenario.churn = Some(Churn { reconnects_per_minute_per_client: 120.0, away_s: 3.0, share: 1.0 });
    scenario.duration_s = 20.0;
    let mut request = request(&fake, scenario, secret.path().to_owned());
    request.plan.ledger_bytes = 40 * 30;
    let result = run(request, &Arc::new(AtomicU32::new(0))).unwrap();
    let why = result.ended_early.unwrap();
    assert!(why.contains("--ledger-bytes 1200") && why.contains("30 messages"), "{why}");
    assert!(result.measured_s < 20.0, "{}", result.measured_s);
    assert!(result.ledger.closed, "{:?}", result.ledger);
    assert_eq!(result.ledger.unsettled.limit, 30);
    assert!((30..60).contains(&result.ledger.unsettled.most), "{:?}", result.ledger.unsettled);
}
