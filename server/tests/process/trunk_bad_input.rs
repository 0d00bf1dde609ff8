//! What a gateway may not do ends its trunk, what a client may not do its channel; nothing ends anybody else.

use crate::support::*;
use hubbub_codec::frame::encode_frame;
use hubbub_codec::proto::{ClientFrame, ErrorCode};
use hubbub_codec::trunk::{ChannelEnd, ChannelId, TrunkEnd, TrunkError, TrunkFrame};
use hubbub_server::auth::brief_token::{self, Audience};
use hubbub_server::auth::secret::Secret;
use hubbub_server::auth::tokens;
use std::io::Write;
use std::time::{Duration, SystemTime};

fn refusal(server: &Server, token: String, shard: u32) -> ErrorCode {
    match Gateway::ask(server, token, shard).map(|_| ()) {
        Err(TrunkError::Refused(error)) => error.code(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn only_whoever_has_the_secret_opens_one() {
    let server = Setup::new().trunks().start();
    let in_an_hour = SystemTime::now() + Duration::from_secs(3_600);
    let foreign = Secret::from_bytes("another secret, which is as long as needed");
    let users_secret = hubbub_server::auth::secret::load(&server.data_dir().join("token-secret")).unwrap();
    let minute = Duration::from_secs(60);
    for token in [
        String::new(),
        "garbage".to_owned(),
        brief_token::sign(&foreign, Audience::Trunk, minute).unwrap(),
        brief_token::sign(&users_secret, Audience::Trunk, minute).unwrap(),
        tokens::sign(&users_secret, 7, in_an_hour).unwrap(),
    ] {
        assert_eq!(refusal(&server, token, 0), ErrorCode::TokenInvalid);
    }
    assert_eq!(refusal(&server, expired_trunk_token(), 0), ErrorCode::TokenExpired);
    assert_eq!(refusal(&server, trunk_token(), 2), ErrorCode::Invalid);
    assert!(Gateway::open(&server, 1).is_alive());
}

#[test]
fn a_server_without_the_secret_takes_none() {
    let server = Setup::new().start();
    assert_eq!(refusal(&server, trunk_token(), 0), ErrorCode::Forbidden);
}

#[test]
fn the_token_of_a_gateway_logs_nobody_in() {
    let server = Setup::new().trunks().start();
    let mut raw = Raw::connect(&server);
    raw.hello();
    raw.say(login(trunk_token(), 1));
    assert_eq!(raw.last_error().code(), ErrorCode::TokenInvalid);
}

#[test]
fn trunk_frames_before_the_trunk_are_no_frames() {
    let server = Setup::new().trunks().start();
    let mut raw = Raw::connect(&server);
    raw.hello();
    let mut bytes = bytes::BytesMut::new();
    TrunkFrame::<bytes::Bytes>::Open(ChannelId(1), None).append(&mut bytes);
    raw.stream.write_all(&bytes).unwrap();
    assert!(matches!(raw.last_error().code(), ErrorCode::BadFrame | ErrorCode::NotLoggedIn));
}

/// What ends a trunk: the server's word for it.
#[track_caller]
fn fault(server: &Server, say: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut gateway = Gateway::open(server, 0);
    let channel = gateway.open_channel();
    assert_eq!(channel, ChannelId(1));
    let mut bytes = Vec::new();
    say(&mut bytes);
    gateway.stream.write_all(&bytes).unwrap();
    match gateway.end() {
        TrunkError::Ended(TrunkEnd::Protocol, text) => text,
        other => panic!("{other:?}"),
    }
}

fn frames(frames: &[TrunkFrame]) -> Vec<u8> {
    let mut bytes = bytes::BytesMut::new();
    frames.iter().for_each(|frame| frame.append(&mut bytes));
    bytes.to_vec()
}

#[test]
fn a_trunk_frame_that_breaks_the_rules_ends_the_trunk() {
    let server = Setup::new().trunks().config("trunk.channels_per_trunk_max = 10").start();
    let mut neighbour = Gateway::open(&server, 0);
    let data = |channel| TrunkFrame::Data(ChannelId(channel), bytes::Bytes::from_static(b"x"));
    let over = |channel| TrunkFrame::Close(ChannelId(channel), ChannelEnd::Over);
    for (frame, word) in [
        (data(2), "not open"),
        (data(11), "highest"),
        (TrunkFrame::Open(ChannelId(1), None), "twice"),
        (TrunkFrame::Open(ChannelId(11), None), "highest"),
        (TrunkFrame::Open(ChannelId(u32::MAX), None), "highest"),
        (TrunkFrame::Credit(ChannelId(2), 1), "not open"),
        (over(2), "not open"),
        (TrunkFrame::Pong(1), "only servers"),
        (TrunkFrame::End(TrunkEnd::Idle, String::new()), "only servers"),
    ] {
        let text = fault(&server, |bytes| *bytes = frames(std::slice::from_ref(&frame)));
        assert!(text.contains(word), "{frame:?}: {text}");
    }
    let text = fault(&server, |bytes| *bytes = frames(&[over(1), over(1)]));
    assert!(text.contains("not open"), "{text}");
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 16], &[0xff; 16], b"\0\0\0\x05\0\0\0\x01\x63"] {
        fault(&server, |bytes| bytes.extend_from_slice(garbage));
    }
    assert!(neighbour.is_alive());
    server.wait_for_metric("hubbub_trunks", |trunks| trunks == 1.0);
    server.wait_for_metric("hubbub_trunk_channels", |channels| channels == 1.0);
}

#[test]
fn what_a_client_does_wrong_ends_its_channel_only() {
    let server = Setup::new().trunks().start();
    let mut gateway = Gateway::open(&server, 0);
    let user = gateway.users(1).next().unwrap();
    let good = gateway.login(&server, user, 1);
    let bad = gateway.open_channel();
    gateway.say_bytes(bad, b"GET / HTTP/1.1\r\n\r\n");
    match gateway.next(bad).and_then(|frame| frame.body) {
        Some(Down::Error(error)) => assert_eq!(error.code(), ErrorCode::BadFrame),
        other => panic!("{other:?}"),
    }
    assert_eq!(gateway.end_of(bad), ChannelEnd::Over);
    // A wrong token, and a trunk within a trunk.
    let bad = gateway.open_channel();
    gateway.say(bad, hello());
    let id = gateway.say(bad, login("no.such.token".to_owned(), 1));
    assert!(matches!(gateway.answer_to(bad, id), Down::Error(error) if error.code() == ErrorCode::TokenInvalid));
    assert_eq!(gateway.end_of(bad), ChannelEnd::Over);
    let bad = gateway.open_channel();
    gateway.say(bad, hello());
    let open = hubbub_codec::proto::OpenTrunk { token: trunk_token(), shard: 0 };
    let id = gateway.say(bad, Up::OpenTrunk(open));
    assert!(matches!(gateway.answer_to(bad, id), Down::Error(error) if error.code() == ErrorCode::Invalid));
    assert_eq!(gateway.end_of(bad), ChannelEnd::Over);
    assert!(matches!(gateway.ask_in(good, Up::Ping(hubbub_codec::proto::Ping { nonce: 1 })), Down::Pong(_)));
}

#[test]
fn an_overrun_window_ends_its_channel_only() {
    let server = Setup::new().trunks().start();
    let mut gateway = Gateway::open(&server, 0);
    let user = gateway.users(1).next().unwrap();
    let good = gateway.login(&server, user, 1);
    let window = gateway.opened().window_bytes as usize;
    // Credit for what was never sent.
    let bad = gateway.open_channel();
    gateway.stream.write_all(&frames(&[TrunkFrame::Credit(bad, 1)])).unwrap();
    assert_eq!(gateway.end_of(bad), ChannelEnd::Window);
    let bad = gateway.open_channel();
    gateway.stream.write_all(&frames(&[TrunkFrame::Credit(bad, u32::MAX)])).unwrap();
    assert_eq!(gateway.end_of(bad), ChannelEnd::Window);
    // A login with a password is held while that is compared, and more than a window comes meanwhile.
    let bad = gateway.open_channel();
    gateway.say(bad, hello());
    let login = encode_frame(&ClientFrame { request_id: 2, body: Some(by_user(1, PASSWORD, 1)) });
    let flood = bytes::Bytes::from(vec![7; 65_536]);
    let flood = (0..window.div_ceil(65_536)).map(|_| TrunkFrame::Data(bad, flood.clone()));
    let flood: Vec<_> = [TrunkFrame::Data(bad, login)].into_iter().chain(flood).collect();
    gateway.stream.write_all(&frames(&flood)).unwrap();
    assert_eq!(gateway.end_of(bad), ChannelEnd::Window);
    assert!(matches!(gateway.ask_in(good, Up::Ping(hubbub_codec::proto::Ping { nonce: 1 })), Down::Pong(_)));
}

#[test]
fn there_are_no_more_channels_than_there_may_be() {
    let server = Setup::new().trunks().config("trunk.channels_max = 2").start();
    let mut gateway = Gateway::open(&server, 0);
    let users: Vec<u64> = gateway.users(1).take(2).collect();
    let first = gateway.login(&server, users[0], 1);
    gateway.login(&server, users[1], 1);
    let third = gateway.open_channel();
    assert_eq!(gateway.end_of(third), ChannelEnd::Full);
    gateway.close(first);
    server.wait_for_metric("hubbub_trunk_channels", |channels| channels == 1.0);
    assert!(gateway.is_alive());
}

#[test]
fn failed_logins_are_counted_for_the_address_that_the_gateway_names() {
    let limits = "limits.address_logins_burst = 2\nlimits.address_logins_per_minute = 1";
    let server = Setup::new().trunks().config(limits).start();
    let mut gateway = Gateway::open(&server, 0);
    let mut try_from = |address: Option<&str>| {
        let channel = gateway.open_channel_for(address.map(|address| address.parse().unwrap()));
        gateway.say(channel, hello());
        let id = gateway.say(channel, by_user(7, PASSWORD, 1));
        match gateway.answer_to(channel, id) {
            Down::Error(error) => error.code(),
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..2 {
        assert_eq!(try_from(Some("192.0.2.1")), ErrorCode::WrongCredentials);
    }
    assert_eq!(try_from(Some("192.0.2.1")), ErrorCode::RateLimited);
    for address in [Some("2001:db8::1"), None, None, None] {
        assert_eq!(try_from(address), ErrorCode::WrongCredentials);
    }
}

#[test]
fn a_trunk_in_pieces_of_one_byte_is_a_trunk() {
    let server = Setup::new().trunks().start();
    let mut gateway = Gateway::open(&server, 1);
    let hello = encode_frame(&ClientFrame { request_id: 1, body: Some(hello()) });
    let channel = gateway.adopt_channel(ChannelId(1));
    for byte in frames(&[TrunkFrame::Open(channel, None), TrunkFrame::Data(channel, hello)]) {
        gateway.stream.write_all(&[byte]).unwrap();
    }
    assert!(matches!(gateway.next(channel).and_then(|frame| frame.body), Some(Down::Welcome(_))));
}
