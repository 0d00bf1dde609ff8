//! A refused login ends the run with the way out.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use super::fake::{Fake, Fault};
use super::{request, scenario, secret_file};

#[test]
fn a_refused_login_names_the_way_out() {
    let (fake, secret) = (Fake::start(Fault::RefuseLogins), secret_file());
    let request = request(&fake, scenario("direct", 4), secret.path().to_owned());
    let error = hubbub_loadgen::run::run(request, &Arc::new(AtomicU32::new(0))).unwrap_err().to_string();
    assert!(error.contains("refused a login") && error.contains("--secret-file"), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let (fake, secret) = (Fake::start(Fault::Nothing), secret_file());
    let mut request = request(&fake, scenario("direct", 4), secret.path().to_owned());
    // A port that was free a moment ago.
    request.plan.server = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = format!("{:#}", hubbub_loadgen::run::run(request, &Arc::new(AtomicU32::new(0))).unwrap_err());
    assert!(error.contains("nothing listens on 127.0.0.1:"), "{error}");
}
