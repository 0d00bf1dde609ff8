//! A silent line is pinged; a ping that is not answered ends the connection.

use hubbub_codec::ids::Seq;
use hubbub_codec::proto;
use hubbub_codec::session::Event;

use crate::rig::{Down, Rig, Up, ms, with_peer};

#[test]
fn pings_after_silence_only() {
    let mut rig = Rig::ready();
    rig.pass(ms(239_000));
    assert!(rig.sent().is_empty());
    rig.session.read(rig.now, &with_peer(), Seq(1)).unwrap();
    rig.sent();
    rig.pass(ms(239_999));
    assert!(rig.sent().is_empty());
    rig.pass(ms(1));
    let frames = rig.sent();
    assert!(matches!(frames[0].body, Some(Up::Ping(_))));

    let id = frames[0].request_id;
    rig.say(id, Down::Pong(proto::Pong::default()));
    assert!(matches!(rig.events()[..], [Event::Pong { nonce: 0, .. }]));
    rig.pass(ms(239_999));
    assert!(!rig.session.should_close());
}

#[test]
fn a_dead_line_is_closed() {
    let mut rig = Rig::ready();
    rig.pass(ms(240_000));
    rig.pass(ms(29_999));
    assert!(!rig.session.should_close());
    rig.pass(ms(1));
    assert!(rig.session.should_close());
}

#[test]
fn the_application_may_ping() {
    let mut rig = Rig::ready();
    rig.session.ping(rig.now, 77);
    let id = rig.sent()[0].request_id;
    let pong = proto::Pong { nonce: 77, server_time_us: 3 };
    rig.say(id, Down::Pong(pong));
    let expected = Event::Pong { nonce: 77, server_time_us: 3 };
    assert_eq!(rig.events(), [expected]);
}
