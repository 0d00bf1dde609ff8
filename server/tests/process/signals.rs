//! Signals reach the other sessions that follow a conversation now, are never stored, and calls ring out.

use crate::support::*;
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::{self, ErrorCode, SignalKind, error::Action};

/// Two people who have talked, the first of them with two devices.
fn friends(server: &Server) -> (Raw, Raw, Raw, Conversation) {
    let (mut alice, _) = Raw::login_and_sync(server, 10, 1);
    let (mut bob, _) = Raw::login_and_sync(server, 20, 1);
    let (mut tablet, _) = Raw::login_and_sync(server, 10, 2);
    assert!(matches!(alice.ask(to_user(20, "hello")), Down::Sent(_)));
    for client in [&mut alice, &mut bob, &mut tablet] {
        client.push(|body| matches!(body, Down::Entries(_)).then_some(()));
    }
    (alice, bob, tablet, direct(10, 20))
}

fn signalled(client: &mut Raw) -> proto::Signalled {
    client.push(|body| match body {
        Down::Signalled(signalled) => Some(signalled.clone()),
        _ => None,
    })
}

fn signals_so_far(client: &mut Raw) -> usize {
    client.so_far().iter().filter(|frame| matches!(frame.body, Some(Down::Signalled(_)))).count()
}

#[test]
fn a_signal_reaches_the_peer_and_the_own_other_device_and_leaves_nothing() {
    let server = Server::start();
    let (mut alice, mut bob, mut tablet, chat) = friends(&server);
    alice.say_as(0, signal(chat, SignalKind::Typing, 0, ""));
    assert!(matches!(alice.ask(signal(chat, SignalKind::Custom, 5, "wave")), Down::Done(_)));
    for client in [&mut bob, &mut tablet] {
        assert_eq!(signalled(client).kind(), SignalKind::Typing);
        let wave = signalled(client);
        assert_eq!((wave.kind(), wave.from, wave.from_device, wave.call_id), (SignalKind::Custom, 10, 1, 5));
        assert_eq!((&wave.body[..], wave.conversation), (&b"wave"[..], Some(chat.into())));
    }
    assert_eq!(signals_so_far(&mut alice), 0);
    let (mut phone, states) = Raw::login_and_sync(&server, 20, 7);
    assert_eq!(states[0].head, 1);
    assert_eq!(signals_so_far(&mut phone), 0);
}

#[test]
fn wrong_signals_are_refused_by_name() {
    let server = Setup::new().config("limits.signal_bytes_max = 10").start();
    let (mut alice, _, _, chat) = friends(&server);
    let (mut carol, _) = Raw::login_and_sync(&server, 30, 1);
    let refused = |client: &mut Raw, body| {
        let error = client.ask_in_vain(body);
        assert_eq!(error.action(), Action::FixRequest);
        (error.code(), error.field)
    };
    let invalid = |field: &str| (ErrorCode::Invalid, field.to_owned());
    for kind in [SignalKind::Unspecified, SignalKind::CallRingTimeout] {
        assert_eq!(refused(&mut alice, signal(chat, kind, 1, "")), invalid("signal.kind"));
    }
    assert_eq!(refused(&mut alice, signal(chat, SignalKind::CallOffer, 0, "")), invalid("signal.call_id"));
    let long = signal(chat, SignalKind::Custom, 0, "12345678901");
    assert_eq!(refused(&mut alice, long), (ErrorCode::LimitExceeded, "signal.body".to_owned()));
    let stranger = refused(&mut carol, signal(chat, SignalKind::Typing, 0, ""));
    assert_eq!(stranger, (ErrorCode::UnknownConversation, String::new()));
    // Without a number there is no answer, and the connection lives.
    carol.say_as(0, signal(chat, SignalKind::Typing, 0, ""));
    carol.say_as(0, signal(chat, SignalKind::Unspecified, 0, ""));
    assert!(carol.so_far().is_empty());
}

#[test]
fn the_limit_is_told() {
    let server = Setup::new().config("limits.frame_bytes_max = 5000\nlimits.body_bytes_max = 1000").start();
    let limits = Raw::connect(&server).hello().limits.unwrap();
    assert_eq!(limits.signal_bytes_max, 5_000 - 1_024);
}

#[test]
fn a_call_rings_out_for_everybody_unless_it_is_taken() {
    let server = Setup::new().config("calls.ring_timeout_ms = 500").start();
    let (mut alice, mut bob, mut tablet, chat) = friends(&server);
    assert!(matches!(alice.ask(signal(chat, SignalKind::CallOffer, 1, "sdp")), Down::Done(_)));
    assert_eq!(signalled(&mut bob).kind(), SignalKind::CallOffer);
    assert!(matches!(bob.ask(signal(chat, SignalKind::CallAnswer, 1, "sdp")), Down::Done(_)));
    assert!(matches!(alice.ask(signal(chat, SignalKind::CallOffer, 2, "sdp")), Down::Done(_)));
    let kinds = |client: &mut Raw| {
        let mut kinds = Vec::new();
        while kinds.last() != Some(&(SignalKind::CallRingTimeout, 2)) {
            let signalled = signalled(client);
            assert_eq!(signalled.from, if signalled.kind() == SignalKind::CallAnswer { 20 } else { 10 });
            kinds.push((signalled.kind(), signalled.call_id));
        }
        kinds
    };
    use SignalKind::{CallAnswer, CallOffer, CallRingTimeout};
    let timeout = (CallRingTimeout, 2);
    assert_eq!(kinds(&mut alice), [(CallAnswer, 1), timeout]);
    assert_eq!(kinds(&mut bob), [(CallOffer, 2), timeout]);
    assert_eq!(kinds(&mut tablet), [(CallOffer, 1), (CallAnswer, 1), (CallOffer, 2), timeout]);
}

#[test]
fn a_client_that_does_not_read_loses_signals_and_nothing_else() {
    let server = Setup::new().unlimited().config("limits.connection_outbound_bytes_max = 100000").start();
    let (mut alice, mut bob, _, chat) = friends(&server);
    let body = "x".repeat(8_000);
    while server.metric("hubbub_signals_dropped_total").unwrap_or(0.0) == 0.0 {
        for _ in 0..500 {
            alice.say_as(0, signal(chat, SignalKind::Custom, 0, &body));
        }
        assert!(signals_so_far(&mut alice) == 0);
    }
    assert!(matches!(alice.ask(to_user(20, "still there?")), Down::Sent(_)));
    let seq = bob.push(|body| match body {
        Down::Entries(entries) => entries.entries.last().map(|entry| entry.seq),
        _ => None,
    });
    assert_eq!(seq, 2);
}
