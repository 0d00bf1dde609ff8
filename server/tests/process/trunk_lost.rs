//! What ends with a trunk, and how a server ends one.

use crate::support::*;
use hubbub_codec::proto::bye::Reason;
use hubbub_codec::trunk::{ChannelEnd, TrunkEnd, TrunkError};

#[test]
fn a_lost_trunk_ends_its_sessions_and_no_others() {
    let server = Setup::new().trunks().start();
    let mut lost = Gateway::open(&server, 0);
    let mut kept = Gateway::open(&server, 0);
    let users: Vec<u64> = lost.users(1).take(101).collect();
    let (other, crowd) = users.split_last().unwrap();
    for user in crowd {
        lost.login(&server, *user, 1);
    }
    let channel = kept.login_and_sync(&server, *other, 1);
    server.wait_for_metric("hubbub_devices_logged_in", |devices| devices == 101.0);
    drop(lost);
    server.wait_for_metric("hubbub_trunk_channels", |channels| channels == 1.0);
    server.wait_for_metric("hubbub_devices_logged_in", |devices| devices == 1.0);
    server.wait_for_metric("hubbub_connections", |connections| connections == 1.0);
    assert!(matches!(kept.ask_in(channel, to_user(crowd[0], "are you there?")), Down::Sent(_)));
    // And they come back, on another trunk.
    let back = kept.login(&server, crowd[0], 1);
    kept.say(back, Up::Sync(hubbub_codec::proto::Sync { cursors: Vec::new(), include_others: true }));
    assert_eq!(kept.texts(back, 1), ["are you there?"]);
}

#[test]
fn a_stop_tells_each_client_and_then_the_gateway() {
    let mut server = Setup::new().trunks().start();
    let mut gateway = Gateway::open(&server, 1);
    let user = gateway.users(1).next().unwrap();
    let channel = gateway.login(&server, user, 1);
    server.ask_to_stop();
    match gateway.next(channel).and_then(|frame| frame.body) {
        Some(Down::Bye(bye)) => assert_eq!(bye.reason(), Reason::Drain),
        other => panic!("{other:?}"),
    }
    assert_eq!(gateway.end_of(channel), ChannelEnd::Over);
    assert!(matches!(gateway.end(), TrunkError::Ended(TrunkEnd::Stopping, _)));
    assert!(server.wait_for_end().success());
}

#[test]
fn a_silent_trunk_is_ended() {
    let server = Setup::new().trunks().config("limits.keepalive_ms = 400").start();
    let mut gateway = Gateway::open(&server, 0);
    assert!(matches!(gateway.end(), TrunkError::Ended(TrunkEnd::Idle, _)));
}
