//! Clients in the channels of a trunk are clients like any other.

use crate::support::*;
use hubbub_codec::trunk::ChannelEnd;

#[test]
fn two_on_one_trunk_talk_with_each_other_and_with_a_client_of_its_own_connection() {
    let server = Setup::new().trunks().start();
    let mut gateway = Gateway::open(&server, 1);
    let users: Vec<u64> = gateway.users(1).take(2).collect();
    let (alice, bob) = (users[0], users[1]);
    let in_a = gateway.login_and_sync(&server, alice, 1);
    let in_b = gateway.login_and_sync(&server, bob, 1);
    let (mut carol, _) = Raw::login_and_sync(&server, 1_000_001, 1);

    assert!(matches!(gateway.ask_in(in_a, to_user(bob, "from a channel")), Down::Sent(_)));
    assert_eq!(gateway.texts(in_b, 1), ["from a channel"]);
    assert!(matches!(gateway.ask_in(in_b, to_user(1_000_001, "to a socket")), Down::Sent(_)));
    let text = carol.push(|down| match down {
        Down::Entries(entries) => Some(entries.entries[0].body.clone()),
        _ => None,
    });
    assert_eq!(text, "to a socket");
    assert!(matches!(carol.ask(to_user(bob, "from a socket")), Down::Sent(_)));
    assert_eq!(gateway.texts(in_b, 2), ["to a socket", "from a socket"], "and one's own");
    server.wait_for_metric("hubbub_trunks", |trunks| trunks == 1.0);
    server.wait_for_metric("hubbub_trunk_channels", |channels| channels == 2.0);
    server.wait_for_metric("hubbub_connections", |connections| connections == 2.0);
}

#[test]
fn a_channel_ends_and_its_number_carries_another_client() {
    let server = Setup::new().trunks().start();
    let mut gateway = Gateway::open(&server, 0);
    let user = gateway.users(1).next().unwrap();
    let first = gateway.login(&server, user, 1);
    gateway.close(first);
    server.wait_for_metric("hubbub_devices_logged_in", |devices| devices == 0.0);
    // The server's word that it is over comes before its answer to this.
    assert!(gateway.is_alive());
    let second = gateway.login(&server, user, 2);
    assert_eq!(second, first, "the lowest free number");
    // The same device on another channel ends the older session.
    let third = gateway.login(&server, user, 2);
    assert_eq!(gateway.end_of(second), ChannelEnd::Over);
    assert!(matches!(gateway.ask_in(third, Up::Ping(hubbub_codec::proto::Ping { nonce: 1 })), Down::Pong(_)));
}

#[test]
fn a_user_who_lives_elsewhere_is_sent_there() {
    let server = Setup::new().trunks().start();
    let mut here = Gateway::open(&server, 0);
    let mut there = Gateway::open(&server, 1);
    let user = there.users(1).next().unwrap();
    let channel = here.open_channel();
    here.say(channel, hello());
    here.say(channel, login(server.token(user), 1));
    assert_eq!(here.end_of(channel), ChannelEnd::WrongShard(1));
    there.login(&server, user, 1);
    assert!(here.is_alive());
}

#[test]
fn more_requests_than_may_be_in_progress_are_answered_one_after_the_other() {
    let server = Setup::new().trunks().unlimited().start();
    let mut gateway = Gateway::open(&server, 0);
    let users: Vec<u64> = gateway.users(1).take(2).collect();
    let (a, b) = (gateway.login_and_sync(&server, users[0], 1), gateway.login_and_sync(&server, users[1], 1));
    // Several windows full.
    let texts: Vec<String> = (0..2_000).map(|n| format!("{n:>200}")).collect();
    let mut last = 0;
    for (n, text) in texts.iter().enumerate() {
        let message = message(hubbub_codec::proto::send::To::User(users[1]), name(&n.to_string()), text);
        last = gateway.say(a, Up::Send(message));
    }
    assert!(matches!(gateway.answer_to(a, last), Down::Sent(_)));
    assert_eq!(gateway.texts(b, texts.len()), texts);
}
