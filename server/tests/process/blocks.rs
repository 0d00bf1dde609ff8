//! Between two people of whom one has blocked the other nothing passes, in either direction, save in groups.

use crate::support::*;
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::{self, ErrorCode, SignalKind, error::Action};

/// Two people who have talked, both live.
fn friends(server: &Server) -> (Raw, Raw, Conversation) {
    let (mut alice, _) = Raw::login_and_sync(server, 10, 1);
    let (mut bob, _) = Raw::login_and_sync(server, 20, 1);
    assert!(matches!(alice.ask(to_user(20, "hello")), Down::Sent(_)));
    for client in [&mut alice, &mut bob] {
        client.push(|body| matches!(body, Down::Entries(_)).then_some(()));
    }
    (alice, bob, direct(10, 20))
}

fn done(client: &mut Raw, body: Up) {
    let answer = client.ask(body);
    assert!(matches!(answer, Down::Done(_)), "{answer:?}");
}

fn is_blocked(client: &mut Raw, body: Up) {
    let error = client.ask_in_vain(body);
    assert_eq!((error.code(), error.action()), (ErrorCode::Blocked, Action::GiveUp), "{}", error.message);
}

fn listed(client: &mut Raw) -> Vec<u64> {
    match client.ask(Up::ListBlocked(proto::ListBlocked {})) {
        Down::Blocked(blocked) => blocked.users,
        other => panic!("{other:?}"),
    }
}

/// The state that a new device sees.
fn state(server: &Server, user: u64, chat: Conversation) -> proto::ConversationState {
    let (_, states) = Raw::login_and_sync(server, user, 77);
    states.into_iter().find(|state| state.conversation == Some(chat.into())).expect("the chat is listed")
}

#[test]
fn messages_signals_and_receipts_do_not_pass_in_either_direction() {
    for blocker in [0, 1] {
        let server = Server::start();
        let (alice, bob, chat) = friends(&server);
        let mut people = [(alice, 10), (bob, 20)];
        let peer = people[1 - blocker].1;
        done(&mut people[blocker].0, block(&[peer]));
        for at in [0, 1] {
            let peer = people[1 - at].1;
            let client = &mut people[at].0;
            is_blocked(client, to_user(peer, "x"));
            is_blocked(client, signal(chat, SignalKind::Typing, 0, ""));
            client.say_as(0, signal(chat, SignalKind::Typing, 0, ""));
            done(client, read(chat, 1));
        }
        let [(alice, _), (bob, _)] = &mut people;
        assert!(alice.so_far().is_empty() && bob.so_far().is_empty());
        for user in [10, 20] {
            let state = state(&server, user, chat);
            assert!(state.blocked && state.head == 1 && state.peer_read == 0, "{state:?}");
            assert_eq!(state.read, 1, "one's own marks go on");
        }
        done(&mut people[blocker].0, unblock(&[peer]));
        for user in [10, 20] {
            let state = state(&server, user, chat);
            assert!(!state.blocked && state.peer_read == 1, "{state:?}");
        }
        assert!(matches!(people[0].0.ask(to_user(20, "again")), Down::Sent(_)));
    }
}

#[test]
fn a_first_message_is_refused_and_makes_no_conversation() {
    let server = Server::start();
    let (mut alice, mut bob) = (Raw::login_and_sync(&server, 10, 1).0, Raw::login_and_sync(&server, 20, 1).0);
    done(&mut bob, block(&[10]));
    is_blocked(&mut alice, to_user(20, "hello"));
    is_blocked(&mut bob, to_user(10, "hello"));
    assert!(Raw::login_and_sync(&server, 20, 2).1.is_empty());
    done(&mut bob, unblock(&[10]));
    assert!(matches!(alice.ask(to_user(20, "hello")), Down::Sent(_)));
}

#[test]
fn blocks_survive_a_kill() {
    let mut server = Server::start();
    let (_, mut bob, chat) = friends(&server);
    drop(Raw::login(&server, 5, 1));
    drop(Raw::login(&server, 30, 1));
    done(&mut bob, block(&[30, 10, 5]));
    done(&mut bob, unblock(&[30]));
    server.kill();
    server.start_again();
    let (mut alice, states) = Raw::login_and_sync(&server, 10, 1);
    assert!(states[0].blocked);
    is_blocked(&mut alice, to_user(20, "x"));
    is_blocked(&mut alice, signal(chat, SignalKind::Typing, 0, ""));
    let mut bob = Raw::login(&server, 20, 1);
    assert_eq!(listed(&mut bob), [5, 10]);
    is_blocked(&mut Raw::login(&server, 5, 1), to_user(20, "x"));
}

#[test]
fn presence_is_hidden_both_ways_at_once_and_shown_again() {
    let server = Setup::new().config("presence.interval_ms = 100").start();
    let (mut alice, mut bob, _) = friends(&server);
    let presence = |body: &Down| match body {
        Down::Presence(presence) => presence.users.first().cloned(),
        _ => None,
    };
    let asked = |client: &mut Raw, user| match client.ask(watch(&[user])) {
        Down::Presence(presence) => presence.users[0].clone(),
        other => panic!("{other:?}"),
    };
    assert!(asked(&mut alice, 20).online && asked(&mut bob, 10).online);
    done(&mut alice, block(&[20]));
    let hidden = |user| proto::UserPresence { user, ..Default::default() };
    assert_eq!(alice.push(presence), hidden(20));
    assert_eq!(bob.push(presence), hidden(10));
    assert_eq!((asked(&mut alice, 20), asked(&mut bob, 10)), (hidden(20), hidden(10)));
    done(&mut alice, unblock(&[20]));
    assert!(alice.push(presence).online && bob.push(presence).online);
}

#[test]
fn groups_go_on() {
    let server = Server::start();
    let (mut alice, mut bob, _) = friends(&server);
    let Down::Group(group) = alice.ask(create_group("team", &[20])) else { panic!("no group") };
    done(&mut alice, block(&[20]));
    assert!(matches!(bob.ask(to_group(group.group, "still here")), Down::Sent(_)));
    alice.push(|body| match body {
        Down::Entries(entries) => entries.entries.iter().any(|entry| entry.body == "still here").then_some(()),
        _ => None,
    });
}

#[test]
fn wrong_blocks_are_refused_by_name() {
    let server = Server::start();
    let mut alice = Raw::login(&server, 10, 1);
    for (users, code, field) in [
        (&[][..], ErrorCode::Invalid, "users"),
        (&[10], ErrorCode::Invalid, "users"),
        (&[0], ErrorCode::Invalid, "users"),
        (&[404], ErrorCode::UnknownUser, ""),
        (&[20; 101], ErrorCode::LimitExceeded, "users"),
    ] {
        let error = alice.ask_in_vain(block(users));
        assert_eq!((error.code(), error.field.as_str()), (code, field), "{users:?}");
    }
    assert_eq!(listed(&mut alice), [0; 0]);
    done(&mut alice, unblock(&[404]));
}
