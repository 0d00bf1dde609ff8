//! Whatever is no TLS, frames of plaintext among it, is answered with an alert and closed; nobody else notices.

use crate::support::*;
use hubbub_codec::frame::encode_frame;
use hubbub_codec::proto::ClientFrame;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[test]
fn what_is_no_tls_is_closed_with_an_alert() {
    let certificate = Certificate::new();
    let server = Setup::new().tls(&certificate).start();
    let mut other = Raw::login_tls(&server, &certificate.client(), 1, 1);
    let frame = encode_frame(&ClientFrame { request_id: 1, body: Some(hello()) });
    let long_hello = [&[22, 3, 1, 64, 0, 1, 0, 255, 255][..], &[0; 16_375], &[22, 3, 1, 64, 0], &[0; 16_384]].concat();
    let cases: [(&str, &[u8]); 6] = [
        ("a frame", &frame),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a PROXY header", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x01\0\x02"),
        ("a record that is too long", &[22, 3, 1, 255, 255, 1, 0, 0, 0]),
        ("an alert", &[21, 3, 3, 0, 2, 2, 40]),
        ("a hello without end", &long_hello),
    ];
    for (what, bytes) in cases {
        let mut stream = TcpStream::connect(server.tls.unwrap()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let _ = stream.write_all(bytes);
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(said.is_empty() || said[0] == 21, "{what}: {said:?}");
        other.so_far();
    }
    server.wait_for_metric("hubbub_tls_failures_total", |count| count == cases.len() as f64);
    server.wait_for_metric("hubbub_transport_connections{transport=\"tls\"}", |open| open == 1.0);
}
