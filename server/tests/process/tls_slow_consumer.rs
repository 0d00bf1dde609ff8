//! A client over TLS that does not read costs a bounded amount of memory, lags, and then catches up without a gap.

use crate::support::*;
use hubbub_codec::proto::send::To;
use socket2::{Domain, Socket, Type};
use std::net::TcpStream;

const MIB: u64 = 1 << 20;
const BYTES: usize = 16_000;
const MESSAGES: u64 = 800;
const SLOW: u64 = 10;

#[test]
fn a_slow_client_lags_with_bounded_memory_and_catches_up() {
    let certificate = Certificate::new();
    let lean = "durability = \"os\"\nstorage.cache_bytes = 1048576\nstorage.write_buffer_bytes = 1048576";
    let server = Setup::new().unlimited().config(lean).tls(&certificate).start();
    let mut slow: Vec<Raw> = (10..10 + SLOW).map(|user| narrow(&server, &certificate, user)).collect();
    let mut alice = Raw::login_tls(&server, &certificate.client(), 1, 1);
    let members: Vec<u64> = (10..10 + SLOW).collect();
    let Down::Group(made) = alice.ask(create_group("All", &members)) else { panic!("no group") };
    say(&mut alice, made.group, 2, 100);
    let before = server.resident_bytes();
    for from in (102..=MESSAGES).step_by(50) {
        say(&mut alice, made.group, from, 50.min(MESSAGES + 1 - from));
    }
    let grown = server.resident_bytes().saturating_sub(before);
    // Unbounded, 10 x 12 MB would wait.
    assert!(grown < 48 * MIB, "the server has grown by {} MiB", grown / MIB);
    server.wait_for_metric("hubbub_connections_lagging", |lagging| lagging == SLOW as f64);
    for raw in &mut slow {
        let mut log = Reader::new(group(made.group));
        log.read_up_to(raw, MESSAGES);
        assert!(log.entries[1..].iter().all(|entry| entry.body.len() == BYTES));
    }
    server.wait_for_metric("hubbub_connections_lagging", |lagging| lagging == 0.0);
}

/// A connection whose own buffer is small.
fn narrow(server: &Server, certificate: &Certificate, user: u64) -> Raw {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(65_536).unwrap();
    socket.connect(&server.tls.unwrap().into()).unwrap();
    let mut raw = Raw::over_tls(TcpStream::from(socket), &certificate.client());
    raw.log_in(server, user, 1);
    raw.sync(Vec::new(), true);
    raw
}

fn say(raw: &mut Raw, to: u64, from: u64, count: u64) {
    let ids: Vec<u64> = (from..from + count)
        .map(|n| {
            let mut send = message(To::Group(to), name(&n.to_string()), "");
            send.body = vec![b'x'; BYTES].into();
            raw.say(Up::Send(send))
        })
        .collect();
    ids.into_iter().for_each(|id| assert!(matches!(raw.answer_to(id), Down::Sent(_))));
}
