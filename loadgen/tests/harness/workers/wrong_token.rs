//! Who does not have the token gets nothing, and hears so; who has it is served soon afterwards.

use hubbub_loadgen::workers::Fleet;
use hubbub_loadgen::workers::secret::Token;

use super::super::fake::{Fake, Fault};
use super::super::scenario;
use super::{Worker, assert_serves, fleet, run_over};

#[test]
fn another_token_is_refused_and_the_worker_goes_on() {
    let (fake, worker) = (Fake::start(Fault::Nothing), Worker::start());
    let token = Token::new(b"another token for these tests").unwrap();
    let wrong = Fleet { token, ..fleet(vec![worker.address.clone()]) };
    let error = format!("{:#}", run_over(&fake, scenario("direct", 4), wrong).unwrap_err());
    assert!(error.contains(&worker.address) && error.contains("the token is refused"), "{error}");
    // The address is locked out for a moment: the next coordinator waits for that by itself.
    assert_serves(&worker);
}
