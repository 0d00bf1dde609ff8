//! Ten thousand connections that say nothing: each is told and closed in time, they cost little, and nobody notices.

use crate::support::*;
use hubbub_codec::proto::ErrorCode;
use hubbub_server::descriptors;
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};

const CROWD: usize = 10_000;
/// What a silent connection may cost the server.
const BYTES_EACH: u64 = 8_192;

/// As many as this process and the server, which has the same limit, may have.
fn crowd() -> usize {
    let limit = descriptors::raise_limit().unwrap();
    let possible = (limit / 8 * 7).saturating_sub(600);
    if possible < CROWD {
        eprintln!("silent_crowd: only {possible} connections, since {limit} files may be open; raise `ulimit -Hn`");
    }
    possible.min(CROWD)
}

/// A connection from one of many addresses of this machine.
fn connect(server: &Server, n: usize) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 2 + (n % 50) as u8], 0)).into()).unwrap();
    socket.connect(&server.clients.into()).unwrap();
    socket.into()
}

#[test]
fn a_silent_crowd_is_closed_at_the_deadline_and_harms_nobody() {
    let crowd = crowd();
    let server = Setup::new()
        .config(&format!("limits.login_deadline_ms = 4000\nlimits.connections_unauthenticated_max = {}", crowd + 20))
        .start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let mut alice = Raw::login(&server, 10, 1);
    let mut log = Reader::new(direct(10, 20));
    let mut goes_on = |text: &str| {
        assert!(matches!(alice.ask(to_user(20, text)), Down::Sent(_)));
        let seq = log.cursor + 1;
        log.read_up_to(&mut bob, seq);
    };
    goes_on("before");
    let before = server.resident_bytes();
    let mut silent = Vec::with_capacity(crowd);
    for n in 0..crowd {
        silent.push(connect(&server, n));
        if n % 500 == 0 {
            goes_on(&n.to_string());
        }
    }
    goes_on("meanwhile");
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < crowd as u64 * BYTES_EACH, "{grown} bytes for {crowd} connections");
    // New ones get in as well.
    let (mut late, _) = Raw::login_and_sync(&server, 30, 1);
    for (n, stream) in silent.into_iter().enumerate() {
        let error = Raw::over(stream).last_error();
        assert_eq!(error.code(), ErrorCode::Timeout);
        if n % 500 == 0 {
            goes_on(&format!("gone {n}"));
        }
    }
    late.so_far();
    server.wait_for_metric("hubbub_connections", |connections| connections == 3.0);
    server.wait_for_metric("hubbub_closes_total{reason=\"timeout\"}", |closed| closed == crowd as f64);
}
