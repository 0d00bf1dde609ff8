//! The user and the password reach the broker, and a wrong one ends the run with the broker's words.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use hubbub_loadgen::engine::plan::Protocol;
use hubbub_loadgen::run::run;

use super::mosquitto::{Broker, VERSIONS};
use super::scenario;

#[test]
fn only_the_right_password_lets_clients_in() {
    let Some(broker) = Broker::start_for("ann", "right-word") else { return };
    for version in VERSIONS {
        for (password, is_right) in [("right-word\n", true), ("wrong-word\n", false)] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(password.as_bytes()).unwrap();
            let mut request = broker.request(scenario("direct", 10), version);
            request.secret_file = file.path().to_owned();
            request.plan.protocol = Protocol::Mqtt { version, user: Some("ann".into()) };
            match run(request, &Arc::new(AtomicU32::new(0))) {
                Ok(result) => assert!(is_right && result.ledger.closed, "{version:?}: {:?}", result.ledger),
                Err(error) => {
                    let words = error.to_string();
                    assert!(!is_right && words.contains("the broker refused a client"), "{version:?}: {words}");
                    assert!(!words.contains("-word"), "{words}");
                }
            }
        }
    }
}
