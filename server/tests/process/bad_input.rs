//! Input that breaks the rules: each gets its answer, harms nobody else, and leaves nothing secret in the log.

use crate::support::*;
use bytes::Bytes;
use hubbub_codec::proto::{ErrorCode, Ping, Sync, error::Action};
use hubbub_server::auth::secret::Secret;
use hubbub_server::auth::tokens;
use std::io::Write;
use std::time::{Duration, SystemTime};

/// Somebody who has nothing to do with it, and must not notice.
struct Bystander {
    alice: Raw,
    bob: Raw,
    log: Reader,
}

impl Bystander {
    fn new(server: &Server) -> Bystander {
        let (bob, _) = Raw::login_and_sync(server, 502, 1);
        let (alice, _) = Raw::login_and_sync(server, 501, 1);
        Bystander { alice, bob, log: Reader::new(direct(501, 502)) }
    }

    fn goes_on(&mut self) {
        let next = self.log.cursor + 1;
        assert!(matches!(self.alice.ask(to_user(502, &next.to_string())), Down::Sent(sent) if sent.seq == next));
        self.log.read_up_to(&mut self.bob, next);
    }
}

#[test]
fn bytes_that_are_no_frames_are_answered_and_end_the_connection() {
    let server = Server::start();
    let mut bystander = Bystander::new(&server);
    let bad: [(&str, &[u8]); 5] = [
        ("length 0", &[0, 0, 0, 0]),
        ("a length over the limit", &[0, 1, 0, 1]),
        ("a length far over the limit", &[0xff; 4]),
        ("no protobuf", &[0, 0, 0, 3, 0xff, 0xff, 0xff]),
        ("a field cut short", &[0, 0, 0, 2, 0x5a, 0x7f]),
    ];
    for (what, bytes) in bad {
        for logged_in in [false, true] {
            let mut raw = if logged_in { Raw::login(&server, 1, 1) } else { Raw::connect(&server) };
            raw.stream.write_all(bytes).unwrap();
            let frames = raw.rest();
            let Some(Down::Error(error)) = &frames[0].body else { panic!("{what}: {frames:?}") };
            assert_eq!((frames.len(), frames[0].request_id), (1, 0), "{what}");
            assert_eq!(error.code(), ErrorCode::BadFrame, "{what}");
            assert_eq!(error.action(), Action::FixRequest, "{what}");
            assert!(!error.message.is_empty(), "{what}");
            bystander.goes_on();
        }
    }
}

#[test]
fn frames_before_a_bad_one_are_answered() {
    let server = Server::start();
    let mut raw = Raw::login(&server, 1, 1);
    let id = raw.say(Up::Ping(Ping { nonce: 3 }));
    raw.stream.write_all(&[0, 0, 0, 0]).unwrap();
    let frames = raw.rest();
    assert_eq!(frames.len(), 2);
    assert_eq!(frames[0].request_id, id);
}

#[test]
fn a_frame_that_never_ends_is_cut_off() {
    let server = Setup::new().config("limits.frame_deadline_ms = 300\nlimits.login_deadline_ms = 20000").start();
    let mut bystander = Bystander::new(&server);
    for part in [&[0, 0][..], &[0, 0, 1, 0, 8, 1]] {
        for logged_in in [false, true] {
            let mut raw = if logged_in { Raw::login(&server, 1, 1) } else { Raw::connect(&server) };
            raw.stream.write_all(part).unwrap();
            let error = raw.last_error();
            assert_eq!((error.code(), error.action()), (ErrorCode::Timeout, Action::Retry));
            assert!(error.message.contains("frame"), "{}", error.message);
            bystander.goes_on();
        }
    }
}

#[test]
fn one_who_does_not_log_in_is_cut_off() {
    let server = Setup::new().config("limits.login_deadline_ms = 300").start();
    for greet in [false, true] {
        let mut raw = Raw::connect(&server);
        if greet {
            raw.hello();
        }
        let error = raw.last_error();
        assert_eq!(error.code(), ErrorCode::Timeout);
        assert!(error.message.contains("login"), "{}", error.message);
    }
    // The deadline is for strangers only.
    Raw::login(&server, 1, 1).so_far();
}

