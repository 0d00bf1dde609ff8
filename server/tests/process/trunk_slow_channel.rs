//! A channel whose client is slow holds up nobody else, and lacks nothing in the end.

use crate::support::*;
use hubbub_codec::proto::send::To;

#[test]
fn the_others_go_on_and_it_catches_up() {
    let server = Setup::new().trunks().unlimited().start();
    let mut gateway = Gateway::open(&server, 0);
    let users: Vec<u64> = gateway.users(1).take(3).collect();
    let (slow, fast) = (gateway.login_and_sync(&server, users[0], 1), gateway.login_and_sync(&server, users[1], 1));
    let (mut sender, _) = Raw::login_and_sync(&server, 1_000_001, 1);
    gateway.be_slow(slow);

    // A window and the queue behind it are full long before the end, so the slow one lags.
    let texts: Vec<String> = (0..300).map(|n| format!("{n:>4000}")).collect();
    let mut say = |to: u64, n: usize, text: &str| {
        let sent = sender.ask(Up::Send(message(To::User(to), name(&n.to_string()), text)));
        assert!(matches!(sent, Down::Sent(_)), "{sent:?}");
    };
    texts.iter().enumerate().for_each(|(n, text)| say(users[0], n, text));
    server.wait_for_metric("hubbub_trunk_channels_blocked", |blocked| blocked == 1.0);
    server.wait_for_metric("hubbub_connections_lagging", |lagging| lagging == 1.0);
    texts.iter().enumerate().for_each(|(n, text)| say(users[1], n, text));
    assert_eq!(gateway.texts(fast, texts.len()), texts);

    gateway.be_fast(slow);
    assert_eq!(gateway.texts(slow, texts.len()), texts, "in order, and nothing twice");
    server.wait_for_metric("hubbub_trunk_channels_blocked", |blocked| blocked == 0.0);
    server.wait_for_metric("hubbub_connections_lagging", |lagging| lagging == 0.0);
}

#[test]
fn a_trunk_that_is_not_read_costs_bounded_memory_and_delivers_all_afterwards() {
    let server = Setup::new().trunks().unlimited().start();
    let mut gateway = Gateway::open(&server, 0);
    let users: Vec<u64> = gateway.users(1).take(20).collect();
    let channels: Vec<_> = users.iter().map(|user| gateway.login_and_sync(&server, *user, 1)).collect();
    let (mut sender, _) = Raw::login_and_sync(&server, 1_000_001, 1);
    // Nobody reads the trunk meanwhile: 20 times a megabyte.
    let texts: Vec<String> = (0..20).map(|n| format!("{n:>50000}")).collect();
    for (n, text) in texts.iter().enumerate() {
        for to in &users {
            let sent = sender.ask(Up::Send(message(To::User(*to), name(&n.to_string()), text)));
            assert!(matches!(sent, Down::Sent(_)), "{sent:?}");
        }
    }
    for channel in channels {
        assert_eq!(gateway.texts(channel, texts.len()), texts);
    }
    assert!(gateway.is_alive());
}
