//! Presence reaches those who watch: who came, who went, what they say, and nothing of those who do not want to be seen.

use crate::support::*;
use hubbub_codec::proto::set_status::Visibility;
use hubbub_codec::proto::{self, ErrorCode};
use std::time::{SystemTime, UNIX_EPOCH};

/// A server that notices quickly.
fn quick(more: &str) -> Server {
    let lines = "presence.grace_ms = 500\npresence.interval_ms = 100\n";
    Setup::new().config(&format!("{lines}{more}")).start()
}

fn asked(client: &mut Raw, users: &[u64]) -> Vec<proto::UserPresence> {
    match client.ask(watch(users)) {
        Down::Presence(presence) => presence.users,
        other => panic!("{other:?}"),
    }
}

fn pushed(client: &mut Raw) -> proto::UserPresence {
    client.push(|body| match body {
        Down::Presence(presence) => presence.users.first().cloned(),
        _ => None,
    })
}

fn set_status(client: &mut Raw, visibility: Visibility, status: Option<&str>) {
    let status = status.map(str::to_owned);
    let done = client.ask(Up::SetStatus(proto::SetStatus { visibility: visibility.into(), status }));
    assert!(matches!(done, Down::Done(_)), "{done:?}");
}

fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as i64
}

#[test]
fn who_comes_and_goes_is_told_to_each_device_that_watches() {
    let server = quick("");
    let (mut phone, mut tablet) = (Raw::login(&server, 10, 1), Raw::login(&server, 10, 2));
    assert_eq!(Raw::connect(&server).hello().limits.unwrap().watched_users_max, 1_000);
    for client in [&mut phone, &mut tablet] {
        assert_eq!(asked(client, &[20]), [proto::UserPresence { user: 20, ..Default::default() }]);
    }
    let before = now_us();
    let bob = Raw::login(&server, 20, 1);
    for client in [&mut phone, &mut tablet] {
        let presence = pushed(client);
        assert!(presence.online && presence.user == 20, "{presence:?}");
    }
    drop(bob);
    for client in [&mut phone, &mut tablet] {
        let presence = pushed(client);
        assert!(!presence.online && presence.last_active_us >= before, "{presence:?}");
    }
}

#[test]
fn a_hundred_reconnects_cost_at_most_a_few_pushes() {
    let server = Setup::new().config("presence.interval_ms = 100").start();
    let mut alice = Raw::login(&server, 10, 1);
    asked(&mut alice, &[20]);
    for _ in 0..100 {
        drop(Raw::login(&server, 20, 1));
    }
    let mut bob = Raw::login(&server, 20, 1);
    set_status(&mut bob, Visibility::Unspecified, Some("here to stay"));
    let mut pushes = 1;
    while pushed(&mut alice).status != "here to stay" {
        pushes += 1;
    }
    assert!(pushes <= 3, "{pushes}");
}

#[test]
fn a_status_is_shown_and_an_invisible_user_is_not() {
    let mut server = quick("");
    let (mut alice, mut bob) = (Raw::login(&server, 10, 1), Raw::login(&server, 20, 1));
    asked(&mut alice, &[20, 404]);
    set_status(&mut bob, Visibility::Unspecified, Some("tea"));
    assert_eq!(pushed(&mut alice).status, "tea");
    set_status(&mut bob, Visibility::Invisible, None);
    let hidden = |user| proto::UserPresence { user, ..Default::default() };
    assert_eq!(pushed(&mut alice), hidden(20));
    let mut answer = asked(&mut alice, &[20, 404]);
    answer.sort_by_key(|presence| presence.user);
    assert_eq!(answer, [hidden(20), hidden(404)]);
    // It stays so, whatever happens to the server.
    server.kill();
    server.start_again();
    let (mut alice, mut bob) = (Raw::login(&server, 10, 1), Raw::login(&server, 20, 1));
    assert_eq!(asked(&mut alice, &[20]), [hidden(20)]);
    set_status(&mut bob, Visibility::Visible, None);
    let presence = pushed(&mut alice);
    assert!(presence.online && presence.status == "tea", "{presence:?}");
}

