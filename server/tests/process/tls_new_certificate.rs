//! A certificate that is replaced shows to whoever connects afterwards; who is connected is not touched, and files that are
//! not sound change nothing.

use crate::support::*;

#[test]
fn a_new_certificate_shows_to_new_clients_only() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let mut server = Setup::new().tls(&certificate).start();
    let before = certificate.client();
    let mut alice = Raw::login_tls(&server, &before, 1, 1);
    assert_eq!(alice.tls().peer_certificates().unwrap(), [certificate.der().clone()]);

    certificate.become_like(&other);
    let after = other.client();
    wait_until("the new certificate", || shown(&server, &after).is_ok());
    assert!(shown(&server, &certificate.client()).is_err(), "the old one is not shown any more");
    alice.so_far();

    // A certificate without its key.
    std::fs::copy(Certificate::new().file(), certificate.file()).unwrap();
    wait_until("a word in the log", || server.log().contains("it is not the key of the certificate"));
    std::fs::write(certificate.file(), "nonsense").unwrap();
    wait_until("a word in the log", || server.log().contains("there is no certificate in it"));
    shown(&server, &after).expect("the last sound one stays");
    alice.so_far();
}

/// Whether a client gets through its handshake.
fn shown(server: &Server, config: &std::sync::Arc<rustls::ClientConfig>) -> std::io::Result<()> {
    let mut raw = Raw::connect_tls(server, config);
    let stream = &mut raw.stream.try_clone().unwrap();
    raw.tls_mut().complete_io(stream).map(drop)
}
