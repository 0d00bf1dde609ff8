//! A server that refuses for now what one user sends too quickly is not blamed, and the run says so.

use super::fake::Fault;
use super::{run_against, scenario};

#[test]
fn what_a_limit_puts_off_is_sent_later_and_reported() {
    let result = run_against(Fault::LimitRate, scenario("direct", 20));
    assert!(result.ledger.closed, "{:?}", result.ledger);
    let put_off: u64 = result.errors.iter().filter(|(words, _)| words.contains("RateLimited")).map(|(_, n)| *n).sum();
    assert!(put_off > 0, "{:?}", result.errors);
}
