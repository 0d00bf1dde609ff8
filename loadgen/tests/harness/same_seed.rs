//! The same seed and scenario make the same messages, whatever the number of threads.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::body::{Parsed, parse};

use super::fake::{Fake, Fault};
use super::{request, scenario, secret_file};

/// Every message of a run: conversation, sender, counter.
fn messages(threads: u32) -> Vec<(u64, u32, u32)> {
    let (fake, secret) = (Fake::start(Fault::Nothing), secret_file());
    let mut request = request(&fake, scenario("direct", 12), secret.path().to_owned());
    (request.threads, request.plan.scenario.direct.as_mut().unwrap().contacts) = (threads, 3);
    let run_id = request.plan.run_id;
    let result = hubbub_loadgen::run::run(request, &Arc::new(AtomicU32::new(0))).unwrap();
    assert!(result.ledger.closed && result.environment.threads == threads, "{:?}", result.environment);
    let mut messages: Vec<_> = fake
        .bodies()
        .iter()
        .filter_map(|body| match parse(body, run_id) {
            Parsed::Whole(header) => Some((header.conversation, header.sender, header.counter)),
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