#[test]
fn one_who_falls_silent_is_told_and_closed() {
    let server = Setup::new().config("limits.keepalive_ms = 200").start();
    let mut raw = Raw::login(&server, 1, 1);
    match raw.rest().pop().and_then(|frame| frame.body) {
        Some(Down::Bye(bye)) => assert_eq!(bye.reason(), hubbub_codec::proto::bye::Reason::Idle),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_words_come_in_their_order() {
    let server = Server::start();
    let mut bystander = Bystander::new(&server);
    for request in [to_user(2, "x"), Up::Sync(Sync::default()), login(server.token(1), 1), get_group(1, 0, 0)] {
        let mut raw = Raw::connect(&server);
        raw.say(request);
        assert_eq!(raw.last_error().code(), ErrorCode::NotLoggedIn);
    }
    for request in [to_user(2, "x"), Up::Sync(Sync::default()), hello()] {
        let mut raw = Raw::connect(&server);
        raw.hello();
        raw.say(request);
        assert_eq!(raw.last_error().code(), ErrorCode::NotLoggedIn);
    }
    let mut raw = Raw::connect(&server);
    raw.say(Up::Hello(hubbub_codec::proto::Hello { version_min: 2, version_max: 9, ..Default::default() }));
    let error = raw.last_error();
    assert_eq!((error.code(), error.action()), (ErrorCode::Version, Action::GiveUp));
    let mut raw = Raw::login(&server, 1, 1);
    assert_eq!(raw.ask_in_vain(hello()).code(), ErrorCode::Invalid);
    assert_eq!(raw.ask_in_vain(login(server.token(1), 1)).code(), ErrorCode::Invalid);
    raw.so_far();
    bystander.goes_on();
}

#[test]
fn tokens_that_are_not_to_be_trusted_open_nothing() {
    let server = Server::start();
    let mut bystander = Bystander::new(&server);
    let hour = Duration::from_secs(3_600);
    let good = server.token(1);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let claims = head.split_once('.').unwrap().1;
    let other = tokens::sign(&Secret::from_bytes([7; 32]), 1, SystemTime::now() + hour).unwrap();
    // {"typ":"JWT","alg":"none"} and {"typ":"JWT","alg":"HS512"}
    let (none, hs512) = ("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9");
    let cases = [
        ("wrongly signed", other, ErrorCode::TokenInvalid),
        ("cut off", good[..good.len() - 5].to_owned(), ErrorCode::TokenInvalid),
        ("without a signature", format!("{head}."), ErrorCode::TokenInvalid),
        ("alg none", format!("{none}.{claims}."), ErrorCode::TokenInvalid),
        ("alg none, signed", format!("{none}.{claims}.{signature}"), ErrorCode::TokenInvalid),
        ("another algorithm", format!("{hs512}.{claims}.{signature}"), ErrorCode::TokenInvalid),
        ("no token", "secret".to_owned(), ErrorCode::TokenInvalid),
        ("empty", String::new(), ErrorCode::TokenInvalid),
        ("too long", "x".repeat(5_000), ErrorCode::TokenInvalid),
        ("expired", server.token_until(1, SystemTime::now() - hour), ErrorCode::TokenExpired),
    ];
    for (what, token, code) in cases {
        let mut raw = Raw::connect(&server);
        raw.hello();
        let id = raw.say(login(token, 1));
        let frame = raw.next().unwrap();
        let Some(Down::Error(error)) = &frame.body else { panic!("{what}: {frame:?}") };
        assert_eq!((frame.request_id, error.code(), error.action()), (id, code, Action::Reauthenticate), "{what}");
        assert!(raw.next().is_none(), "{what}: it is closed");
        bystander.goes_on();
    }
    for body in [login(good, 0), Up::Login(hubbub_codec::proto::Login { device_id: 1, ..Default::default() })] {
        let mut raw = Raw::connect(&server);
        raw.hello();
        raw.say(body);
        assert_eq!(raw.last_error().code(), ErrorCode::Invalid);
    }
}

#[test]
fn where_logins_make_no_accounts_strangers_stay_out() {
    let mut server = Server::start();
    drop(Raw::login(&server, 10, 1));
    server.stop();
    server.start_again_with(Setup::new().config("auth.create_users = false"));
    let mut raw = Raw::connect(&server);
    raw.hello();
    raw.say(login(server.token(11), 1));
    let error = raw.last_error();
    assert_eq!(error.code(), ErrorCode::UnknownUser);
    Raw::login(&server, 10, 1).so_far();
}

#[test]
fn what_is_not_the_callers_is_refused_and_the_connection_lives() {
    let server = Server::start();
    let mut bystander = Bystander::new(&server);
    bystander.goes_on();
    let Down::Group(foreign) = bystander.alice.ask(create_group("Private", &[502])) else { panic!("no group") };
    let (mut raw, _) = Raw::login_and_sync(&server, 1, 1);
    for conversation in [group(foreign.group), group(12_345), direct(501, 502), direct(1, 501), direct(1, 999)] {
        for request in [history_after(conversation, 0, 0), history_before(conversation, 9, 0), read(conversation, 1)] {
            assert_eq!(raw.ask_in_vain(request).code(), ErrorCode::UnknownConversation, "{conversation}");
        }
        // A sync says so of each, and goes on.
        let states = raw.sync(vec![cursor(conversation, 0, 5)], false);
        assert_eq!((states.len(), states[0].member, states[0].head), (1, false, 0), "{conversation}");
    }
    for id in [foreign.group, 12_345] {
        for request in [to_group(id, "x"), leave(id, "l"), add_members(id, "a", &[1]), remove_members(id, "r", &[502])]
        {
            assert_eq!(raw.ask_in_vain(request).code(), ErrorCode::UnknownConversation);
        }
    }
    assert!(raw.so_far().is_empty());
    bystander.goes_on();
}

#[test]
fn a_cursor_of_another_life_is_reset_and_the_log_follows() {
    let server = Server::start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let mut alice = Raw::login(&server, 10, 1);
    let conversation = direct(10, 20);
    for text in ["a", "b", "c"] {
        alice.ask(to_user(20, text));
    }
    let mut log = Reader::new(conversation);
    log.read_up_to(&mut bob, 3);
    for (log_id, seq) in [(log.log_id, 4), (0, u64::MAX), (log.log_id ^ 1, 2), (log.log_id ^ 1, 0)] {
        let mut device = Raw::login(&server, 20, 2);
        let id = device.say(Up::Sync(Sync { cursors: vec![cursor(conversation, log_id, seq)], include_others: true }));
        let frame = device.next().unwrap();
        let Some(Down::Error(error)) = frame.body else { panic!("{frame:?}") };
        assert_eq!((frame.request_id, error.code()), (id, ErrorCode::LogReset));
        let reset = error.log_reset.unwrap();
        assert_eq!((reset.log_id, reset.floor, reset.head), (log.log_id, 0, 3));
        assert_eq!(reset.conversation, Some(conversation.into()));
        // The sync goes on from nothing, and is answered.
        let mut anew = Reader::new(conversation);
        anew.read_up_to(&mut device, 3);
        assert!(matches!(device.answer_to(id), Down::Synced(synced) if synced.conversations.len() == 1));
    }
}

#[test]
fn requests_out_of_their_range_name_the_field() {
    let server = Server::start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let mut alice = Raw::login(&server, 10, 1);
    alice.ask(to_user(20, "one"));
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut bob, 1);
    let error = bob.ask_in_vain(delivered(direct(10, 20), 2));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::Invalid, "up_to_seq"));
    assert_eq!(bob.ask_in_vain(read(direct(10, 20), u64::MAX)).field, "up_to_seq");
    assert_eq!(bob.ask_in_vain(delivered(direct(10, 20), 0)).field, "up_to_seq");
    assert_eq!(bob.ask_in_vain(Up::Delivered(Default::default())).field, "conversation");
    assert_eq!(bob.ask_in_vain(Up::History(Default::default())).field, "history.position");
    assert_eq!(bob.ask_in_vain(Up::Send(Default::default())).field, "send.to");
    assert_eq!(bob.ask_in_vain(add_members(1, "x", &[])).field, "members");
    assert_eq!(bob.ask_in_vain(add_members(1, "x", &[0])).field, "members");
    let mut reply = message(hubbub_codec::proto::send::To::User(10), name("r"), "reply");
    reply.reply_to_seq = 7;
    assert_eq!(bob.ask_in_vain(Up::Send(reply)).field, "reply_to_seq");
    let list = hubbub_codec::proto::ListConversations { after: Bytes::from_static(b"nonsense"), ..Default::default() };
    assert_eq!(bob.ask_in_vain(Up::ListConversations(list)).field, "after");
    // A mark without a number that is out of range is nobody's business, and harms nothing.
    bob.say_as(0, delivered(direct(10, 20), 2));
    assert!(bob.so_far().is_empty());
}

