//! Clients over TLS: they log in and talk as over plain TCP, with both versions, with tickets, on the shard that they reach and on the
//! other one.

use crate::support::*;
use rustls::{ProtocolVersion, version};

#[test]
fn clients_log_in_and_talk_over_either_version() {
    let certificate = Certificate::new();
    let server = Setup::new().tls(&certificate).start();
    let modern = certificate.client_of(&[&version::TLS13]);
    let older = certificate.client_of(&[&version::TLS12]);
    // Users are homed on both shards, and connections are taken by either: some are handed over in the middle of it all.
    for pair in 0..8 {
        let (one, other) = (100 + 2 * pair, 101 + 2 * pair);
        let mut alice = Raw::login_tls(&server, &modern, one, 1);
        let mut bob = Raw::login_tls(&server, &older, other, 1);
        bob.sync(Vec::new(), true);
        assert_eq!(alice.tls().protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(bob.tls().protocol_version(), Some(ProtocolVersion::TLSv1_2));
        assert_eq!(seq(alice.ask(to_user(other, "hello"))), 1);
        let mut log = Reader::new(direct(one, other));
        log.read_up_to(&mut bob, 1);
        assert_eq!(log.entries[0].body, "hello");
    }
    // Whoever was there before comes back with a ticket.
    for version in ["1.3", "1.2"] {
        let counted =
            |outcome: &str| format!("hubbub_tls_handshakes_total{{outcome=\"{outcome}\",version=\"{version}\"}}");
        server.wait_for_metric(&counted("full"), |count| count == 1.0);
        server.wait_for_metric(&counted("resumed"), |count| count == 7.0);
    }
    server.wait_for_metric("hubbub_transport_connections{transport=\"tls\"}", |open| open == 0.0);
}
