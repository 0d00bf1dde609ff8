//! Clients over WebSocket: they log in and talk as over TCP, on the shard that they reach and on the other one, and what
//! breaks the rules ends one connection with the code that fits.

use crate::support::*;
use hubbub_codec::proto::{Bye, ErrorCode, Ping, Sync, bye, send};
use hubbub_codec::websocket::Incoming;
use std::io::Write;

/// Logs in until it has been on each shard, most likely.
const USERS: u64 = 8;

#[test]
fn clients_log_in_and_talk_to_clients_over_tcp() {
    let server = Server::start();
    for pair in 0..USERS {
        let (one, other) = (100 + 2 * pair, 101 + 2 * pair);
        let mut alice = Socket::login(&server, one, 1);
        let (mut bob, _) = Raw::login_and_sync(&server, other, 1);
        let sync = Sync { cursors: Vec::new(), include_others: true };
        assert!(matches!(alice.ask(Up::Sync(sync)), Down::Synced(_)));
        assert!(matches!(alice.ask(to_user(other, "over WebSocket")), Down::Sent(sent) if sent.seq == 1));
        let mut log = Reader::new(direct(one, other));
        log.read_up_to(&mut bob, 1);
        assert_eq!(log.entries[0].body, "over WebSocket");
        // Longer than what a header of two bytes, and of four, can say.
        for (seq, bytes) in [(2, 100), (3, 200), (4, 60_000)] {
            let long = message(send::To::User(one), name(&bytes.to_string()), &"x".repeat(bytes));
            assert_eq!(crate::support::seq(bob.ask(Up::Send(long))), seq);
            let last = |body: &Down| match body {
                Down::Entries(entries) => entries.entries.last().map(|entry| entry.seq),
                _ => None,
            };
            alice.find(|frame| frame.body.as_ref().and_then(last) == Some(seq));
        }
    }
    server.wait_for_metric("hubbub_transport_connections{transport=\"http\"}", |open| open == 0.0);
}

#[test]
fn upgrades_are_for_our_page_and_our_subprotocol() {
    let server = Setup::new().config("http.origins = [\"https://chat.example\"]").start();
    let own = format!("http://{}", server.http);
    for (subprotocol, origin, status) in [
        ("hubbub.v1", &own[..], "HTTP/1.1 101 "),
        ("hubbub.v1", "https://chat.example", "HTTP/1.1 101 "),
        ("hubbub.v1", "http://elsewhere.example", "HTTP/1.1 403 "),
        ("hubbub.v1", "null", "HTTP/1.1 403 "),
        ("hubbub.v2", &own, "HTTP/1.1 400 "),
        ("", &own, "HTTP/1.1 400 "),
    ] {
        let mut stream = connect_http(&server);
        stream.write_all(upgrade_request(&server, subprotocol, origin).as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let said = String::from_utf8_lossy(&read_all(&mut stream)).into_owned();
        assert!(said.starts_with(status), "{subprotocol} {origin}: {said}");
        assert!(status.contains("101") || said.contains("hubbub.v1") || said.contains("origin"), "{said}");
    }
    server.wait_for_metric("hubbub_upgrades_refused_total{reason=\"origin\"}", |count| count == 2.0);
    server.wait_for_metric("hubbub_upgrades_refused_total{reason=\"subprotocol\"}", |count| count == 2.0);
}

#[test]
fn what_breaks_the_rules_of_frames_is_answered_and_closed() {
    let server = Server::start();
    for logged_in in [false, true] {
        let mut socket = if logged_in { Socket::login(&server, 1, 1) } else { Socket::connect(&server) };
        socket.write(&ws_frame(true, hubbub_codec::websocket::Opcode::Binary, &[0xff, 0xff]));
        let Some(Down::Error(error)) = socket.frame().body else { panic!("no error") };
        assert_eq!(error.code(), ErrorCode::BadFrame);
        assert_eq!(socket.closed_with(), 1008);
    }
}

#[test]
fn a_stop_says_bye_and_closes() {
    let mut server = Server::start();
    let mut socket = Socket::login(&server, 1, 1);
    server.ask_to_stop();
    let bye = socket.find(|frame| matches!(frame.body, Some(Down::Bye(_))));
    assert!(matches!(bye, Down::Bye(Bye { reason, .. }) if reason == i32::from(bye::Reason::Drain)));
    assert_eq!(socket.closed_with(), 1001);
    assert!(server.wait_for_end().success());
}

#[test]
fn a_message_in_pieces_that_never_ends_is_cut_off() {
    let server = Setup::new().config("limits.frame_deadline_ms = 300\nlimits.login_deadline_ms = 20000").start();
    let mut socket = Socket::login(&server, 1, 1);
    // The pings are answered, and the deadline runs on.
    socket.write(&ws_frame(false, hubbub_codec::websocket::Opcode::Binary, b"\x08"));
    socket.ping(b"still here");
    assert_eq!(socket.next(), Some(Incoming::Pong("still here".into())));
    let Some(Down::Error(error)) = socket.frame().body else { panic!("no error") };
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(socket.closed_with(), 1008);
}

#[test]
fn who_pings_and_does_not_read_costs_no_memory() {
    let server = Server::start();
    let mut healthy = Socket::login(&server, 1, 1);
    let mut deaf = Socket::login(&server, 2, 1);
    let before = server.resident_bytes();
    let thousand = ws_frame(true, hubbub_codec::websocket::Opcode::Ping, &[7; 125]).repeat(1_000);
    for _ in 0..200 {
        deaf.write(&thousand);
        assert!(matches!(healthy.ask(Up::Ping(Ping { nonce: 1 })), Down::Pong(_)));
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes for 26 MB of pings");
}

#[test]
fn a_trunk_is_not_carried() {
    let server = Setup::new().start();
    let mut socket = Socket::connect(&server);
    socket.ask(hello());
    let open = hubbub_codec::proto::OpenTrunk { token: "any".to_owned(), shard: 0 };
    let Down::Error(error) = socket.ask(Up::OpenTrunk(open)) else { panic!("no error") };
    assert!(error.message.contains("WebSocket"), "{}", error.message);
    assert_eq!(socket.closed_with(), 1008);
}
