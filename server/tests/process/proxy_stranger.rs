//! A PROXY header from an address that is not trusted is no header: the connection is closed, and its word counts nothing.

use crate::support::*;
use hubbub_codec::proto::ErrorCode;
use std::net::TcpStream;

#[test]
fn a_header_from_a_stranger_closes() {
    let server = Setup::new().config("proxy.trusted = [\"192.0.2.0/24\"]").start();
    let mut raw = Raw::over(TcpStream::connect(server.clients).unwrap());
    raw.write_all(&proxy_header("198.51.100.1")).unwrap();
    assert_eq!(raw.last_error().code(), ErrorCode::BadFrame);
    // Without one a stranger is served as ever.
    Raw::login(&server, 1, 1).so_far();
    assert_eq!(server.metric("hubbub_proxy_headers_total"), Some(0.0));
}
