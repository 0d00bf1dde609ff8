//! A connection of a trusted proxy that does not begin with a sound header is closed without a word.

use crate::support::*;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[test]
fn missing_garbled_and_oversized_headers_close() {
    let certificate = Certificate::new();
    let trusting = "proxy.trusted = [\"127.0.0.0/8\"]\nlimits.login_deadline_ms = 2000";
    let server = Setup::new().config(trusting).tls(&certificate).start();
    let sound = proxy_header("198.51.100.1");
    let mut garbled = sound.clone();
    garbled[12] = 0x31;
    let mut oversized = sound.clone();
    oversized[14..16].copy_from_slice(&[255, 255]);
    let half = &sound[..20];
    let cases: [(&str, &[u8]); 6] = [
        ("a frame", &[0, 0, 0, 2, 8, 1]),
        ("version 1", b"PROXY TCP4 198.51.100.1 127.0.0.1 1 2\r\n"),
        ("garbled", &garbled),
        ("oversized", &oversized),
        ("too short for its addresses", &[&sound[..15], &[4, 1, 2, 3, 4]].concat()),
        ("half a header, until the deadline", half),
    ];
    for address in [server.clients, server.tls.unwrap()] {
        for (what, bytes) in cases {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(DEADLINE)).unwrap();
            stream.write_all(bytes).unwrap();
            let mut said = Vec::new();
            let _ = stream.read_to_end(&mut said);
            assert!(said.is_empty(), "{what}: {said:?}");
        }
    }
    server.wait_for_metric("hubbub_proxy_headers_total{outcome=\"refused\"}", |count| count == 10.0);
    // With a header, over either, all is well.
    let mut plain = Raw::over(TcpStream::connect(server.clients).unwrap());
    plain.write_all(&sound).unwrap();
    plain.log_in(&server, 1, 1);
    let mut stream = TcpStream::connect(server.tls.unwrap()).unwrap();
    stream.write_all(&sound).unwrap();
    let mut tls = Raw::over_tls(stream, &certificate.client());
    tls.log_in(&server, 2, 1);
    assert_eq!(seq(plain.ask(to_user(2, "hello"))), 1);
}
