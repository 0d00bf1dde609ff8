//! When a session connects again: with growing, jittered waits, or when the server said so, or never.

use hubbub_codec::proto;
use hubbub_codec::session::Event;

use crate::rig::{Down, PEER, Rig, ms};

#[test]
fn waits_grow_to_their_maximum() {
    let mut rig = Rig::with(|config| {
        config.backoff_min = ms(100);
        config.backoff_max = ms(1_000);
    });
    for doubled in [100, 200, 400, 800, 1_000, 1_000] {
        rig.connect();
        rig.disconnect();
        let at = rig.session.reconnect_at().unwrap();
        let wait = at - rig.now;
        assert!(wait >= ms(doubled) / 2 && wait <= ms(doubled), "{wait:?}");
        rig.now = at;
    }
    rig.login();
    rig.disconnect();
    assert!(rig.session.reconnect_at().unwrap() - rig.now <= ms(100));
    assert_eq!(rig.session.stats().reconnects, 6);
}

#[test]
fn two_sessions_do_not_wait_alike() {
    let wait = |seed| {
        let mut rig = Rig::with(|config| config.seed = seed);
        rig.connect();
        rig.disconnect();
        rig.session.reconnect_at()
    };
    assert_ne!(wait(1), wait(2));
}

#[test]
fn honours_the_servers_word() {
    let mut rig = Rig::ready();
    let bye =
        proto::Bye { reason: proto::bye::Reason::Drain.into(), retry_after_ms: 1_234, target: "elsewhere:1".into() };
    rig.push(Down::Bye(bye.clone()));
    assert!(rig.session.should_close());
    rig.disconnect();
    assert_eq!(rig.session.reconnect_at(), Some(rig.now + ms(1_234)));
    assert_eq!(rig.events(), [Event::Disconnected { bye: Some(bye) }]);
}

#[test]
fn a_replaced_session_stays_away() {
    let mut rig = Rig::ready();
    rig.push(Down::Bye(proto::Bye { reason: proto::bye::Reason::Replaced.into(), ..Default::default() }));
    rig.disconnect();
    assert_eq!(rig.session.reconnect_at(), None);
    assert!(rig.session.is_stopped());
    let to = hubbub_codec::session::Recipient::User(PEER);
    assert!(rig.session.send(rig.now, to, Default::default()).is_err());
}
