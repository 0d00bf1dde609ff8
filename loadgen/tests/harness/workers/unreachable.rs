//! Workers that cannot be had, and a server that a worker cannot reach, are named before anything starts.

use std::net::TcpListener;

use super::super::fake::{Fake, Fault};
use super::super::{scenario, secret_file};
use super::{Worker, fleet, request_over, run_over};

/// A port that was free a moment ago.
fn nowhere() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn all_workers_that_cannot_be_had_are_named() {
    let (fake, worker) = (Fake::start(Fault::Nothing), Worker::start());
    let (one, two) = (nowhere().to_string(), "no-port".to_owned());
    let all = fleet(vec![one.clone(), worker.address.clone(), two.clone()]);
    let error = format!("{:#}", run_over(&fake, scenario("direct", 4), all).unwrap_err());
    assert!(error.contains(&one) && error.contains(&two) && !error.contains(&worker.address), "{error}");
    assert!(error.contains("is `hubbub-load worker` running?") && error.contains("host:port"), "{error}");
}

#[test]
fn a_server_out_of_reach_is_named_with_the_worker() {
    let (fake, secret, worker) = (Fake::start(Fault::Nothing), secret_file(), Worker::start());
    let mut request = request_over(&fake, scenario("direct", 4), secret.path(), fleet(vec![worker.address.clone()]));
    request.plan.server = nowhere();
    let error = format!("{:#}", hubbub_loadgen::run::run(request, &Default::default()).unwrap_err());
    assert!(error.contains(&worker.address) && error.contains("nothing listens on"), "{error}");
}
