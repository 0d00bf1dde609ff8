//! A client that begins its TLS hello and stops is closed at the login deadline; nobody else notices.

use crate::support::*;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A record of a handshake that promises 500 bytes, and the first of them.
const HALF_A_HELLO: &[u8] = &[22, 3, 1, 1, 244, 1, 0, 1, 240, 3, 3];

#[test]
fn half_a_hello_is_closed_at_the_deadline_and_disturbs_nobody() {
    let certificate = Certificate::new();
    let server = Setup::new().tls(&certificate).config("limits.login_deadline_ms = 2000").start();
    let mut other = Raw::login_tls(&server, &certificate.client(), 1, 1);
    let mut silent = TcpStream::connect(server.tls.unwrap()).unwrap();
    silent.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut halves: Vec<TcpStream> = (0..20).map(|_| silent_with(&server, HALF_A_HELLO)).collect();
    other.so_far();
    for stream in halves.iter_mut().chain([&mut silent]) {
        assert_eq!(stream.read(&mut [0; 100]).unwrap_or(0), 0, "nothing is said to who did not greet");
    }
    other.so_far();
    server.wait_for_metric("hubbub_tls_failures_total{reason=\"timeout\"}", |count| count == 21.0);
    server.wait_for_metric("hubbub_transport_connections{transport=\"tls\"}", |open| open == 1.0);
}

fn silent_with(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.tls.unwrap()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}