#[test]
fn the_last_activity_survives_an_orderly_stop() {
    let mut server = quick("");
    let mut bob = Raw::login(&server, 20, 1);
    let before = now_us();
    bob.ask(Up::Ping(proto::Ping { nonce: 1 }));
    let after = now_us();
    server.stop();
    server.start_again();
    let mut alice = Raw::login(&server, 10, 1);
    let presence = asked(&mut alice, &[20]).remove(0);
    assert!(!presence.online);
    assert!((before..=after).contains(&presence.last_active_us), "{before} {presence:?} {after}");
}

#[test]
fn who_says_nothing_is_away_and_back_with_a_ping() {
    let server = quick("presence.timeout_ms = 1000");
    let (mut alice, mut bob) = (Raw::login(&server, 10, 1), Raw::login(&server, 20, 1));
    asked(&mut alice, &[20]);
    loop {
        let presence = pushed(&mut alice);
        if !presence.online {
            break assert!(presence.last_active_us > 0);
        }
    }
    bob.ask(Up::Ping(proto::Ping { nonce: 1 }));
    assert!(pushed(&mut alice).online);
}

#[test]
fn lists_are_bounded_and_can_be_shortened() {
    let server = quick("limits.watched_users_max = 3");
    let mut alice = Raw::login(&server, 10, 1);
    let error = alice.ask_in_vain(watch(&[]));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::Invalid, "users"));
    asked(&mut alice, &[20, 21, 21]);
    let error = alice.ask_in_vain(watch(&[21, 22, 23]));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "users"));
    assert!(error.message.contains("limits.watched_users_max"), "{}", error.message);
    let unwatch = |users: &[u64], all| Up::Unwatch(proto::Unwatch { users: users.to_vec(), all });
    assert!(matches!(alice.ask(unwatch(&[20], false)), Down::Done(_)));
    asked(&mut alice, &[21, 22, 23]);
    drop(Raw::login(&server, 20, 1));
    let _carol = Raw::login(&server, 22, 1);
    assert_eq!(pushed(&mut alice).user, 22);
    server.wait_for_metric("hubbub_users_watched", |users| users == 3.0);
    assert!(matches!(alice.ask(unwatch(&[], true)), Down::Done(_)));
    server.wait_for_metric("hubbub_users_watched", |users| users == 0.0);
    asked(&mut alice, &[21]);
    server.wait_for_metric("hubbub_users_watched", |users| users == 1.0);
    drop(alice);
    server.wait_for_metric("hubbub_users_watched", |users| users == 0.0);
}

#[test]
fn a_long_answer_comes_in_frames_that_fit() {
    let server = quick("limits.frame_bytes_max = 2048\nlimits.body_bytes_max = 1024");
    let mut alice = Raw::login(&server, 10, 1);
    let users: Vec<u64> = (100..300).collect();
    let mut bob = Raw::login(&server, 100, 1);
    set_status(&mut bob, Visibility::Unspecified, Some(&"x".repeat(128)));
    let id = alice.say(watch(&users));
    let mut seen = Vec::new();
    loop {
        let frame = alice.next().unwrap();
        let Some(Down::Presence(presence)) = frame.body else { panic!("{frame:?}") };
        assert!(presence.users.len() <= 32);
        seen.extend(presence.users.into_iter().map(|presence| presence.user));
        if frame.request_id == id {
            break;
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, users);
}

#[test]
fn a_client_that_does_not_read_learns_the_last_state_when_it_does() {
    let lines = "presence.interval_ms = 100\nlimits.connection_outbound_bytes_max = 70000";
    let server = Setup::new().unlimited().config(lines).start();
    let (mut alice, mut bob) = (Raw::login(&server, 10, 1), Raw::login(&server, 20, 1));
    alice.sync(Vec::new(), true);
    asked(&mut alice, &[20]);
    // Entries fill the way to alice, who does not read.
    let text = "x".repeat(50_000);
    let mut sent = 0;
    while server.metric("hubbub_connections_lagging").unwrap_or(0.0) == 0.0 {
        for _ in 0..20 {
            sent += 1;
            let message = message(proto::send::To::User(10), name(&sent.to_string()), &text);
            assert!(matches!(bob.ask(Up::Send(message)), Down::Sent(_)));
        }
    }
    for n in 0..50 {
        set_status(&mut bob, Visibility::Unspecified, Some(&n.to_string()));
    }
    set_status(&mut bob, Visibility::Unspecified, Some("the last"));
    while pushed(&mut alice).status != "the last" {}
}
