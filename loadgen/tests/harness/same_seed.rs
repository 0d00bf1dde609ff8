//! The same seed and scenario make the same messages, of the same sizes, whatever the number of threads.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::body::{Parsed, parse};
use hubbub_loadgen::run::{Request, run};
use hubbub_loadgen::scenario::{BodySizes, DrawnSizes, Scenario};

use super::fake::{Fake, Fault};
use super::{request, scenario, secret_file};

/// A conversation, a sender, the sender's counter there, and the bytes of the message.
pub(crate) type Message = (u64, u32, u32, usize);

/// A scenario with everything in it that is drawn.
pub(crate) fn varied() -> Scenario {
    let mut scenario = scenario("direct", 18);
    (scenario.direct.as_mut().unwrap().contacts, scenario.people.devices_per_user) = (3, 1.5);
    scenario.body = BodySizes::Drawn(DrawnSizes::Lognormal { p50: 100, p99: 400, max: 500 });
    scenario
}

/// Every message that a server has of a run.
pub(crate) fn messages_at(fake: &Fake, run_id: u64) -> Vec<Message> {
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

/// Every message of a run of its own, in this process.
pub(crate) fn messages(threads: u32) -> Vec<Message> {
    let (fake, secret) = (Fake::start(Fault::Nothing), secret_file());
    let request = Request { threads, ..request(&fake, varied(), secret.path().to_owned()) };
    let run_id = request.plan.run_id;
    let result = run(request, &Arc::new(AtomicU32::new(0))).unwrap();
    assert!(result.ledger.closed && result.environment.threads == threads, "{:?}", result.environment);
    messages_at(&fake, run_id)
}

#[test]
fn one_thread_and_three_send_the_same_messages() {
    let one = messages(1);
    assert!(one.len() > 300);
    assert_eq!(one, messages(3));
}
