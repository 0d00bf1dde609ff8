//! The same seed and scenario make the same messages, of the same sizes, whatever the number of threads.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::body::{Parsed, parse};
use hubbub_loadgen::scenario::{BodySizes, DrawnSizes};

use super::fake::{Fake, Fault};
use super::{request, scenario, secret_file};

/// Every message of a run: conversation, sender, counter, bytes.
fn messages(threads: u32) -> Vec<(u64, u32, u32, usize)> {
    let (fake, secret) = (Fake::start(Fault::Nothing), secret_file());
    let mut request = request(&fake, scenario("direct", 18), secret.path().to_owned());
    let scenario = &mut request.plan.scenario;
    (scenario.direct.as_mut().unwrap().contacts, scenario.people.devices_per_user) = (3, 1.5);
    scenario.body = BodySizes::Drawn(DrawnSizes::Lognormal { p50: 100, p99: 400, max: 500 });
    request.threads = threads;
    let run_id = request.plan.run_id;
    let result = hubbub_loadgen::run::run(request, &Arc::new(AtomicU32::new(0))).unwrap();
    assert!(result.ledger.closed && result.environment.threads == threads, "{:?}", result.environment);
    let mut messages: Vec<_> = fake
        .bodies()
        .iter()
        .filter_map(|body| match parse(body, run_id) {
            Parsed::Whole(header) => Some((header.conversation, header.sender, header.counter, body.len())),
            Parsed::Foreign | Parsed::Damaged => None,
        })
        .collect();
    messages.sort_unstable();
    messages
}

#[test]
fn one_thread_and_three_send_the_same_messages() {
    let one = messages(1);
    assert!(one.len() > 300);
    assert_eq!(one, messages(3));
}
