//! Limits: what is at a limit passes, what is over it is refused by name, and the connection lives where it can.

use crate::support::*;
use hubbub_codec::frame::encode_frame;
use hubbub_codec::proto::send::To;
use hubbub_codec::proto::{ClientFrame, ErrorCode, error::Action};
use std::io::Write;

#[test]
fn bodies_pass_up_to_their_limit() {
    let server = Setup::new().config("limits.body_bytes_max = 1000").start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::connect(&server);
    assert_eq!(alice.hello().limits.unwrap().body_bytes_max, 1_000);
    alice.ask(login(server.token(10), 1));
    let send = |bytes: usize| {
        let mut send = message(To::User(20), name(&bytes.to_string()), "");
        send.body = vec![b'x'; bytes].into();
        Up::Send(send)
    };
    assert!(matches!(alice.ask(send(1_000)), Down::Sent(_)));
    let error = alice.ask_in_vain(send(1_001));
    assert_eq!((error.code(), error.action()), (ErrorCode::LimitExceeded, Action::FixRequest));
    assert_eq!(error.field, "send.body");
    assert!(error.message.contains("1001") && error.message.contains("limits.body_bytes_max"), "{}", error.message);
    assert!(matches!(alice.ask(send(0)), Down::Sent(_)));
}

/// A ping that is `length` bytes long, by a field that the server does not know.
fn padded_ping(request_id: u64, length: usize) -> Vec<u8> {
    let ping = Up::Ping(hubbub_codec::proto::Ping { nonce: 1 });
    let mut payload = encode_frame(&ClientFrame { request_id, body: Some(ping) })[4..].to_vec();
    let mut padding = |bytes: usize| {
        // Field 1,000 with a length in three bytes.
        payload.extend([0xc2, 0x3e, bytes as u8 | 0x80, (bytes >> 7) as u8 | 0x80, (bytes >> 14) as u8]);
        payload.resize(payload.len() + bytes, 0);
        payload.len()
    };
    let base = padding(0);
    padding(length - base - 5);
    assert_eq!(payload.len(), length);
    let mut frame = (length as u32).to_be_bytes().to_vec();
    frame.append(&mut payload);
    frame
}

#[test]
fn frames_pass_up_to_their_limit_and_end_the_connection_beyond() {
    let server = Setup::new().config("limits.frame_bytes_max = 20000\nlimits.body_bytes_max = 10000").start();
    let mut alice = Raw::login(&server, 10, 1);
    alice.stream.write_all(&padded_ping(70, 20_000)).unwrap();
    assert!(matches!(alice.answer_to(70), Down::Pong(_)));
    alice.stream.write_all(&padded_ping(71, 20_001)).unwrap();
    let error = alice.last_error();
    assert_eq!(error.code(), ErrorCode::BadFrame);
    assert!(error.message.contains("20001") && error.message.contains("20000"), "{}", error.message);
}

#[test]
fn requests_wait_their_turn_beyond_the_number_in_progress() {
    let server = Setup::new().config("limits.requests_in_progress_max = 1").start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::connect(&server);
    assert_eq!(alice.hello().limits.unwrap().requests_in_progress_max, 1);
    alice.ask(login(server.token(10), 1));
    // Slow ones and fast ones by turns: with one in progress no answer overtakes another.
    let mut ids = Vec::new();
    for n in 0..200 {
        ids.push(alice.say(to_user(20, &n.to_string())));
        ids.push(alice.say(Up::ListConversations(Default::default())));
        ids.push(alice.say(history_after(direct(10, 20), 0, 1)));
    }
    let answers = std::iter::from_fn(|| alice.next()).map(|frame| frame.request_id).filter(|id| *id != 0);
    let answered: Vec<u64> = answers.take(ids.len()).collect();
    assert_eq!(answered, ids);
}

#[test]
fn a_request_names_no_more_users_than_its_entry_may_hold() {
    // (2,048 - 1,024) / 8
    let server = Setup::new().config("limits.frame_bytes_max = 2048\nlimits.body_bytes_max = 1024").start();
    let mut alice = Raw::login(&server, 1, 1);
    let error = alice.ask_in_vain(create_group("G", &(2..131).collect::<Vec<_>>()));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "members"));
    assert!(error.message.contains("128") && error.message.contains("limits.frame_bytes_max"), "{}", error.message);
    for user in 2..130 {
        drop(Raw::login(&server, user, 1));
    }
    let (mut bob, _) = Raw::login_and_sync(&server, 2, 1);
    let Down::Group(made) = alice.ask(create_group("G", &(2..130).collect::<Vec<_>>())) else { panic!("no group") };
    assert_eq!(made.member_count, 129);
    // The entry that lists them all arrives.
    let mut log = Reader::new(group(made.group));
    log.read_up_to(&mut bob, 1);
}

#[test]
fn texts_have_limits_of_their_own() {
    let server = Server::start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::login(&server, 10, 1);
    let mut send = message(To::User(20), name("n"), "text");
    send.content_type = "x".repeat(65);
    assert_eq!(alice.ask_in_vain(Up::Send(send)).field, "send.content_type");
    let send = message(To::User(20), name("seventeen bytes !"), "text");
    assert_eq!(alice.ask_in_vain(Up::Send(send)).field, "name.client_message_id");
    let send = message(To::User(20), name(""), "text");
    assert_eq!(alice.ask_in_vain(Up::Send(send)).field, "name.client_message_id");
    let mut create = hubbub_codec::proto::CreateGroup { name: name("g"), ..Default::default() };
    assert_eq!(alice.ask_in_vain(Up::CreateGroup(create.clone())).field, "title");
    create.title = "x".repeat(129);
    assert_eq!(alice.ask_in_vain(Up::CreateGroup(create)).field, "title");
    let cursors = (0..1_001).map(|n| cursor(group(n + 1), 0, 0)).collect();
    let sync = Up::Sync(hubbub_codec::proto::Sync { cursors, include_others: false });
    assert_eq!(alice.ask_in_vain(sync).field, "sync.cursors");
}

#[test]
fn connections_over_the_limit_are_turned_away_with_a_word() {
    let server = Setup::new().config("limits.connections_max = 3\nlimits.connections_unauthenticated_max = 2").start();
    let mut first = Raw::login(&server, 1, 1);
    let mut silent = [Raw::connect(&server), Raw::connect(&server)];
    silent.iter_mut().for_each(|raw| drop(raw.hello()));
    let error = Raw::connect(&server).last_error();
    assert_eq!((error.code(), error.action()), (ErrorCode::Overloaded, Action::Retry));
    assert!(error.retry_after_ms > 0);
    first.so_far();
    // With room again there is room again.
    drop(silent);
    server.wait_for_metric("hubbub_connections", |connections| connections == 1.0);
    Raw::login(&server, 2, 1).so_far();
}