#[test]
fn a_request_of_an_unknown_kind_is_answered_and_the_connection_lives() {
    let server = Server::start();
    let mut raw = Raw::login(&server, 1, 1);
    // Request 9 with a field of number 100 and nothing in it, and one without any body.
    for frame in [&[0, 0, 0, 5, 0x08, 9, 0xa2, 0x06, 0][..], &[0, 0, 0, 2, 0x08, 9]] {
        raw.stream.write_all(frame).unwrap();
        match raw.answer_to(9) {
            Down::Error(error) => assert_eq!(error.code(), ErrorCode::Unsupported),
            other => panic!("{other:?}"),
        }
    }
    raw.so_far();
}

#[test]
fn a_request_that_needs_an_answer_needs_a_number() {
    let server = Server::start();
    let mut raw = Raw::login(&server, 1, 1);
    raw.say_as(0, to_user(2, "x"));
    assert_eq!(raw.last_error().code(), ErrorCode::Invalid);
}

#[test]
fn connections_that_vanish_in_any_state_leave_nothing_behind() {
    let server = Setup::new().config("limits.devices_per_user_max = 50").start();
    drop(Raw::login(&server, 20, 1));
    // Another device each time: of one device, the login that is read last would win, and not the one said last.
    for round in 0..50 {
        let mut raw = Raw::connect(&server);
        match round % 5 {
            0 => {}
            1 => raw.stream.write_all(&[0, 0]).unwrap(),
            2 => drop(raw.hello()),
            3 => {
                raw.hello();
                raw.say(login(server.token(10), round + 1));
            }
            _ => {
                raw.log_in(&server, 10, round + 1);
                raw.say(Up::Sync(Sync { cursors: Vec::new(), include_others: true }));
                raw.say(to_user(20, &format!("m{round}")));
            }
        }
    }
    server.wait_for_metric("hubbub_connections", |connections| connections == 0.0);
    server.wait_for_metric("hubbub_devices_logged_in", |devices| devices == 0.0);
}

#[test]
fn the_log_shows_neither_tokens_nor_secrets_nor_bodies() {
    let mut server = Setup::new().log("trace").start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let mut alice = Raw::login(&server, 10, 1);
    alice.ask(to_user(20, "swordfish"));
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut bob, 1);
    let refused = server.token_until(10, SystemTime::now() - Duration::from_secs(60));
    let mut raw = Raw::connect(&server);
    raw.hello();
    raw.ask(login(refused.clone(), 1));
    let mut raw = Raw::login(&server, 10, 1);
    raw.stream.write_all(b"\0\0\0\x0cswordfish!!!").unwrap();
    raw.last_error();
    let secret = std::fs::read_to_string(server.data_dir().join("token-secret")).unwrap();
    let good = server.token(10);
    server.stop();
    let text = server.log();
    assert!(text.contains("stopped"), "the log is whole: {text}");
    for hidden in ["swordfish", secret.trim(), &refused, &good, refused.rsplit_once('.').unwrap().1] {
        assert!(!text.contains(hidden), "{hidden} is in the log");
    }
}
