//! Messages have the sizes that were asked for.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::body::HEADER_BYTES;
use hubbub_loadgen::scenario::{BodySizes, DrawnSizes};

use super::fake::{Fake, Fault};
use super::{request, scenario, secret_file};

#[test]
fn sizes_are_drawn_within_their_bounds() {
    let (fake, secret) = (Fake::start(Fault::Nothing), secret_file());
    let mut scenario = scenario("direct", 12);
    scenario.body = BodySizes::Drawn(DrawnSizes::Lognormal { p50: 100, p99: 400, max: 500 });
    let request = request(&fake, scenario, secret.path().to_owned());
    assert!(hubbub_loadgen::run::run(request, &Arc::new(AtomicU32::new(0))).unwrap().ledger.closed);
    let mut sizes: Vec<usize> = fake.bodies().iter().map(|body| body.len()).collect();
    sizes.sort_unstable();
    assert!(sizes.len() > 300 && sizes[0] >= HEADER_BYTES && sizes[sizes.len() - 1] <= 500, "{sizes:?}");
    let median = sizes[sizes.len() / 2];
    assert!((80..=125).contains(&median), "{median}");
}
